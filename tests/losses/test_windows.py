from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from distilfuse.losses.windows import blur_valid, gaussian
from distilfuse.metrics.filters import gaussian_taps


def test_taps_by_hand() -> None:
    # exp(-1 / (2 * 0.6^2)) = exp(-1 / 0.72) on either side of 1
    side = math.exp(-1 / 0.72)
    taps = gaussian(3, 0.6, torch.zeros(1, dtype=torch.float64))
    torch.testing.assert_close(taps, torch.tensor([side, 1, side], dtype=torch.float64) / (1 + 2 * side))


@pytest.mark.parametrize(("size", "sigma"), [(11, 1.5), (17, 3.4), (3, 0.6)])
def test_taps_are_those_of_the_metrics(size: int, sigma: float) -> None:
    taps = gaussian(size, sigma, torch.zeros(1, dtype=torch.float64))
    torch.testing.assert_close(taps, torch.from_numpy(gaussian_taps(size, sigma)), rtol=1e-13, atol=0)


def test_taps_follow_the_type_of_the_picture() -> None:
    assert gaussian(5, 1.0, torch.zeros(1)).dtype == torch.float32


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("shape", [(9, 9), (9, 12), (5, 5), (16, 5), (6, 7)])
def test_is_the_direct_convolution(shape: tuple[int, int], stride: int) -> None:
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(2, 3, *shape, dtype=torch.float64, generator=generator)
    # Taps without symmetry: a filter turned over or a transposed matrix would show.
    taps = torch.rand(5, dtype=torch.float64, generator=generator)
    window = torch.outer(taps, taps).expand(3, 1, 5, 5)
    expected = functional.conv2d(image, window, stride=stride, groups=3)
    found = blur_valid(image, taps, stride=stride)
    assert found.shape == expected.shape
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_gradient_is_that_of_the_direct_convolution() -> None:
    generator = torch.Generator().manual_seed(2)
    image = torch.rand(1, 2, 8, 9, dtype=torch.float64, generator=generator)
    taps = torch.rand(3, dtype=torch.float64, generator=generator)
    weight = torch.rand(1, 2, 3, 4, dtype=torch.float64, generator=generator)
    window = torch.outer(taps, taps).expand(2, 1, 3, 3)
    first, second = image.clone().requires_grad_(), image.clone().requires_grad_()
    (blur_valid(first, taps, stride=2) * weight).sum().backward()
    (functional.conv2d(second, window, stride=2, groups=2) * weight).sum().backward()
    torch.testing.assert_close(first.grad, second.grad)
