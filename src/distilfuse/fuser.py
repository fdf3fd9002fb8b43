"""The one way in: load a model once, fuse pairs with it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distilfuse.errors import InputError, ModelError
from distilfuse.imaging.colour import luminance, with_luminance, within_gamut
from distilfuse.imaging.geometry import crop, pad_to_multiple
from distilfuse.imaging.planes import Planes, take_apart
from distilfuse.imaging.scaling import from_unit, to_unit, warn_if_narrow
from distilfuse.imaging.scratch import Scratch
from distilfuse.imaging.tiles import blend, tiles
from distilfuse.runtime import Backend, open_backend
from distilfuse.runtime.providers import PROVIDERS
from distilfuse.zoo import MODELS, ModelRecord, find_model, read_part, read_weights

DEFAULT_MODEL = "nano-ivif"
DEFAULT_BACKEND = "auto"

WHOLE = 1 << 21
"""Pixels of the largest picture that is fused in one piece; larger ones go in tiles. One piece takes 140 MB a
megapixel: up to full HD that is less than a tile takes, and at 4 megapixels it is no faster any more."""
TILE = 1024
"""Pixels a side of what a tile answers for: of 256 to 2048 the fastest (see docs/performance.md)."""
_BLENDED = 64
"""Pixels over which tiles of a model without ``halo`` pass into each other, on either side of the border."""

_WITH_COLOURS = ("onnxruntime", "openvino")
"""Backends that are given 8-bit colours as they are: on both, a quarter less time for nano-s at 640x480. Others lack
the types, or precision, and PyTorch reads its network from the other file."""

AnyPicture = TypeVar("AnyPicture", NDArray[Any], Image.Image)


class Fuser:
    """A model that fuses a visible and an infrared picture of one scene into one.

    What comes out is what the visible picture was: numpy or Pillow, the same size, type and channels; its
    alpha is kept. Neither input is changed. One object may be used from several threads at once.

    Example:
        >>> import numpy as np
        >>> fuser = Fuser.from_pretrained("nano-ivif")
        >>> visible = np.full((48, 64, 3), 90, np.uint8)
        >>> infrared = np.full((48, 64), 120, np.uint8)
        >>> fused = fuser(visible, infrared)
        >>> fused.shape, fused.dtype
        ((48, 64, 3), dtype('uint8'))
    """

    def __init__(
        self,
        record: ModelRecord,
        folder: Path | None = None,
        *,
        backend: str = DEFAULT_BACKEND,
        threads: int | None = None,
    ) -> None:
        """Load a model by its record; :meth:`from_pretrained` does so by name.

        Args:
            record: what the model takes and the sha256 of its weights.
            folder: where its ONNX files are, by default in the package.
            backend: one of :data:`distilfuse.runtime.BACKENDS`, or ``auto``: the fastest of ``onnxruntime``,
                ``openvino`` and ``cuda`` that are installed, measured once and kept in the user's cache. Where only
                ``onnxruntime`` is, nothing is measured. Another than the one named is never used.
            threads: CPU threads, by default one a usable CPU.

        Raises:
            ModelError: the weights are missing, damaged, or not a model.
            ConfigError: an unknown backend or ``threads`` below 1.
            MissingDependencyError: the backend is not installed; the message holds the install line.
            DistilfuseError: the backend finds no device.
        """
        self.record = record
        self._folder = folder or MODELS
        self._scratch = Scratch()
        self._backend: Backend = open_backend(
            backend,
            read_weights(record, self._folder / record.file),
            threads=threads,
            channels=1 if record.visible_input == "luminance" else 3,
            multiple=record.multiple,
            architecture=record.architecture,
        )

    @classmethod
    def from_pretrained(
        cls, name: str = DEFAULT_MODEL, *, backend: str = DEFAULT_BACKEND, threads: int | None = None
    ) -> Fuser:
        """Load a released model.

        Args:
            name: one of :func:`distilfuse.list_models`, or the path of a record (``.json``) of your own
                whose weights lie beside it.
            backend: see the constructor.
            threads: see the constructor.

        Raises:
            ModelError: there is no such model (the message holds near names); else see the constructor.
        """
        return cls(*find_model(name), backend=backend, threads=threads)

    @property
    def backend(self) -> str:
        """Name of the backend."""
        return self._backend.name

    @property
    def chosen(self) -> str:
        """How the backend was chosen: ``fastest of 2`` by a measurement, empty where there was no choice."""
        return self._backend.chosen

    @property
    def device(self) -> str:
        """What the model runs on."""
        return self._backend.device

    @property
    def threads(self) -> int:
        """CPU threads that a call may use."""
        return self._backend.threads

    def __repr__(self) -> str:
        name, backend, threads = self.record.name, self.backend, self.threads
        return f"Fuser({name!r}, backend={backend!r}, threads={threads}) on {self.device}"

    def __call__(
        self,
        visible: AnyPicture,
        infrared: NDArray[Any] | Image.Image,
        *,
        reading: NDArray[np.float32] | None = None,
    ) -> AnyPicture:
        """Fuse one pair.

        Values are scaled by type (uint8 / 255, uint16 / 65535, floats lie in 0..1), never by what the picture
        holds. Models of luminance keep the chroma of the visible picture. An infrared picture in colour is
        turned to its BT.601 luminance: a grey one stored as RGB is unharmed, a rainbow palette loses its
        order, so export thermal pictures in grey.

        Args:
            visible: ``H x W``, ``H x W x 1``, ``x 3`` (RGB) or ``x 4`` (RGBA) of uint8, uint16, float32 or
                float64, or a Pillow picture. Of Pillow modes, palettes and inks come back as RGB(A).
            infrared: the same kinds, aligned to ``visible`` and of the same height and width; white is hot.
            reading: what :meth:`measure` gave for another pair, such as the frames before, to be fused as if it were
                what is measured on this one.

        Returns:
            The fused picture, of the kind, size, type and channels of ``visible``.

        Raises:
            InputError: a picture that cannot be fused as it is: sizes that differ, no pixels, a wrong
                number of axes or channels, another type, NaN, infinity, floats out of 0..1.

        Warns:
            PictureWarning: 16-bit infrared that uses less than a tenth of its range.
        """
        first, second = _take_apart(visible, infrared)
        warn_if_narrow(second.colour, "infrared")
        if first.pixels <= WHOLE:
            (colour,) = self._fuse([first.colour], [second.colour], reading)
        else:
            colour = self._fuse_in_tiles(first.colour, second.colour, reading)
        return first.rebuild(colour)  # type: ignore[return-value]  # it rebuilds the kind it was given

    def measure(
        self, visible: NDArray[Any] | Image.Image, infrared: NDArray[Any] | Image.Image
    ) -> NDArray[np.float32] | None:
        """What the model measures of a whole pair before it fuses it: brightness, noise, what is clipped.

        Args:
            visible: as for :meth:`__call__`.
            infrared: likewise.

        Returns:
            ``1 x K``; None where the model measures nothing.

        Raises:
            InputError: as for :meth:`__call__`.
        """
        first, second = _take_apart(visible, infrared)
        return self._read_gauge(first.colour, second.colour) if self.record.gauge else None

    def batch(self, visible: Sequence[AnyPicture], infrared: Sequence[NDArray[Any] | Image.Image]) -> list[AnyPicture]:
        """Fuse several pairs of one size in one call of the network, which keeps a GPU busy; each as alone.

        Args:
            visible: pictures as for :meth:`__call__`, or an array of them.
            infrared: as many.

        Returns:
            A fused picture for each pair.

        Raises:
            InputError: as for one pair; unequal numbers, or pairs of several sizes.
        """
        for pictures, name in ((visible, "visible"), (infrared, "infrared")):
            if isinstance(pictures, Image.Image) or not hasattr(pictures, "__len__"):
                raise InputError(
                    f"A batch is a list of {name} pictures, not one {type(pictures).__name__}: give [picture, ...], or "
                    "call the Fuser itself for one pair."
                )
        if len(visible) != len(infrared):
            raise InputError(
                f"There are {len(visible)} visible pictures but {len(infrared)} infrared ones: give them in pairs."
            )
        pairs = [_take_apart(*pair) for pair in zip(visible, infrared, strict=True)]
        for _, second in pairs:
            warn_if_narrow(second.colour, "infrared")
        sizes = sorted({first.size for first, _ in pairs})
        if len(sizes) > 1:
            raise InputError(f"A batch has pictures of one size, not of {' and '.join(sizes)}: fuse these one by one.")
        colours = self._fuse([first.colour for first, _ in pairs], [second.colour for _, second in pairs])
        return [first.rebuild(colour) for (first, _), colour in zip(pairs, colours, strict=True)]  # type: ignore[misc]

    def _fuse_in_tiles(
        self, visible: NDArray[Any], infrared: NDArray[Any], reading: NDArray[np.float32] | None
    ) -> NDArray[Any]:
        """The same, with memory for a tile besides the pictures themselves."""
        height, width = visible.shape[:2]
        fused = np.empty_like(visible, order="C")
        if reading is None and self.record.gauge:
            reading = self._read_gauge(visible, infrared)
        exact = self.record.halo > 0
        halo = self.record.halo or _BLENDED
        for tile in tiles(height, width, side=TILE, halo=halo, multiple=self.record.multiple):
            (part,) = self._fuse([visible[tile.whole]], [infrared[tile.whole]], reading)
            if exact:
                fused[tile.core] = part[tile.inner]
            else:
                blend(fused[tile.whole], part, tile)
        return fused

    def _read_gauge(self, visible: NDArray[Any], infrared: NDArray[Any]) -> NDArray[np.float32]:
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
        name = self.backend if self.backend in PROVIDERS else "onnxruntime"
        return open_backend(name, read_part(self.record, "gauge", self._folder), threads=self.threads)

    def _fuse(
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
        return bool(self.record.colour) and self.backend in _WITH_COLOURS

    @cached_property
    def _in_colour(self) -> Backend:
        """The model with what is done to 8-bit colours before and behind it."""
        return open_backend(self.backend, read_part(self.record, "colour", self._folder), threads=self.threads)

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
        fused = self._backend.run(pad_to_multiple(visible, multiple), pad_to_multiple(heat, multiple), reading)
        values: NDArray[np.float32] = crop(fused, height, width)
        if not np.isfinite(values.sum()):
            raise ModelError(f"The model {self.record.name} gave NaN on a {width}x{height} pair: report it.")
        return np.clip(values, 0, 1, out=values)


def fuse(visible: AnyPicture, infrared: NDArray[Any] | Image.Image, model: str = DEFAULT_MODEL) -> AnyPicture:
    """Fuse one pair with a model that is loaded at the first call and kept; see :meth:`Fuser.__call__`.

    Example:
        >>> import numpy as np
        >>> visible, infrared = np.zeros((48, 64), np.uint8), np.full((48, 64), 200, np.uint8)
        >>> fuse(visible, infrared).shape
        (48, 64)
    """
    return _kept(model)(visible, infrared)


@lru_cache(maxsize=4)
def _kept(model: str) -> Fuser:
    return Fuser.from_pretrained(model)


def _take_apart(visible: object, infrared: object) -> tuple[Planes, Planes]:
    """Check a pair and take it apart; see :meth:`Fuser.__call__` for what is raised."""
    first, second = take_apart(visible, "visible"), take_apart(infrared, "infrared")
    if first.colour.shape[:2] != second.colour.shape[:2]:
        raise InputError(
            f"The visible picture is {first.size} pixels but the infrared one is {second.size}: "
            "resize or align one to the other first."
        )
    return first, second


def _three_planes(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """``3 x H x W`` from ``H x W x 3`` or ``H x W``."""
    return picture.transpose(2, 0, 1) if picture.ndim == 3 else np.repeat(picture[None], 3, axis=0)


def _luminance(picture: NDArray[Any], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Of ``H x W`` or ``H x W x 3``."""
    return luminance(picture, out) if picture.ndim == 3 else to_unit(picture, out)
