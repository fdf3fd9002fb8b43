from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from distilfuse import metrics
from distilfuse.losses.fidelity import fidelity_loss
from distilfuse.losses.windows import blur_valid, gaussian

# One scale has a window of 3 x 3 (sigma .6): a 3 x 3 picture is one place, and the loss a formula.
# A dot of 1 (255 levels) in the middle, centre weight w^2: variance 255^2 (w^2 - w^4).
W = 1 / (1 + 2 * math.exp(-1 / 0.72))
VARIANCE = 255**2 * (W**2 - W**4)


def dot(height: float = 1.0) -> Tensor:
    image = torch.zeros(1, 1, 3, 3, dtype=torch.float64)
    image[..., 1, 1] = height
    return image


def vif_of_gain(gain: float) -> float:
    # log(1 + g^2 s^2 / (r + 2)) / log(1 + s^2 / 2). No residual r is left but what the loss makes itself by
    # steadying the gain: g^2 s^2 - g s^2 g s^2 / (s^2 + .001) = .001 g^2.
    residual = 1e-3 * gain**2
    return math.log(1 + gain**2 * VARIANCE / (residual + 2)) / math.log(1 + VARIANCE / 2)


@pytest.mark.parametrize("gain", [0.25, 0.5, 0.9])
def test_one_place_by_hand(gain: float) -> None:
    loss = fidelity_loss(dot(gain), dot(), dot(), scales=1)
    assert loss.item() == pytest.approx(2 * (1 - vif_of_gain(gain)), abs=1e-6)


def test_each_source_is_compared_on_its_own() -> None:
    # F = V keeps all of V; of I, a dot of 1/2, F has twice the contrast, which the cap counts as 1.
    assert fidelity_loss(dot(), dot(), dot(0.5), scales=1).item() == pytest.approx(1 - vif_of_gain(1), abs=1e-6)
    # F = I keeps half of the contrast of V and all of its own (but for the steadied gain).
    assert fidelity_loss(dot(0.5), dot(), dot(0.5), scales=1).item() == pytest.approx(1 - vif_of_gain(0.5), abs=1e-4)


def test_sharpening_earns_nothing_above_the_cap() -> None:
    assert fidelity_loss(dot(2), dot(), dot(), scales=1).item() == pytest.approx(0, abs=1e-9)
    assert fidelity_loss(dot(2), dot(), dot(), scales=1, cap=1e9).item() == pytest.approx(
        2 * (1 - vif_of_gain(2)), abs=1e-6
    )
    assert fidelity_loss(dot(), dot(), dot(), scales=1, cap=0.7).item() == pytest.approx(0.6, abs=1e-9)


def test_a_negative_and_a_flat_picture_keep_nothing() -> None:
    assert fidelity_loss(1 - dot(), dot(), dot(), scales=1).item() == pytest.approx(2, abs=1e-9)
    assert fidelity_loss(torch.full_like(dot(), 0.4), dot(), dot(), scales=1).item() == pytest.approx(2, abs=1e-9)


def test_noise_is_a_residual_by_hand() -> None:
    # F = g V + N with N orthogonal to V in the window: N = +-n at the four corners (weight side^4 each),
    # + on one diagonal and - on the other. Then the gain stays g and the residual is 4 n^2 side^2, weights
    # squared from the separable window.
    n, gain = 0.1, 0.8
    side = W * math.exp(-1 / 0.72)
    fused = dot(gain)
    for y, x, sign in ((0, 0, 1), (2, 2, 1), (0, 2, -1), (2, 0, -1)):
        fused[..., y, x] = 0.5 + sign * n
    reference = dot()
    for y, x in ((0, 0), (2, 2), (0, 2), (2, 0)):
        fused[..., y, x] -= 0.5
    residual = 255**2 * 4 * n**2 * side**2
    kept = math.log(1 + gain**2 * VARIANCE / (residual + 2)) / math.log(1 + VARIANCE / 2)
    loss = fidelity_loss(fused, reference, reference, scales=1)
    assert loss.item() == pytest.approx(2 * (1 - kept), abs=1e-5)


def textured(seed: int, shape: tuple[int, int] = (48, 53)) -> np.ndarray:
    noise = torch.rand(1, 1, shape[0] + 4, shape[1] + 4, generator=torch.Generator().manual_seed(seed))
    smooth = blur_valid(noise.double(), gaussian(5, 2.0, noise.double()))[0, 0].numpy()
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return np.round(20 + 210 * smooth).astype(np.uint8)


def as_batch(image: np.ndarray) -> Tensor:
    return torch.from_numpy(image / 255)[None, None]


@pytest.mark.parametrize("seed", range(3))
def test_is_the_twin_of_the_metric(seed: int) -> None:
    visible, infrared = textured(2 * seed), textured(2 * seed + 1)
    fused = np.maximum(visible, infrared)
    loss = fidelity_loss(*map(as_batch, (fused, visible, infrared)), cap=1e9).item()
    expected = 2 - metrics.vif(visible, fused) - metrics.vif(infrared, fused)
    # They differ by what steadies the gain below the fraction: 1e-3 in the loss (gradients stay small on flat
    # spots), 1e-10 in the metric, against variances of a hundred and more.
    assert loss == pytest.approx(expected, abs=1e-4)
    assert 0.1 < loss < 1.9


def test_the_cap_holds_at_every_place() -> None:
    # Twice the contrast on the left half, none on the right: uncapped the left makes up for the right.
    dim = textured(10, (30, 80)) // 2
    fused = np.where(np.arange(80) < 40, 2 * dim, 120).astype(np.uint8)
    batch = [as_batch(image) for image in (fused, dim, dim)]
    capped, uncapped = fidelity_loss(*batch, scales=2).item(), fidelity_loss(*batch, scales=2, cap=1e9).item()
    # About half of the information is kept, of each of the two sources.
    assert 0.9 < capped < 1.1
    assert uncapped < capped - 0.1


def test_first_scale_leaves_out_the_finest_and_nothing_else() -> None:
    # Scale 2 of four works on the pictures blurred by 9 taps and halved, with windows of 9, 5 and 3 taps:
    # the same as three scales of those pictures.
    visible, infrared = as_batch(textured(12, (48, 52))), as_batch(textured(13, (48, 52)))
    fused = torch.maximum(visible, infrared)
    taps = gaussian(9, 9 / 5, fused)
    halved = [blur_valid(image, taps, stride=2) for image in (fused, visible, infrared)]
    expected = fidelity_loss(*halved, scales=3)
    assert fidelity_loss(fused, visible, infrared, first_scale=2).item() == pytest.approx(expected.item(), abs=1e-9)
    assert fidelity_loss(fused, visible, infrared).item() != pytest.approx(expected.item(), abs=1e-3)


def test_a_flat_fused_picture_has_a_finite_slope() -> None:
    fused = torch.full((1, 3, 41, 41), 0.5, requires_grad=True)
    source = torch.rand(1, 3, 41, 41, generator=torch.Generator().manual_seed(1))
    fidelity_loss(fused, source, source[:, :1]).backward()
    assert fused.grad is not None
    assert torch.isfinite(fused.grad).all()
