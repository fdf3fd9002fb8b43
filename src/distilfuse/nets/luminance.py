"""Luminance of batches."""

from __future__ import annotations

from torch import Tensor

# Full-range BT.601.
LUMINANCE = (0.299, 0.587, 0.114)


def grey(image: Tensor) -> Tensor:
    """Full-range BT.601 luminance ``B x 1 x H x W`` of ``B x 3 x H x W``; one channel passes unchanged."""
    if image.shape[1] == 1:
        return image
    red, green, blue = image.split(1, dim=1)
    luminance: Tensor = LUMINANCE[0] * red + LUMINANCE[1] * green + LUMINANCE[2] * blue
    return luminance
