"""Networks to be faster than are what they are said to be."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from distilfuse.nets.config import StudentConfig
from distilfuse.nets.fusion_net import FusionNet
from distilfuse.nets.rivals import RIVALS, Ifcnn, SeaFusion, UnfoldedAttention, make_naive, open_rival


@pytest.mark.parametrize(("network", "millions"), [(Ifcnn(), 0.08), (SeaFusion(), 0.17)])
def test_sizes_are_the_published_ones(network: torch.nn.Module, millions: float) -> None:
    assert round(sum(weight.numel() for weight in network.parameters()) / 1e6, 2) == millions


@torch.no_grad()
def test_the_naive_student_computes_what_the_student_computes() -> None:
    torch.manual_seed(0)
    config = StudentConfig(channels=8, blocks=(1, 1, 1, 1), refinement=1)
    network = FusionNet(config=config).eval()
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    naive = make_naive(copy.deepcopy(network))
    assert any(isinstance(module, UnfoldedAttention) for module in naive.modules())
    visible, infrared = torch.rand(1, 3, 72, 104), torch.rand(1, 1, 72, 104)
    ours, theirs = network(visible, infrared), naive(visible, infrared)
    assert (ours - visible).abs().max() > 1e-2
    assert torch.allclose(ours, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", RIVALS)
def test_a_rival_takes_and_gives_pictures(name: str) -> None:
    rng = np.random.default_rng(0)
    visible, infrared = rng.integers(0, 256, (32, 40, 3), np.uint8), rng.integers(0, 256, (32, 40), np.uint8)
    before = torch.get_num_threads()
    try:
        fused = open_rival(name, threads=1)(visible, infrared)
    finally:
        torch.set_num_threads(before)
    assert (fused.shape, fused.dtype) == (visible.shape, np.uint8)
