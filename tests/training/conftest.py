"""A data set of rendered noise, small enough to train on in a test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse.training.recipe import Recipe, recipe_from_dict

STEMS = [f"{number:02d}" for number in range(9)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Nine pairs of set ``toy`` (the fifth is its validation part), smooth shapes on a grid."""
    rng = np.random.default_rng(0)
    for folder, channels in (("vi", 3), ("ir", 1)):
        (tmp_path / "toy" / folder).mkdir(parents=True)
        for stem in STEMS:
            coarse = rng.integers(0, 256, (8, 9, channels), dtype=np.uint8)
            picture = Image.fromarray(coarse.squeeze()).resize((72, 64), Image.Resampling.BICUBIC)
            picture.save(tmp_path / "toy" / folder / f"{stem}.png")
    return tmp_path


@pytest.fixture
def recipe() -> Recipe:
    """Twelve steps of a very small nano network."""
    return recipe_from_dict(
        {
            "name": "toy",
            "card": {"summary": "A toy.", "data_terms": "None."},
            "network": {"kind": "nano", "width": 8, "deep_width": 8, "gauge_width": 4},
            "data": {"sets": [{"name": "toy"}], "crop": 48, "batch": 2},
            "objective": {"intensity": 12.0, "signed_gradient": 20.0, "structure": 2.0, "edge_preservation": 4.0},
            "optimiser": {"lr": 2.0e-3, "warmup": 3},
            "steps": 12,
            "checkpoint_every": 4,
            "validate_every": 6,
        }
    )
