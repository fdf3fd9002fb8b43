from __future__ import annotations

import pytest
import torch
from torch import Tensor

from distilfuse.losses.colour import chroma, colour_loss


def pixel(red: float, green: float, blue: float) -> Tensor:
    return torch.tensor([red, green, blue], dtype=torch.float64)[None, :, None, None]


@pytest.mark.parametrize(
    ("colour", "cb", "cr"),
    [
        # Full-range BT.601: Cb = (B - Y) / 1.772, Cr = (R - Y) / 1.402; the primaries reach +-1/2.
        ((1, 0, 0), -0.299 / 1.772, 0.5),
        ((0, 1, 0), -0.587 / 1.772, -0.587 / 1.402),
        ((0, 0, 1), 0.5, -0.114 / 1.402),
        ((1, 1, 0), -0.5, 0.114 / 1.402),
        ((0.3, 0.3, 0.3), 0, 0),
    ],
)
def test_chroma_by_hand(colour: tuple[float, float, float], cb: float, cr: float) -> None:
    found_cb, found_cr = chroma(pixel(*colour))
    assert found_cb.shape == found_cr.shape == (1, 1, 1, 1)
    assert found_cb.item() == pytest.approx(cb, abs=1e-12)
    assert found_cr.item() == pytest.approx(cr, abs=1e-12)


def test_loss_by_hand() -> None:
    # Red against black: |Cb| = .299 / 1.772, |Cr| = .5; half of the picture is right.
    black, red = pixel(0, 0, 0), pixel(1, 0, 0)
    assert colour_loss(black, red).item() == pytest.approx(0.299 / 1.772 + 0.5, abs=1e-12)
    assert colour_loss(torch.cat([black, red], -1), torch.cat([red, red], -1)).item() == pytest.approx(
        (0.299 / 1.772 + 0.5) / 2, abs=1e-12
    )


def test_brightness_alone_is_no_change_of_colour() -> None:
    visible = pixel(0.7, 0.4, 0.1)
    assert colour_loss(visible + 0.2, visible).item() == pytest.approx(0, abs=1e-12)
    assert colour_loss(pixel(0.7, 0.4, 0.3), visible).item() > 0.1
