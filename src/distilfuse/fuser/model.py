"""A loaded model, and the arithmetic on planes before and behind its network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import ModelError
from distilfuse.imaging.colour import luminance, with_luminance, within_gamut
from distilfuse.imaging.geometry import crop, pad_to_multiple
from distilfuse.imaging.scaling import from_unit, to_unit
from distilfuse.imaging.scratch import Scratch
from distilfuse.imaging.tiles import blend, tiles
from distilfuse.runtime import Backend, open_backend
from distilfuse.runtime.providers import PROVIDERS
from distilfuse.zoo import ModelRecord, read_part, read_weights

WHOLE = 1 << 21
"""Pixels of the largest picture that is fused in one piece; larger ones go in tiles. One piece takes 140 MB a
megapixel: up to full HD that is less than a tile takes, and at 4 megapixels it is no faster any more."""
TILE = 1024
"""Pixels a side of what a tile answers for: of 256 to 2048 the fastest (see docs/performance.md)."""
_BLENDED = 64
"""Pixels over which tiles of a model without ``halo`` pass into each other, on either side of the border."""

_WITH_COLOURS = ("onnxruntime", "openvino")
"""Backends that are given 8-bit colours as they are: on both, a tenth less time for nano-s at 640x480. Others lack
the types, or precision, and PyTorch reads its network from the other file."""


class LoadedModel:
    """A model on a backend: pairs of planes in, fused planes out.

    The visible one is ``H x W`` or ``H x W x 3`` of uint8, uint16 or floats in 0..1, the infrared one too; what comes
    out is as the visible one. It may be called from several threads at once.
    """

    def __init__(self, record: ModelRecord, folder: Path, *, backend: str, threads: int | None) -> None:
        """Load; see :class:`distilfuse.fuser.Fuser` for arguments and what is raised."""
        self.record = record
        self.folder = folder
        self._scratch = Scratch()
        self.backend: Backend = open_backend(
            backend,
            read_weights(record, folder / record.file),
            threads=threads,
            channels=1 if record.visible_input == "luminance" else 3,
            multiple=record.multiple,
            architecture=record.architecture,
        )

    def fuse(
        self, visible: NDArray[Any], infrared: NDArray[Any], reading: NDArray[np.float32] | None = None
    ) -> NDArray[Any]:
        """Fuse one pair, in tiles if it is large.

        Raises:
            ModelError: the network cannot take it, or gives what is no picture.
        """
        if visible.shape[0] * visible.shape[1] > WHOLE:
            return self._fuse_in_tiles(visible, infrared, reading)
        (fused,) = self.fuse_together([visible], [infrared], reading)
        return fused

    def _fuse_in_tiles(
        self, visible: NDArray[Any], infrared: NDArray[Any], reading: NDArray[np.float32] | None
    ) -> NDArray[Any]:
        """The same, with memory for a tile besides the pictures themselves."""
        height, width = visible.shape[:2]
        fused = np.empty_like(visible, order="C")
        if reading is None and self.record.gauge:
            reading = self.measure(visible, infrared)
        exact = self.record.halo > 0
        halo = self.record.halo or _BLENDED
        for tile in tiles(height, width, side=TILE, halo=halo, multiple=self.record.multiple):
            (part,) = self.fuse_together([visible[tile.whole]], [infrared[tile.whole]], reading)
            if exact:
                fused[tile.core] = part[tile.inner]
            else:
                blend(fused[tile.whole], part, tile)
        return fused

    def measure(self, visible: NDArray[Any], infrared: NDArray[Any]) -> NDArray[np.float32]:
        """What the model's gauge reads on the whole picture, ``1 x K``: the mean over its cells."""
        height, width = visible.shape[:2]
        cell = self.record.multiple  # a cell stands for so many pixels a side, and no tile's core cuts one in two
        total, count = np.zeros(self.record.gauge["channels"]), 0
        for tile in tiles(height, width, side=TILE, halo=self.record.halo, multiple=cell):
            pair = (_luminance(picture[tile.whole])[None, None] for picture in (visible, infrared))
            cells = self._gauge.run(*(pad_to_multiple(plane, cell) for plane in pair))[0]
            rows, columns = (slice(part.start // cell, -(-part.stop // cell)) for part in tile.inner)
            total += cells[:, rows, columns].sum((1, 2), dtype=np.float64)
            count += cells[0, rows, columns].size
        return (total / count).astype(np.float32)[None]

    @cached_property
    def _gauge(self) -> Backend:
        """On the same device where ONNX Runtime is the backend, else on the CPU: it is a tenth of the work."""
        name = self.backend.name if self.backend.name in PROVIDERS else "onnxruntime"
        return open_backend(name, read_part(self.record, "gauge", self.folder), threads=self.backend.threads)

    def fuse_together(
        self,
        visible: Sequence[NDArray[Any]],
        infrared: Sequence[NDArray[Any]],
        reading: NDArray[np.float32] | None = None,
    ) -> list[NDArray[Any]]:
        """Fuse planes of one size, ``H x W`` or ``H x W x 3`` each; what comes out is as ``visible``."""
        if not visible:
            return []
        height, width = infrared[0].shape[:2]
        heat = self._scratch.array("heat", (len(infrared), 1, height, width), np.float32)
        for picture, (plane,) in zip(infrared, heat, strict=True):
            _luminance(picture, plane)
        if self._takes_colours and all(picture.ndim == 3 and picture.dtype == np.uint8 for picture in visible):
            return self._fuse_colours(visible, heat, reading)
        if self.record.visible_input == "luminance":
            before = self._scratch.array("visible", heat.shape, np.float32)
            for picture, (plane,) in zip(visible, before, strict=True):
                _luminance(picture, plane)
            after = self._run(before, heat, reading)
            return [
                with_luminance(picture, old, new) if picture.ndim == 3 else from_unit(new, picture.dtype)
                for picture, (old,), (new,) in zip(visible, before, after, strict=True)
            ]
        colours = np.stack([_three_planes(to_unit(picture)) for picture in visible])
        fused = self._run(colours, heat, reading).transpose(0, 2, 3, 1)
        return [
            from_unit(new if picture.ndim == 3 else luminance(new), picture.dtype)
            for picture, new in zip(visible, fused, strict=True)
        ]

    @property
    def _takes_colours(self) -> bool:
        return bool(self.record.colour) and self.backend.name in _WITH_COLOURS

    @cached_property
    def _in_colour(self) -> Backend:
        """The model with what is done to 8-bit colours before and behind it."""
        return open_backend(
            self.backend.name, read_part(self.record, "colour", self.folder), threads=self.backend.threads
        )

    def _fuse_colours(
        self,
        visible: Sequence[NDArray[np.uint8]],
        heat: NDArray[np.float32],
        reading: NDArray[np.float32] | None,
    ) -> list[NDArray[np.uint8]]:
        """Fuse ``H x W x 3`` each with ``N x 1 x H x W``."""
        height, width = heat.shape[-2:]
        multiple = self.record.multiple
        colours = np.ascontiguousarray(visible[0])[None] if len(visible) == 1 else np.stack(visible)
        moved = self._in_colour.run(
            pad_to_multiple(colours, multiple, rows=-3), pad_to_multiple(heat, multiple), reading
        )
        return [within_gamut(*both) for both in zip(colours, moved[:, :height, :width], strict=True)]

    def _run(
        self, visible: NDArray[np.float32], heat: NDArray[np.float32], reading: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        """``N x C x H x W`` and ``N x 1 x H x W`` of any size to ``N x C x H x W`` in 0..1."""
        height, width = visible.shape[-2:]
        multiple = self.record.multiple
        fused = self.backend.run(pad_to_multiple(visible, multiple), pad_to_multiple(heat, multiple), reading)
        values: NDArray[np.float32] = crop(fused, height, width)
        if not np.isfinite(values.sum()):
            raise ModelError(f"The model {self.record.name} gave NaN on a {width}x{height} pair: report it.")
        return np.clip(values, 0, 1, out=values)


def _three_planes(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """``3 x H x W`` from ``H x W x 3`` or ``H x W``."""
    return picture.transpose(2, 0, 1) if picture.ndim == 3 else np.repeat(picture[None], 3, axis=0)


def _luminance(picture: NDArray[Any], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Of ``H x W`` or ``H x W x 3``."""
    return luminance(picture, out) if picture.ndim == 3 else to_unit(picture, out)
