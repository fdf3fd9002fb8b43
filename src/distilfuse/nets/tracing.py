"""Whether the network is run or written down: the same numbers, arranged for whoever computes them."""

from __future__ import annotations

import torch

__all__ = ["exporting", "may_loop"]


def may_loop() -> bool:
    """True if Python loops over rows are allowed: plain inference, neither training nor export.

    An exported graph has symbolic sizes, over which no Python loop can run; and with
    gradients every strip would be kept for the backward pass, so nothing is saved.
    """
    return not (torch.is_grad_enabled() or torch.compiler.is_exporting() or torch.compiler.is_compiling())


def exporting() -> bool:
    """True while the network is written down as a graph for inference engines.

    There a view is no view: every permutation of axes is a copy, every split as well, and a tensor has no memory
    format to hide them in. The parts then take the ways round them that they name.
    """
    return torch.compiler.is_exporting()
