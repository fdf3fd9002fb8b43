"""One number from the evidence for a transformation, and the refusal of what is not to be trusted."""

from __future__ import annotations

from dataclasses import dataclass

from distilfuse.errors import InputError

LEAST = 0.4
"""Confidence below which a transformation is refused.

On 44 training pairs of RoadScene and LLVIP under known warps, what was wrong by more than 5 pixels stayed below 0.2,
and 37 that were right to 2 pixels reached 0.5; of pictures of two different scenes none reached 0.05."""

_PLENTY = 0.5
"""Share of patches that need to agree for full trust: many show what only one of the cameras sees."""
_DOUBT = 4.0
"""Patches that are added as if they disagreed: few that agree may do so by chance."""
_LOOSE = 6.0
"""Thousandths of the longer side between two estimates at which half of the trust is gone."""


@dataclass(frozen=True)
class Evidence:
    """What speaks for a transformation, see :mod:`distilfuse.workflows.alignment.judging`."""

    correlation: float
    """Of the structure maps, -1..1."""
    margin: float
    """How far the place chosen lies above the best one elsewhere, as a share of it: 1 where there is no other."""
    patches: int
    """Held-out patches with structure to go by."""
    agreement: float
    """Share of them whose best match is where the transformation, estimated without them, puts them."""
    halves: float
    """Distance between the transformations estimated from either half, in thousandths of the visible's longer side."""
    cycle: float
    """How far the way there and, estimated anew, back misses the start, in the same unit."""

    @property
    def agreeing(self) -> float:
        """The share of patches that agree, less where there are few."""
        return self.agreement * self.patches / (self.patches + _DOUBT)

    @property
    def confidence(self) -> float:
        """0..1: the share of held-out patches that agree, times how closely two estimates do."""
        return min(1.0, self.agreeing / _PLENTY) / (1 + (max(self.halves, self.cycle) / _LOOSE) ** 2)

    def figures(self, pairs: int, longer_side: int) -> dict[str, float]:
        """What a rig file keeps; distances in pixels of a visible picture with this longer side."""
        return {
            "pairs": float(pairs),
            "correlation": round(self.correlation, 4),
            "margin": round(self.margin, 4),
            "patches": float(self.patches),
            "agreement": round(self.agreement, 4),
            "halves_px": round(self.halves * longer_side / 1000, 3),
            "cycle_px": round(self.cycle * longer_side / 1000, 3),
        }


MEND = "give more pairs of the two cameras as folders, or points set by hand (--points)"
"""What helps where nothing certain was found."""


def refuse_unsure(evidence: Evidence) -> None:
    """Let pass what is to be trusted.

    Raises:
        InputError: the confidence is below :data:`LEAST`; the message holds it, the reason and the mend.
    """
    if evidence.confidence >= LEAST:
        return
    if evidence.agreeing < _PLENTY / 2:
        agreeing = round(evidence.agreement * evidence.patches)
        reason = f"only {agreeing} of {evidence.patches} patches held out lie where the result puts them"
    elif evidence.halves >= evidence.cycle:
        reason = f"two halves of the picture differ by {evidence.halves / 10:.1f} % of its width"
    else:
        reason = f"there and back misses the start by {evidence.cycle / 10:.1f} % of the width"
    raise InputError(
        f"The alignment is not to be trusted (confidence {evidence.confidence:.2f}, {LEAST} is needed), because "
        f"{reason}: {MEND}."
    )
