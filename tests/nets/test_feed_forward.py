from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from distilfuse.nets.feed_forward import FeedForward


def naive(part: FeedForward, x: Tensor) -> Tensor:
    """Restormer's order of work, on the whole picture."""
    gate, content = part.depthwise(part.widen(x)).chunk(2, dim=1)
    return part.narrow(F.gelu(gate) * content)


def make() -> FeedForward:
    torch.manual_seed(0)
    return FeedForward(channels=6, expansion=2.66).double()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 40), (37, 19)])
def test_strips_equal_the_naive_reference(height: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distilfuse.nets.feed_forward._PIXELS_AT_ONCE", 64)
    part = make()
    x = torch.randn(2, 6, height, width, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(part(x), naive(part, x), rtol=1e-9, atol=1e-10)


def test_what_is_exported_equals_the_naive_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    part = make()
    x = torch.randn(2, 6, 9, 14, dtype=torch.float64)
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    torch.testing.assert_close(part(x), naive(part, x), rtol=1e-9, atol=1e-10)
