"""Mixing pictures: how much of the infrared one a result has, and where it has any."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import ConfigError, InputError
from distilfuse.imaging.colour import luminance, with_luminance
from distilfuse.imaging.scaling import from_unit, full_scale, to_unit

BALANCED = 0.5
"""The infrared strength at which a result is what the model made."""

_STRIP = 1 << 16
"""Pixels mixed at a time, so that temporary arrays stay in the cache."""


def check_strength(strength: float) -> float:
    """The strength itself.

    Raises:
        ConfigError: it is not within 0..1.
    """
    if not 0 <= strength <= 1:
        raise ConfigError(
            f"The infrared strength is {strength:g} but must lie in 0..1: 0 is the visible picture, 0.5 the model's "
            "result, 1 the infrared picture under the visible colours."
        )
    return strength


def with_strength(visible: NDArray[Any], infrared: NDArray[Any], fused: NDArray[Any], strength: float) -> NDArray[Any]:
    """More or less of the infrared picture than the model chose.

    From 0 to 0.5 the result goes in a straight line from the visible picture to the model's, from there to 1 to the
    infrared intensities under the visible picture's colours. So the distance from the visible picture grows up to the
    model's result, and the distance to the infrared intensities shrinks from there.

    Args:
        visible: ``H x W`` or ``H x W x 3`` of uint8, uint16 or floats in 0..1.
        infrared: the same, of any of these types; of colour, the luminance counts.
        fused: what the model made of the two, as ``visible`` in shape and type.
        strength: 0..1.

    Returns:
        As ``fused``; at 0.5 itself, at 0 ``visible`` itself.

    Raises:
        ConfigError: the strength is not within 0..1.
    """
    check_strength(strength)
    if strength == BALANCED:
        return fused
    if strength == 0:
        return visible
    if strength < BALANCED:
        return mix(visible, fused, 2 * strength)
    heat = grey_unit(infrared)
    hottest = with_luminance(visible, luminance(visible), heat) if visible.ndim == 3 else from_unit(heat, visible.dtype)
    return mix(fused, hottest, 2 * strength - 1)


def mix(first: NDArray[Any], second: NDArray[Any], weight: float | NDArray[np.float32]) -> NDArray[Any]:
    """From one picture to another.

    Args:
        first: ``H x W`` or ``H x W x 3`` of uint8, uint16 or floats.
        second: as ``first`` in shape and type.
        weight: of ``second``, in 0..1: a number, or ``H x W``.

    Returns:
        As ``first``, integers rounded to nearest.
    """
    out = np.empty(first.shape, first.dtype)
    integers = first.dtype.kind != "f"
    step = max(1, _STRIP // first.shape[1])
    for top in range(0, len(first), step):
        rows = slice(top, top + step)
        share: Any = weight if isinstance(weight, float | int) else weight[rows]
        if first.ndim == 3 and not isinstance(share, float | int):
            share = share[..., None]
        start = first[rows].astype(np.float32)
        mixed = start + np.multiply(share, second[rows] - start, dtype=np.float32)
        out[rows] = np.rint(mixed) if integers else mixed
    return out


def mask_weights(mask: NDArray[Any], height: int, width: int) -> NDArray[np.float32]:
    """A mask as weights: white is 1, black is 0.

    Args:
        mask: ``H x W`` or ``H x W x 3`` of uint8, uint16 or floats in 0..1.
        height: of the picture that it is for.
        width: of that picture.

    Raises:
        InputError: the mask has another size.
    """
    if mask.shape[:2] != (height, width):
        raise InputError(
            f"The mask is {mask.shape[1]}x{mask.shape[0]} pixels but the visible picture is {width}x{height}: "
            "make one of the same size."
        )
    return grey_unit(mask)


def grey_unit(picture: NDArray[Any]) -> NDArray[np.float32]:
    """``H x W`` in 0..1 of ``H x W`` or ``H x W x 3``."""
    return luminance(picture) if picture.ndim == 3 else to_unit(picture)


def invert(picture: NDArray[Any]) -> NDArray[Any]:
    """Black for white.

    Args:
        picture: of uint8, uint16 or floats in 0..1.
    """
    inverted: NDArray[Any] = np.subtract(picture.dtype.type(full_scale(picture.dtype)), picture)
    return inverted


def deepen(picture: NDArray[Any], bits: int) -> NDArray[Any]:
    """Another depth: ``bits`` a channel, rounded to nearest.

    Args:
        picture: of uint8, uint16 or floats in 0..1.
        bits: 8 or 16.
    """
    kind = np.dtype(np.uint8 if bits == 8 else np.uint16)
    return picture if picture.dtype == kind else from_unit(to_unit(picture), kind)
