from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from distilfuse.losses.steadiness import steadiness_loss
from distilfuse.metrics.flicker import flicker


def takes(level: float, change: float) -> Tensor:
    """One scene of one grey level, brighter by ``change`` in its second take."""
    return torch.stack([torch.full((1, 32, 48), level), torch.full((1, 32, 48), level + change)])


def test_what_a_source_changes_itself_is_free() -> None:
    loss = steadiness_loss(takes(0.5, 0.03), takes(0.4, 0.01), takes(0.2, -0.03))
    assert float(loss) == pytest.approx(0, abs=1e-6)


def test_what_is_beyond_that_costs_as_much() -> None:
    assert float(steadiness_loss(takes(0.5, 0.05), takes(0.4, 0.01), takes(0.2, -0.03))) == pytest.approx(
        0.02, abs=1e-6
    )


def test_grain_within_a_region_is_free() -> None:
    fused = torch.full((2, 1, 32, 32), 0.5)
    fused[1, :, ::2] += 0.1
    fused[1, :, 1::2] -= 0.1
    still = torch.full((2, 1, 32, 32), 0.5)
    assert float(steadiness_loss(fused, still, still)) == pytest.approx(0, abs=1e-6)


def test_scenes_are_compared_with_themselves() -> None:
    fused = torch.tensor([0.2, 0.8, 0.2, 0.8]).reshape(4, 1, 1, 1).expand(4, 1, 16, 16)
    assert float(steadiness_loss(fused, fused, fused)) == 0
    still = torch.full((4, 1, 16, 16), 0.5)
    assert float(steadiness_loss(fused[[0, 0, 1, 1]], still, still)) == pytest.approx(0.6, abs=1e-5)


def test_it_is_what_flicker_measures_between_two_frames() -> None:
    rng = np.random.default_rng(0)
    frames = [rng.random((64, 80)).astype(np.float32) for _ in range(2)]
    still = torch.full((2, 1, 64, 80), 0.5)
    loss = steadiness_loss(torch.from_numpy(np.stack(frames))[:, None], still, still)
    # The standard deviation of two values is half of their difference.
    assert 255 * float(loss) / 2 == pytest.approx(flicker(frames), rel=1e-4)


def test_colour_counts_by_its_luminance() -> None:
    grey = takes(0.5, 0.05)
    colour = grey.repeat(1, 3, 1, 1)
    still = takes(0.5, 0.0)
    assert float(steadiness_loss(colour, colour * 0 + 0.5, still)) == pytest.approx(
        float(steadiness_loss(grey, still, still))
    )
