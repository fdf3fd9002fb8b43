"""How much arithmetic a network does."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from distilfuse.nets.build import Network

_SIDE = 256
"""Pixels; a multiple of what every network pads to."""


@torch.no_grad()
def flop_per_pixel(network: Network) -> int:
    """Floating-point operations a pixel of the fused picture; a multiplication and an addition are two.

    Convolutions, matrix products and attention count, at 256x256; what goes element by element does not.
    """
    channels = 1 if network.visible_input == "luminance" else 3
    with FlopCounterMode(display=False) as counter:
        network.fuse_padded(torch.zeros(1, channels, _SIDE, _SIDE), torch.zeros(1, 1, _SIDE, _SIDE))
    return int(counter.get_total_flops()) // _SIDE**2
