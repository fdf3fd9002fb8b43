"""What holds for each term alike: slopes, channels, batches, and the identity as minimum."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from distilfuse.losses import TERMS
from distilfuse.losses.fidelity import fidelity_loss
from distilfuse.nets.luminance import grey

Term = Callable[[Tensor, Tensor, Tensor], Tensor]

# Pictures of 12 pixels hold two scales of fidelity; slopes are checked value by value.
SMALL: dict[str, Term] = {**TERMS, "fidelity": partial(fidelity_loss, scales=2)}


def trio(seed: int, channels: int, side: int, batch: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """A fused picture between two random sources, plus noise.

    The kinks (|F - target| = 0, equal magnitudes, gain 0, the cap) are single values, which random numbers of
    double precision miss by more than gradcheck's steps of 1e-6.
    """
    generator = torch.Generator().manual_seed(seed)
    sizes = [(batch, channels, side, side), (batch, 1, side, side), (batch, channels, side, side)]
    visible, infrared, noise = (torch.rand(size, dtype=torch.float64, generator=generator) for size in sizes)
    return 0.4 * visible + 0.3 * infrared + 0.2 * noise, visible, infrared


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", TERMS)
def test_slope(name: str, channels: int) -> None:
    fused, visible, infrared = trio(1, channels, 12)
    fused.requires_grad_()
    assert torch.autograd.gradcheck(lambda f: SMALL[name](f, visible, infrared), (fused,))
    if not (name == "colour" and channels == 1):
        (slope,) = torch.autograd.grad(SMALL[name](fused, visible, infrared), fused)
        assert slope.abs().max() > 1e-5


@pytest.mark.parametrize("channels", [1, 3])
def test_slope_of_all_four_scales(channels: int) -> None:
    fused, visible, infrared = trio(2, channels, 41)
    fused.requires_grad_()
    assert torch.autograd.gradcheck(lambda f: TERMS["fidelity"](f, visible, infrared), (fused,), fast_mode=True)


@pytest.mark.parametrize("name", [name for name in TERMS if name != "colour"])
def test_three_equal_channels_score_as_one(name: str) -> None:
    fused, visible, infrared = trio(3, 1, 44)
    one = TERMS[name](fused, visible, infrared)
    three = TERMS[name](fused.repeat(1, 3, 1, 1), visible.repeat(1, 3, 1, 1), infrared)
    torch.testing.assert_close(three, one, rtol=1e-9, atol=1e-12)
    assert one > 0.01


@pytest.mark.parametrize("name", TERMS)
def test_the_same_picture_twice_scores_as_once(name: str) -> None:
    once = trio(4, 3, 44)
    twice = tuple(image.repeat(2, 1, 1, 1) for image in once)
    torch.testing.assert_close(TERMS[name](*twice), TERMS[name](*once), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", TERMS)
def test_order_within_the_batch_does_not_matter(name: str) -> None:
    images = trio(5, 3, 44, batch=2)
    turned = tuple(image.flip(0) for image in images)
    torch.testing.assert_close(TERMS[name](*turned), TERMS[name](*images), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", TERMS)
def test_identity_is_the_minimum(name: str, channels: int) -> None:
    # Both sources say the same, and the fused picture repeats it.
    generator = torch.Generator().manual_seed(6)
    infrared = 0.2 + 0.6 * torch.rand(1, 1, 44, 46, dtype=torch.float64, generator=generator)
    visible = infrared.repeat(1, channels, 1, 1)
    best = TERMS[name](visible, visible, infrared).item()
    # Qabf's sigmoids take 2.5 % of a perfect copy; the steadied gain of fidelity takes a little, too.
    floor, tolerance = {"edge_preservation": (0.0252, 1e-4), "fidelity": (0, 1e-3)}.get(name, (0, 1e-9))
    assert best == pytest.approx(floor, abs=tolerance)

    noise = torch.randn(visible.shape, dtype=torch.float64, generator=generator)
    if name == "colour" and channels == 1:
        assert TERMS[name](visible + 0.05 * noise, visible, infrared).item() == best
        return
    worse = [TERMS[name](visible + sigma * noise, visible, infrared).item() for sigma in (0.02, 0.05, 0.1)]
    assert best + 1e-4 < worse[0] < worse[1] < worse[2]


def test_a_coloured_fused_picture_is_measured_by_its_grey() -> None:
    # These terms see F through its luminance alone; intensity, structure and colour see the channels.
    fused, visible, infrared = trio(7, 3, 44)
    repainted = grey(fused).repeat(1, 3, 1, 1)
    for name in ("consistency", "gradient", "signed_gradient", "edge_preservation", "fidelity"):
        torch.testing.assert_close(
            TERMS[name](repainted, visible, infrared),
            TERMS[name](fused, visible, infrared),
            rtol=1e-9,
            atol=1e-12,
        )
    for name in ("intensity", "structure", "colour"):
        assert (TERMS[name](repainted, visible, infrared) - TERMS[name](fused, visible, infrared)).abs() > 1e-3
