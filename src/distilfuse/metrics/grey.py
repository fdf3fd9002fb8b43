"""The grey picture that every metric of protocol ``paper`` starts from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError

# Protocol `paper`: MATLAB's rgb2gray weights, truncated (not rounded) to 8 bit.
_WEIGHTS = np.array([0.2989, 0.5870, 0.1140])


def paper_grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey = trunc(.2989 R + .5870 G + .1140 B), 0..255.

    Args:
        image: ``H x W`` or ``H x W x 3`` uint8 (RGB order).

    Returns:
        ``H x W`` uint8; a picture that is grey already is returned as it is.

    Raises:
        InputError: another shape or type.
    """
    if image.dtype != np.uint8:
        raise InputError(f"A metric takes uint8 pictures (0..255), not {image.dtype}: convert it first.")
    if image.ndim == 2:
        return image
    if image.ndim == 3 and image.shape[2] == 3:
        grey: NDArray[np.float64] = image @ _WEIGHTS
        return grey.astype(np.uint8)
    raise InputError(f"A metric takes HxW or HxWx3 pictures, not shape {image.shape}.")


def check_grey(image: NDArray[np.uint8], name: str) -> None:
    """Raise InputError unless ``image`` is a non-empty ``H x W`` uint8 array."""
    if image.dtype != np.uint8 or image.ndim != 2 or image.size == 0:
        raise InputError(
            f"{name} must be a non-empty HxW uint8 array, not shape {image.shape} of {image.dtype}: "
            "use paper_grey() on colour pictures."
        )


def check_same_size(reference: NDArray[np.uint8], fused: NDArray[np.uint8]) -> None:
    """Raise InputError unless both are grey pictures of one size."""
    check_grey(reference, "reference")
    check_grey(fused, "fused")
    if reference.shape != fused.shape:
        raise InputError(
            f"The pictures differ in size, {reference.shape} and {fused.shape} (HxW): compare pictures of one size."
        )
