from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from distilfuse.nets.channel_attention import ChannelAttention


def naive(part: ChannelAttention, x: Tensor) -> Tensor:
    """Restormer's order of work: normalise, correlate, softmax, mix and project, head by head."""
    batch, channels, height, width = x.shape
    query, key, value = part.qkv_depthwise(part.qkv(x)).flatten(2).chunk(3, dim=1)
    size = channels // part.heads
    heads = []
    for head in range(part.heads):
        own = slice(head * size, (head + 1) * size)
        q, k = F.normalize(query[:, own], dim=2), F.normalize(key[:, own], dim=2)
        weights = torch.softmax(q @ k.transpose(1, 2) * part.temperature[head], dim=-1)
        heads.append(weights @ value[:, own])
    return part.project(torch.cat(heads, 1).view(batch, channels, height, width))


@pytest.mark.parametrize(("heads", "height", "width"), [(1, 5, 7), (2, 16, 16), (4, 1, 1)])
def test_equals_the_naive_reference_in_values_and_gradients(heads: int, height: int, width: int) -> None:
    torch.manual_seed(0)
    part = ChannelAttention(channels=8, heads=heads).double()
    with torch.no_grad():
        part.temperature.uniform_(0.5, 2.0)
    x = torch.randn(2, 8, height, width, dtype=torch.float64, requires_grad=True)
    ours, reference = part(x), naive(part, x)
    torch.testing.assert_close(ours, reference, rtol=1e-8, atol=1e-9)
    weights = torch.randn_like(ours)
    wanted = [x, *part.parameters()]
    for mine, theirs in zip(
        torch.autograd.grad((ours * weights).sum(), wanted),
        torch.autograd.grad((reference * weights).sum(), wanted),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-7, atol=1e-8)


def test_what_is_exported_equals_the_naive_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    part = ChannelAttention(channels=8, heads=2).double()
    with torch.no_grad():
        part.temperature.uniform_(0.5, 2.0)
    x = torch.randn(2, 8, 5, 7, dtype=torch.float64)
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    torch.testing.assert_close(part(x), naive(part, x), rtol=1e-8, atol=1e-9)


def test_sums_over_many_pixels_stay_finite_in_half_precision() -> None:
    torch.manual_seed(0)
    part = ChannelAttention(channels=8, heads=2)
    x = 30 * torch.randn(1, 8, 96, 96)  # squares summed over the pixels are far beyond float16's 65504
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.float16):
        half = part(x)
    with torch.no_grad():
        full = part(x)
    assert torch.isfinite(half).all()
    assert (half - full).abs().max() < 0.02 * full.abs().max()


def test_black_features_have_a_finite_gradient() -> None:
    part = ChannelAttention(channels=8, heads=2)
    x = torch.zeros(1, 8, 4, 4, requires_grad=True)
    part(x).sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in part.parameters())
