"""Numbers that rise for the wrong reason.

Entropy, spatial frequency, average gradient and VIF grow with noise and with sharpening, without bound; Qabf and SSIM
fall then. A method that gains in the first group what it loses in the second has not made better pictures. Where one of
the second group rises, it is a matter of taste and nothing is said: max() has more VIF, less SSIM and twice the Qabf of
the mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

BASELINE = "max"
"""The method to compare with where it is there: the brighter of the two pictures, one line of code."""

RISING = ("EN", "SF", "AG", "VIF")
FALLING = ("Qabf", "SSIM")

_NOTABLE = 0.01
"""Smallest relative change of a mean that counts, up or down."""


def suspicious(means: Mapping[str, Mapping[str, float]]) -> list[str]:
    """A sentence for each method whose gains look like noise or over-sharpening.

    A method is named once: against :data:`BASELINE` where that applies, else against the method that it loses the
    most Qabf or SSIM to; the sentence names the others.

    Args:
        means: method to metric to its mean over the same pairs; metrics may be missing.

    Returns:
        Sentences with the numbers in them, in the order of the methods.
    """
    sentences = []
    for method, own in means.items():
        found = {other: changes for other in means if other != method and (changes := _compare(own, means[other]))}
        if not found:
            continue
        other = BASELINE if BASELINE in found else max(found, key=lambda name: found[name].loss)
        rest = [name for name in found if name != other]
        changes = found[other]
        sentences.append(
            f"{method} against {other}: {', '.join(changes.up)} up, but {', '.join(changes.down)} down. Noise and "
            "over-sharpening give such numbers: look at the pictures"
            + (f" (likewise against {', '.join(rest)})." if rest else ".")
        )
    return sentences


class _Changes(NamedTuple):
    up: list[str]
    """What rose, in words."""
    down: list[str]
    loss: float
    """The largest relative fall."""


def _compare(own: Mapping[str, float], other: Mapping[str, float]) -> _Changes | None:
    shared = [metric for metric in (*RISING, *FALLING) if metric in own and metric in other]
    # Both groups are positive wherever pictures have any content; a mean of 0 or below says nothing relative.
    change = {metric: own[metric] / other[metric] - 1 for metric in shared if other[metric] > 0}
    up = [metric for metric in RISING if change.get(metric, 0) >= _NOTABLE]
    down = [metric for metric in FALLING if change.get(metric, 0) <= -_NOTABLE]
    better = any(change.get(metric, 0) >= _NOTABLE for metric in FALLING)
    if not up or not down or better:
        return None
    words = {metric: f"{metric} ({other[metric]:.3f} → {own[metric]:.3f})" for metric in (*up, *down)}
    loss = max(-change[metric] for metric in down)
    return _Changes([words[metric] for metric in up], [words[metric] for metric in down], loss)
