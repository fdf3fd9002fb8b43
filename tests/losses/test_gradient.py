from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from distilfuse.losses.gradient import gradient_loss, signed_gradient_loss
from distilfuse.losses.sobel import larger_signed, sobel


def picture(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)[None, None]


STEP = picture([0, 0, 1], [0, 0, 1], [0, 0, 1])
FLAT = torch.full((1, 1, 3, 3), 0.4, dtype=torch.float64)


def test_sobel_of_a_step_by_hand() -> None:
    # (1 + 2 + 1) * (right - left): 0 - 0, 1 - 0, and 1 - 0 at the border, where the edge is replicated
    gx, gy = sobel(STEP)
    assert gx[0, 0].tolist() == [[0, 4, 4]] * 3
    assert gy[0, 0].tolist() == [[0, 0, 0]] * 3
    gx, gy = sobel(STEP.mT)
    assert gx[0, 0].tolist() == [[0, 0, 0]] * 3
    assert gy[0, 0].tolist() == [[0, 0, 0], [4, 4, 4], [4, 4, 4]]


def test_sobel_of_a_dot_by_hand() -> None:
    dot = picture([0, 0, 0], [0, 1, 0], [0, 0, 0])
    gx, gy = sobel(dot)
    assert gx[0, 0].tolist() == [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
    assert gy[0, 0].tolist() == [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]


def test_sobel_is_the_direct_convolution() -> None:
    image = torch.rand(2, 1, 6, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    kernel = torch.tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=torch.float64)
    padded = functional.pad(image, (1, 1, 1, 1), mode="replicate")
    gx, gy = sobel(image)
    torch.testing.assert_close(gx, functional.conv2d(padded, kernel[None, None]))
    torch.testing.assert_close(gy, functional.conv2d(padded, kernel.T[None, None]))


def test_larger_signed_keeps_the_sign() -> None:
    first, second = torch.tensor([1.0, -3.0, 2.0, -2.0]), torch.tensor([-2.0, 1.0, -2.0, 2.0])
    # A tie goes to the first.
    assert larger_signed(first, second).tolist() == [-2, -3, 2, -2]


# V is a step in x: |gx| = 0 4 4 in each row, gy = 0. I is the step in y.
# Target of gx: 0 4 4 in each row, of gy: the same turned; the mean of each is 24 / 9.


@pytest.mark.parametrize("loss", [gradient_loss, signed_gradient_loss])
def test_gradient_by_hand(loss: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
    # Flat F: 24/9 in x and 24/9 in y
    assert loss(FLAT, STEP, STEP.mT).item() == pytest.approx(48 / 9, abs=1e-12)
    # F = V: x is right, y still lacks 24/9
    assert loss(STEP, STEP, STEP.mT).item() == pytest.approx(24 / 9, abs=1e-12)
    # The sum of both steps has both derivatives
    assert loss(STEP + STEP.mT, STEP, STEP.mT).item() == pytest.approx(0, abs=1e-12)


def test_only_the_signed_term_sees_an_edge_turned_over() -> None:
    turned = 1 - STEP
    assert gradient_loss(turned, STEP, FLAT).item() == pytest.approx(0, abs=1e-12)
    # gx = 0 -4 -4 where 0 4 4 is due: 8 in six of nine places
    assert signed_gradient_loss(turned, STEP, FLAT).item() == pytest.approx(48 / 9, abs=1e-12)


def test_the_stronger_edge_wins_with_its_sign() -> None:
    falling = 1 - STEP  # gx = 0 -4 -4
    weak = 0.5 * STEP  # gx = 0 2 2
    assert signed_gradient_loss(falling, weak, falling).item() == pytest.approx(0, abs=1e-12)
    # F = V has +2 where -4 is due (6), unsigned 2 where 4 is due (2), in six of nine places
    assert signed_gradient_loss(weak, weak, falling).item() == pytest.approx(36 / 9, abs=1e-12)
    assert gradient_loss(weak, weak, falling).item() == pytest.approx(12 / 9, abs=1e-12)


def test_colour_counts_by_its_grey() -> None:
    # A step in green alone is .587 of a white one: gx = 0 2.348 2.348
    green = torch.cat([torch.zeros_like(STEP), STEP, torch.zeros_like(STEP)], dim=1)
    white = STEP.expand(1, 3, 3, 3)
    assert gradient_loss(green, white, FLAT).item() == pytest.approx(6 * (4 - 2.348) / 9, abs=1e-12)
