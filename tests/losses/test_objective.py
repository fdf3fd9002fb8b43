from __future__ import annotations

import pytest
import torch
from torch import Tensor

from distilfuse.errors import ConfigError
from distilfuse.losses import TERMS, Objective


def flat(level: float, channels: int = 1, side: int = 4) -> Tensor:
    return torch.full((1, channels, side, side), level)


def random_trio(seed: int, channels: int = 3, side: int = 48) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    visible = torch.rand(2, channels, side, side, generator=generator)
    infrared = torch.rand(2, 1, side, side, generator=generator)
    return 0.5 * visible + 0.5 * infrared, visible, infrared


def test_weighted_sum_by_hand() -> None:
    # F = .5, V = .25, I = 1: intensity |.5 - 1| = .5, consistency (.25 + .5) / 2 = .375
    total, values = Objective({"consistency": 4.0, "intensity": 2.0})(flat(0.5, 3), flat(0.25, 3), flat(1))
    assert total.item() == pytest.approx(4 * 0.375 + 2 * 0.5)
    assert {name: value.item() for name, value in values.items()} == pytest.approx(
        {"consistency": 0.375, "intensity": 0.5}
    )
    assert list(values) == ["consistency", "intensity"]


def test_slope_is_the_weighted_sum_of_slopes() -> None:
    # Sixteen pixels, F below I and above V: intensity has slope -1/16, consistency (1 - 1) / 32 = 0
    fused = flat(0.5).requires_grad_()
    total, values = Objective({"intensity": 2.0, "consistency": 4.0})(fused, flat(0.25), flat(1))
    total.backward()
    torch.testing.assert_close(fused.grad, flat(-2 / 16))
    assert not any(value.requires_grad for value in values.values())


def test_all_terms_together() -> None:
    trio = random_trio(1)
    weights = {name: 1.5 + k for k, name in enumerate(TERMS)}
    total, values = Objective(weights)(*trio)
    expected = {name: term(*trio) for name, term in TERMS.items()}
    assert set(values) == set(TERMS)
    for name, value in values.items():
        assert value.shape == ()
        torch.testing.assert_close(value, expected[name])
    torch.testing.assert_close(total, torch.stack([weights[n] * expected[n] for n in TERMS]).sum())


def test_a_term_of_weight_zero_is_shown_and_does_not_count() -> None:
    total, values = Objective({"intensity": 1.0, "consistency": 0.0})(flat(0.5), flat(0.25), flat(1))
    assert total.item() == pytest.approx(0.5)
    assert values["consistency"].item() == pytest.approx(0.375)


def test_luminance_has_no_colour_to_lose() -> None:
    fused = flat(0.5).requires_grad_()
    total, values = Objective({"colour": 12.0, "intensity": 1.0})(fused, flat(0.25), flat(1))
    total.backward()
    assert values["colour"].item() == 0
    assert total.item() == pytest.approx(0.5)


def test_fidelity_leaves_out_the_finest_scale() -> None:
    from distilfuse.losses.fidelity import fidelity_loss

    trio = random_trio(2)
    torch.testing.assert_close(TERMS["fidelity"](*trio), fidelity_loss(*trio, first_scale=2))


def test_runs_in_full_precision_under_autocast() -> None:
    objective = Objective(dict.fromkeys(TERMS, 1.0))
    fused, visible, infrared = random_trio(3)
    expected, _ = objective(fused, visible, infrared)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        total, values = objective(fused, visible, infrared)
        bare = TERMS["structure"](fused, visible, infrared)
    assert total.dtype == torch.float32
    assert total.item() == expected.item()
    # What the objective guards against: its filters are products of matrices, which autocast rounds.
    assert bare.float().item() != pytest.approx(values["structure"].item(), rel=1e-3)


def test_takes_a_network_output_in_half_precision() -> None:
    fused, visible, infrared = random_trio(4)
    half = fused.bfloat16().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        total, values = Objective(dict.fromkeys(TERMS, 1.0))(half, visible, infrared)
    total.backward()
    assert all(value.dtype == torch.float32 for value in values.values())
    expected, _ = Objective(dict.fromkeys(TERMS, 1.0))(half.detach().float(), visible, infrared)
    assert total.item() == expected.item()
    assert half.grad is not None
    assert torch.isfinite(half.grad).all()
    assert half.grad.abs().max() > 0


def test_an_unknown_term_is_refused_and_the_near_one_is_named() -> None:
    with pytest.raises(ConfigError, match="Unknown loss term 'gradiant': did you mean 'gradient'"):
        Objective({"intensity": 1.0, "gradiant": 1.0})
    with pytest.raises(ConfigError, match="Unknown loss term 'xyz': choose from intensity, consistency"):
        Objective({"xyz": 1.0})


@pytest.mark.parametrize("weight", [-1.0, -1e-9, float("nan")])
def test_a_negative_weight_is_refused(weight: float) -> None:
    with pytest.raises(ConfigError, match="The weight of loss term 'intensity' must not be negative"):
        Objective({"intensity": weight})


def test_no_term_at_all_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one term"):
        Objective({})
