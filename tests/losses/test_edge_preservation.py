from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from distilfuse import metrics
from distilfuse.losses.edge_preservation import edge_preservation_loss


def picture(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)[None, None]


def strength_kept(ratio: float) -> float:
    return 0.9994 / (1 + math.exp(-15 * (ratio - 0.5)))


# Alignment 1: the same direction.
ANGLE_KEPT = 0.9879 / (1 + math.exp(-22 * (1 - 0.8)))

# Sobel magnitude 0 4 4 in each row, all along x.
STEP = picture([0, 0, 1], [0, 0, 1], [0, 0, 1])


def test_identity_by_hand() -> None:
    # .99885 * .97592: even a perfect copy loses 2.5 %, that is how the two sigmoids are made
    loss = edge_preservation_loss(STEP, STEP, STEP).item()
    assert loss == pytest.approx(1 - strength_kept(1) * ANGLE_KEPT, abs=1e-6)
    assert loss == pytest.approx(0.0252, abs=1e-4)


@pytest.mark.parametrize("contrast", [0.3, 0.5, 0.8])
def test_strength_by_hand(contrast: float) -> None:
    expected = 1 - strength_kept(contrast) * ANGLE_KEPT
    # Too weak and too strong by the same factor are equally bad.
    assert edge_preservation_loss(contrast * STEP, STEP, STEP).item() == pytest.approx(expected, abs=1e-6)
    assert edge_preservation_loss(STEP, contrast * STEP, contrast * STEP).item() == pytest.approx(expected, abs=1e-6)


def test_each_source_weighs_by_its_edges() -> None:
    # V has magnitude 4 and is kept whole; I has 2, a ratio of 1/2 to the fused 4: the sigmoid is .9994 / 2
    loss = edge_preservation_loss(STEP, STEP, 0.5 * STEP).item()
    kept = (4 * strength_kept(1) + 2 * 0.9994 / 2) * ANGLE_KEPT / 6
    assert loss == pytest.approx(1 - kept, abs=1e-6)


def test_a_right_angle_is_lost() -> None:
    # Alignment 0: .9879 / (1 + exp(17.6)) = 2e-8. Ramps, so that an edge is everywhere.
    ramp = picture([0, 0.1, 0.2], [0, 0.1, 0.2], [0, 0.1, 0.2])
    assert edge_preservation_loss(ramp.mT, ramp, ramp).item() == pytest.approx(1, abs=1e-6)


def test_half_a_right_angle_by_hand() -> None:
    # x + y has gx = gy: 45 degrees from x, alignment 1/2. On a 3 x 3 ramp of slope s the Sobel derivative is
    # 8 s inside and 4 s at the border, so weight and ratio differ by place; written out row by row:
    s = 0.1
    ramp = picture([0, s, 2 * s], [0, s, 2 * s], [0, s, 2 * s])
    kept = total = 0.0
    for y_derivative in (4 * s, 8 * s, 4 * s):
        for x_derivative in (4 * s, 8 * s, 4 * s):
            fused = math.hypot(x_derivative, y_derivative)
            alignment = 1 - math.atan2(y_derivative, x_derivative) / (math.pi / 2)
            angle_kept = 0.9879 / (1 + math.exp(-22 * (alignment - 0.8)))
            kept += x_derivative * strength_kept(x_derivative / fused) * angle_kept
            total += x_derivative
    assert edge_preservation_loss(ramp + ramp.mT, ramp, ramp).item() == pytest.approx(1 - kept / total, abs=1e-5)


def test_an_edge_turned_over_counts_as_kept() -> None:
    # Qabf knows orientation, not direction: that is what the signed gradient term is for.
    assert edge_preservation_loss(1 - STEP, STEP, STEP).item() == pytest.approx(
        edge_preservation_loss(STEP, STEP, STEP).item(), abs=1e-9
    )


def test_flat_pictures_have_nothing_to_keep_and_no_slope() -> None:
    fused = torch.full((1, 1, 5, 5), 0.5, dtype=torch.float64, requires_grad=True)
    flat = torch.full((1, 1, 5, 5), 0.3, dtype=torch.float64)
    loss = edge_preservation_loss(fused, flat, flat)
    loss.backward()
    assert loss.item() == pytest.approx(1, abs=1e-9)
    assert fused.grad is not None
    assert torch.all(fused.grad == 0)


def test_a_flat_fused_picture_still_has_a_finite_slope() -> None:
    # The magnitude's root has an unbounded slope at zero: without a floor this is NaN.
    fused = torch.full((1, 3, 6, 6), 0.5, requires_grad=True)
    source = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    edge_preservation_loss(fused, source, source[:, :1]).backward()
    assert fused.grad is not None
    assert torch.isfinite(fused.grad).all()


def framed(seed: int) -> np.ndarray:
    """A smooth picture in a black frame of two pixels.

    In the frame a picture continued by its edge (the loss) and one continued by black (the metric, as
    published) are the same, so that borders do not tell the two apart.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:30, :36]
    waves = sum(
        rng.uniform(10, 30) * np.sin(rng.uniform(-0.6, 0.6) * x + rng.uniform(0.1, 0.6) * y + rng.uniform(0, 6))
        for _ in range(4)
    )
    image = np.zeros((34, 40), np.uint8)
    image[2:-2, 2:-2] = np.round(np.clip(128 + waves, 1, 255))
    return image


def as_batch(image: np.ndarray) -> Tensor:
    return torch.from_numpy(image / 255)[None, None]


def qabf_modulo_pi(visible: np.ndarray, infrared: np.ndarray, fused: np.ndarray) -> float:
    """Qabf with ratio 1 at equal edges, and with angles compared modulo pi."""

    def edges(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p = np.pad(image.astype(float), 1)
        right, left = p[:, 2:], p[:, :-2]
        gx = (right - left)[:-2] + 2 * (right - left)[1:-1] + (right - left)[2:]
        below, above = p[2:], p[:-2]
        gy = (below - above)[:, :-2] + 2 * (below - above)[:, 1:-1] + (below - above)[:, 2:]
        return np.hypot(gx, gy), np.arctan2(gy, gx)

    strength_f, angle_f = edges(fused)
    kept = total = 0.0
    for source in (visible, infrared):
        strength, angle = edges(source)
        larger = np.maximum(strength, strength_f)
        ratio = np.where(larger > 0, np.minimum(strength, strength_f) / np.maximum(larger, 1e-9), 1)
        turn = np.abs(angle - angle_f) % np.pi
        turn = np.minimum(turn, np.pi - turn)
        # A flat fused spot has no direction; its strength ratio of 0 decides.
        alignment = np.where(strength_f > 0, 1 - turn / (np.pi / 2), 1)
        quality = 0.9994 / (1 + np.exp(-15 * (ratio - 0.5))) * 0.9879 / (1 + np.exp(-22 * (alignment - 0.8)))
        kept += (quality * strength).sum()
        total += strength.sum()
    return kept / total


@pytest.mark.parametrize("seed", range(4))
def test_is_the_twin_of_the_metric_but_for_the_angle(seed: int) -> None:
    visible, infrared = framed(2 * seed), framed(2 * seed + 1)
    fused = np.round(0.6 * visible + 0.4 * infrared).astype(np.uint8)
    kept = 1 - edge_preservation_loss(*map(as_batch, (fused, visible, infrared))).item()
    # Modulo pi the two are one; what remains is the floor of a tenth of a grey level under the root.
    assert kept == pytest.approx(qabf_modulo_pi(visible, infrared, fused), abs=1e-3)
    # The metric lets the angle jump from +pi/2 to -pi/2 where edges are nearly horizontal, and counts two
    # edges on either side of the jump as opposed: it can only be lower, on such soft pictures by several
    # hundredths.
    strict = metrics.qabf(visible, infrared, fused, equal_edge_quirk=False)
    assert strict - 1e-3 <= kept <= strict + 0.12


@pytest.mark.parametrize("seed", range(4))
def test_is_the_twin_of_the_metric_where_no_angle_jumps(seed: int) -> None:
    # A share of the contrast turns no edge: even levels and their halves, both exact in 8 bit.
    source = 2 * (framed(seed) // 4)
    half = source // 2
    kept = 1 - edge_preservation_loss(*map(as_batch, (half, source, source))).item()
    strict = metrics.qabf(source, source, half, equal_edge_quirk=False)
    assert kept == pytest.approx(strict, abs=1e-3)
    assert kept == pytest.approx(strength_kept(0.5) * ANGLE_KEPT, abs=1e-3)
