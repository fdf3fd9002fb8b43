"""Whether the network is run or written down."""

from __future__ import annotations

import torch

__all__ = ["may_loop"]


def may_loop() -> bool:
    """True if Python loops over rows are allowed: plain inference, neither training nor export.

    An exported graph has symbolic sizes, over which no Python loop can run; and with
    gradients every strip would be kept for the backward pass, so nothing is saved.
    """
    return not (torch.is_grad_enabled() or torch.compiler.is_exporting() or torch.compiler.is_compiling())
