from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from distilfuse.nets.spatial_attention import SpatialAttention


def naive(part: SpatialAttention, x: Tensor) -> Tensor:
    """Every window unfolded, an explicit softmax, and a bias looked up for each pair of pixels."""
    batch, _, height, width = x.shape
    side, reach, dim = part.window, part.window + part.overlap, part.head_dim
    before = part.overlap // 2
    rows, columns = -(-height // side), -(-width // side)
    query_map = F.pad(part.queries(x), (0, columns * side - width, 0, rows * side - height), mode="replicate")
    after_x, after_y = columns * side - width + before, rows * side - height + before
    both = F.pad(part.keys_values(x), (before, after_x, before, after_y), mode="replicate")
    queries = F.unfold(query_map, side, stride=side).view(batch, part.heads, dim, side**2, -1)
    keys_values = F.unfold(both, reach, stride=side).view(batch, 2, part.heads, dim, reach**2, -1)
    bias = torch.zeros(part.heads, side**2, reach**2, dtype=x.dtype)
    for query in range(side**2):
        for key in range(reach**2):
            down = key // reach - query // side
            along = key % reach - query % side
            bias[:, query, key] = part.row_bias[:, down + side - 1] + part.column_bias[:, along + side - 1]
    logits = torch.einsum("bhdqw,bhdkw->bhqkw", queries, keys_values[:, 0]) * dim**-0.5 + bias[..., None]
    attended = torch.einsum("bhqkw,bhdkw->bhdqw", logits.softmax(3), keys_values[:, 1])
    whole = (rows * side, columns * side)
    folded = F.fold(attended.reshape(batch, -1, rows * columns), whole, side, stride=side)
    return part.project(folded[:, :, :height, :width])


def make(heads: int = 2, window: int = 8, overlap_window: int = 12, channels: int = 6) -> SpatialAttention:
    torch.manual_seed(0)
    part = SpatialAttention(
        channels=channels, heads=heads, head_dim=4, window=window, overlap_window=overlap_window
    ).double()
    with torch.no_grad():
        for bias in (part.row_bias, part.column_bias):
            bias.normal_()
    return part


@pytest.mark.parametrize(("height", "width"), [(16, 24), (8, 8), (13, 21), (1, 1), (3, 40)])
def test_equals_the_naive_reference_in_values_and_gradients(height: int, width: int) -> None:
    part = make()
    x = torch.randn(2, 6, height, width, dtype=torch.float64, requires_grad=True)
    ours, reference = part(x), naive(part, x)
    assert ours.shape == x.shape
    torch.testing.assert_close(ours, reference, rtol=1e-9, atol=1e-10)
    weights = torch.randn_like(ours)
    wanted = [x, *part.parameters()]
    for mine, theirs in zip(
        torch.autograd.grad((ours * weights).sum(), wanted),
        torch.autograd.grad((reference * weights).sum(), wanted),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(("window", "overlap_window", "heads"), [(8, 8, 1), (4, 8, 3), (4, 6, 2)])
def test_other_windows_equal_the_naive_reference(window: int, overlap_window: int, heads: int) -> None:
    part = make(heads, window, overlap_window)
    x = torch.randn(1, 6, 11, 9, dtype=torch.float64)
    torch.testing.assert_close(part(x), naive(part, x), rtol=1e-9, atol=1e-10)


def test_inference_in_strips_equals_training_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distilfuse.nets.spatial_attention._WINDOWS_AT_ONCE", 5)
    part = make()
    x = torch.randn(2, 6, 37, 19, dtype=torch.float64)
    with torch.no_grad():
        strips = part(x)
    torch.testing.assert_close(strips, part(x).detach(), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("batch", "height", "width", "pieces"), [(1, 8, 8, 1), (2, 16, 24, 1), (2, 32, 16, 4)])
def test_what_is_exported_equals_the_naive_reference(
    batch: int, height: int, width: int, pieces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = make(heads=3)
    part.pieces = pieces
    x = torch.randn(batch, 6, height, width, dtype=torch.float64)
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    torch.testing.assert_close(part(x), naive(part, x), rtol=1e-9, atol=1e-10)


def test_repeating_the_border_changes_nothing() -> None:
    part = make()
    x = torch.randn(1, 6, 10, 13, dtype=torch.float64)
    padded = F.pad(x, (0, 9, 0, 5), mode="replicate")
    with torch.no_grad():
        torch.testing.assert_close(part(padded)[:, :, :10, :13], part(x), rtol=1e-9, atol=1e-10)


def test_a_pixel_sees_its_overlapping_window_and_no_further() -> None:
    part = make()
    x = torch.randn(1, 6, 32, 32, dtype=torch.float64, requires_grad=True)
    part(x)[:, :, 8:16, 8:16].square().sum().backward()
    assert x.grad is not None
    seen = x.grad.abs().sum((0, 1)) > 0
    expected = torch.zeros(32, 32, dtype=torch.bool)
    expected[6:18, 6:18] = True
    assert torch.equal(seen, expected)
