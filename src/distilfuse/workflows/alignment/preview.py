"""Two pictures to check an alignment by eye: a checkerboard of both, and both in two colours over each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.imaging.colour import luminance
from distilfuse.imaging.opencv import opencv
from distilfuse.imaging.scaling import to_unit
from distilfuse.workflows.alignment.rig import Rig

LARGEST = 1280
"""Pixels of a preview's longer side at most."""
_FIELDS = 10
"""Fields of the checkerboard along the longer side."""


def preview(rig: Rig, visible: NDArray[Any], infrared: NDArray[Any]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The checkerboard and the overlay of a pair.

    Both are stretched to their own range, as a fused picture never is: here it is edges that are to be seen. Where
    there is no infrared, both show the visible picture.

    Args:
        rig: of the pair's cameras.
        visible: ``H x W`` or ``H x W x 3``.
        infrared: the same, of its own size.

    Returns:
        ``H x W x 3`` each: fields of the visible and the infrared picture in turns; infrared in red and visible in
        cyan, so that edges that do not meet have coloured fringes.

    Raises:
        InputError, MissingDependencyError: see :meth:`distilfuse.workflows.alignment.rig.Rig.warper`.
    """
    cv2 = opencv()
    visible = _stretched(visible)
    factor = min(1.0, LARGEST / max(visible.shape[:2]))
    if factor < 1:
        size = max(1, round(visible.shape[1] * factor)), max(1, round(visible.shape[0] * factor))
        visible = cv2.resize(visible, size, interpolation=cv2.INTER_AREA)
    heat = _stretched(infrared)
    moved, valid = rig.warp(luminance(heat) if heat.ndim == 3 else heat, (visible.shape[1], visible.shape[0]))
    colour = visible if visible.ndim == 3 else np.repeat(visible[..., None], 3, axis=2)
    rows, columns = (np.arange(side) * _FIELDS // max(valid.shape) for side in valid.shape)
    fields = valid & ((rows[:, None] + columns) % 2 == 1)
    checkerboard = np.where(fields[..., None], moved[..., None], colour)
    grey = luminance(colour)
    overlay = np.stack([np.where(valid, moved, grey), grey, grey], axis=2)
    return _bytes(checkerboard), _bytes(overlay)


def _stretched(picture: NDArray[Any]) -> NDArray[np.float32]:
    values = to_unit(picture)
    low, high = np.percentile(values, (0.5, 99.5))
    stretched: NDArray[np.float32] = np.clip((values - low) / max(float(high - low), 1e-6), 0, 1).astype(np.float32)
    return stretched


def _bytes(picture: NDArray[Any]) -> NDArray[np.uint8]:
    return np.asarray(np.rint(picture * 255), np.uint8)
