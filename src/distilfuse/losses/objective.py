"""The objective of a training stage: named terms, weighted and added."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

import torch
from torch import Tensor

from distilfuse.errors import ConfigError
from distilfuse.losses.colour import colour_loss
from distilfuse.losses.edge_preservation import edge_preservation_loss
from distilfuse.losses.fidelity import fidelity_loss
from distilfuse.losses.gradient import gradient_loss, signed_gradient_loss
from distilfuse.losses.intensity import consistency_loss, intensity_loss, tone_loss
from distilfuse.losses.structure import structure_loss

Term = Callable[[Tensor, Tensor, Tensor], Tensor]


def _colour(fused: Tensor, visible: Tensor, infrared: Tensor) -> Tensor:
    # A luminance network carries the visible chroma over exactly: nothing to lose.
    return colour_loss(fused, visible) if fused.shape[1] == 3 else fused.new_zeros(())


TERMS: dict[str, Term] = {
    "intensity": intensity_loss,
    "consistency": consistency_loss,
    "tone": tone_loss,
    "gradient": gradient_loss,
    "signed_gradient": signed_gradient_loss,
    "structure": structure_loss,
    "colour": _colour,
    "edge_preservation": edge_preservation_loss,
    "fidelity": partial(fidelity_loss, first_scale=2),
}
"""Every term takes (fused, visible, infrared) in 0..1 and returns a scalar."""


@dataclass(frozen=True)
class Objective:
    """Weighted sum of named terms.

    Raises:
        ConfigError: an unknown term, a negative weight, or no term at all.
    """

    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        if not self.weights:
            raise ConfigError("An objective needs at least one term.")
        for name, weight in self.weights.items():
            if name not in TERMS:
                near = get_close_matches(name, TERMS, n=1)
                hint = f"did you mean {near[0]!r}" if near else f"choose from {', '.join(TERMS)}"
                raise ConfigError(f"Unknown loss term {name!r}: {hint}.")
            if not weight >= 0:
                raise ConfigError(f"The weight of loss term {name!r} must not be negative, not {weight}.")

    def __call__(
        self, fused: Tensor, visible: Tensor, infrared: Tensor, factors: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Total loss (scalar with gradient) and each term's unweighted value (detached).

        Args:
            fused: ``B x C x H x W``, C = 1 or 3, 0..1 (values outside are allowed and punished).
            visible: clean visible target, same shape.
            infrared: clean infrared target, ``B x 1 x H x W``.
            factors: ``B x T``, what every weight is multiplied by for each pair, in the order of ``weights``; each term
                is then computed pair by pair and averaged.
        """
        # Sums of squares and ratios lose their meaning in half precision.
        with torch.autocast(fused.device.type, enabled=False):
            fused, visible, infrared = fused.float(), visible.float(), infrared.float()
            if factors is None:
                values = {name: TERMS[name](fused, visible, infrared) for name in self.weights}
                total = torch.stack([weight * values[name] for name, weight in self.weights.items()]).sum()
            else:
                each = {name: _pair_by_pair(TERMS[name])(fused, visible, infrared) for name in self.weights}
                weighted = [weight * each[name] for name, weight in self.weights.items()]
                total = (factors * torch.stack(weighted, dim=1)).sum(dim=1).mean()  # B T
                values = {name: value.mean() for name, value in each.items()}
        return total, {name: value.detach() for name, value in values.items()}


def _pair_by_pair(term: Term) -> Term:
    """The term of every pair of a batch by itself: ``B`` values instead of one."""

    def one(fused: Tensor, visible: Tensor, infrared: Tensor) -> Tensor:
        return term(fused[None], visible[None], infrared[None])

    each: Term = torch.vmap(one)
    return each
