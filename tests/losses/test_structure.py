from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from distilfuse import metrics
from distilfuse.losses.structure import ssim, structure_loss

C1, C2 = 0.01**2, 0.03**2


def flat(level: float, channels: int = 1) -> Tensor:
    return torch.full((1, channels, 11, 11), level, dtype=torch.float64)


def test_ssim_of_constant_pictures_by_hand() -> None:
    # No variance: (2 * .5 * .25 + C1) / (.25 + .0625 + C1) = .2501 / .3126, the second factor is C2 / C2
    assert ssim(flat(0.5), flat(0.25)).item() == pytest.approx(0.2501 / 0.3126, rel=1e-9)


def test_ssim_of_a_dot_by_hand() -> None:
    # One window, its centre weight w^2. Against black: means w^2 and 0, variance w^2 - w^4, covariance 0.
    w = 1 / sum(math.exp(-(k**2) / 4.5) for k in range(-5, 6))
    dot = flat(0)
    dot[..., 5, 5] = 1
    expected = C1 * C2 / ((w**4 + C1) * (w**2 - w**4 + C2))
    assert ssim(dot, flat(0)).item() == pytest.approx(expected, rel=1e-9)
    # Half as bright: mean w^2 / 2, covariance half and variance a quarter of the dot's.
    v = w**2 - w**4
    expected = (w**4 + C1) * (v + C2) / ((1.25 * w**4 + C1) * (1.25 * v + C2))
    assert ssim(dot, 0.5 * dot).item() == pytest.approx(expected, rel=1e-9)


def test_loss_adds_what_both_sources_miss() -> None:
    # V = F: nothing missing; I at .25 where F's grey is .5: 1 - .2501 / .3126
    loss = structure_loss(flat(0.5, 3), flat(0.5, 3), flat(0.25))
    assert loss.item() == pytest.approx(1 - 0.2501 / 0.3126, rel=1e-9)


def test_infrared_is_compared_with_grey_and_visible_with_each_channel() -> None:
    # F = V = pure green, grey .587; I = .587: both are met. V of that grey is not.
    green = flat(0).repeat(1, 3, 1, 1)
    green[:, 1] = 1
    assert structure_loss(green, green, flat(0.587)).item() == pytest.approx(0, abs=1e-9)
    assert structure_loss(green, flat(0.587, 3), flat(0.587)).item() > 0.5


def test_loss_of_a_negative_exceeds_two() -> None:
    image = torch.rand(1, 1, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert 2 < structure_loss(1 - image, image, image).item() < 4


def test_is_the_twin_of_the_metric() -> None:
    # SSIM does not change when pictures and range are scaled alike: 0..255 with range 255 is 0..1 with
    # range 1, so the two differ by the rounding of float64 alone.
    rng = np.random.default_rng(2)
    first = rng.integers(0, 256, (21, 34), dtype=np.uint8)
    second = np.where(rng.random((21, 34)) < 0.5, first, rng.integers(0, 256, (21, 34), dtype=np.uint8))
    a, b = (torch.from_numpy(image / 255)[None, None] for image in (first, second))
    assert ssim(a, b).item() == pytest.approx(metrics.ssim(first, second, data_range=255), abs=1e-12)
