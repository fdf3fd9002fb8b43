from __future__ import annotations

import pytest
import torch
from torch import Tensor

from distilfuse.losses.intensity import consistency_loss, intensity_loss, tone_loss


def colours(*pixels: tuple[float, float, float]) -> Tensor:
    """A row of RGB pixels, 1 x 3 x 1 x N."""
    return torch.tensor(pixels, dtype=torch.float64).T[None, :, None]


def greys(*pixels: float) -> Tensor:
    return torch.tensor(pixels, dtype=torch.float64)[None, None, None]


# Grey of the two visible pixels: .299 and .587; infrared is .5 at both. So the target of the first
# pixel is infrared's grey (.5, .5, .5), that of the second visible's green (0, 1, 0).
VISIBLE = colours((1, 0, 0), (0, 1, 0))
INFRARED = greys(0.5, 0.5)
FUSED = colours((0.5, 0.25, 0.5), (0, 1, 0.5))


def test_intensity_by_hand() -> None:
    # |F - target| is .25 in one channel of the first pixel and .5 in one of the second: .75 / 6 values
    assert intensity_loss(FUSED, VISIBLE, INFRARED).item() == pytest.approx(0.125, abs=1e-12)


def test_intensity_of_luminance_by_hand() -> None:
    # max(V, I) = (.7, .5, .4); |F - max| = .1 + .3 + 0, over three
    loss = intensity_loss(greys(0.8, 0.2, 0.4), greys(0.7, 0.1, 0.4), greys(0.2, 0.5, 0.4))
    assert loss.item() == pytest.approx(0.4 / 3, abs=1e-12)


def test_intensity_is_zero_at_the_brighter_source() -> None:
    target = colours((0.5, 0.5, 0.5), (0, 1, 0))
    assert intensity_loss(target, VISIBLE, INFRARED).item() == 0


def test_where_both_are_as_bright_the_colour_is_kept() -> None:
    red = colours((1, 0, 0))
    assert intensity_loss(red, red, greys(0.299)).item() == 0


def test_intensity_has_the_slope_of_an_l1() -> None:
    fused = FUSED.clone().requires_grad_()
    intensity_loss(fused, VISIBLE, INFRARED).backward()
    # Six values: slope -1/6 where F is below its target, +1/6 above, 0 where they are equal.
    expected = colours((0, -1 / 6, 0), (0, 0, 1 / 6))
    torch.testing.assert_close(fused.grad, expected)


def test_consistency_by_hand() -> None:
    # Grey F: .299*.5 + .587*.25 + .114*.5 = .35325 and .587 + .114*.5 = .644
    # to V: (|.35325 - .299| + |.644 - .587|) / 2 = (.05425 + .057) / 2 = .055625
    # to I: (|.35325 - .5| + |.644 - .5|) / 2 = (.14675 + .144) / 2 = .145375
    assert consistency_loss(FUSED, VISIBLE, INFRARED).item() == pytest.approx((0.055625 + 0.145375) / 2, abs=1e-12)
    assert consistency_loss(FUSED, VISIBLE, INFRARED, ir_compose=2).item() == pytest.approx(
        (0.055625 + 2 * 0.145375) / 2, abs=1e-12
    )


def test_consistency_sees_grey_only() -> None:
    # Other colours of the same grey: .587 g = .299 makes green g as bright as full red.
    red, green = colours((1, 0, 0)), colours((0, 0.299 / 0.587, 0))
    assert consistency_loss(green, red, greys(0.299)).item() == pytest.approx(0, abs=1e-12)


def test_consistency_between_two_sources_cannot_vanish() -> None:
    # Any F between V = .2 and I = .8 pays half of their distance.
    for level in (0.2, 0.4, 0.8):
        assert consistency_loss(greys(level), greys(0.2), greys(0.8)).item() == pytest.approx(0.3, abs=1e-12)
    assert consistency_loss(greys(0.9), greys(0.2), greys(0.8)).item() > 0.39


def test_tone_forbids_patches_and_says_nothing_of_detail() -> None:
    generator = torch.Generator().manual_seed(0)
    visible, infrared = torch.full((1, 1, 32, 32), 0.8), torch.full((1, 1, 32, 32), 0.2)
    detail = torch.rand(1, 1, 32, 32, generator=generator) - 0.5
    cells = torch.nn.functional.avg_pool2d(detail, 8)
    detail = detail - cells.repeat_interleave(8, 2).repeat_interleave(8, 3)  # nothing in the mean of any cell
    assert tone_loss(visible + detail, visible, infrared).item() == pytest.approx(0, abs=1e-6)
    assert intensity_loss(visible + detail, visible, infrared).item() > 0.1
    patch = visible.clone()
    patch[..., :16, :16] = 0.2  # a quarter from the darker source
    assert tone_loss(patch, visible, infrared).item() == pytest.approx(0.25 * 0.6, abs=1e-6)
