"""The one way in: load a model once, fuse pairs with it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distilfuse.errors import InputError, ModelError
from distilfuse.imaging.colour import luminance, with_luminance
from distilfuse.imaging.geometry import crop, pad_to_multiple
from distilfuse.imaging.planes import Planes, take_apart
from distilfuse.imaging.scaling import from_unit, to_unit, warn_if_narrow
from distilfuse.runtime import Backend, open_backend
from distilfuse.zoo import ModelRecord, find_record, load_record, read_weights

DEFAULT_MODEL = "nano-ivif"
DEFAULT_BACKEND = "onnxruntime"

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
        weights: Path | None = None,
        *,
        backend: str = DEFAULT_BACKEND,
        threads: int | None = None,
    ) -> None:
        """Load a model by its record; :meth:`from_pretrained` does so by name.

        Args:
            record: what the model takes and the sha256 of its weights.
            weights: its ONNX file, by default the one in the package.
            backend: ``onnxruntime``, ``openvino`` (extra ``openvino``) or ``cuda`` (extra ``gpu``).
            threads: CPU threads, by default one a usable CPU.

        Raises:
            ModelError: the weights are missing, damaged, or not a model.
            ConfigError: an unknown backend or ``threads`` below 1.
            MissingDependencyError: the backend is not installed; the message holds the install line.
        """
        self.record = record
        self._backend: Backend = open_backend(backend, read_weights(record, weights), threads=threads)

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
        path = Path(name)
        if path.suffix == ".json":
            record = load_record(path)
            return cls(record, path.parent / record.file, backend=backend, threads=threads)
        return cls(find_record(name), backend=backend, threads=threads)

    @property
    def backend(self) -> str:
        """Name of the backend."""
        return self._backend.name

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

    def __call__(self, visible: AnyPicture, infrared: NDArray[Any] | Image.Image) -> AnyPicture:
        """Fuse one pair.

        Values are scaled by type (uint8 / 255, uint16 / 65535, floats lie in 0..1), never by what the picture
        holds. Models of luminance keep the chroma of the visible picture. An infrared picture in colour is
        turned to its BT.601 luminance: a grey one stored as RGB is unharmed, a rainbow palette loses its
        order, so export thermal pictures in grey.

        Args:
            visible: ``H x W``, ``H x W x 1``, ``x 3`` (RGB) or ``x 4`` (RGBA) of uint8, uint16, float32 or
                float64, or a Pillow picture. Of Pillow modes, palettes and inks come back as RGB(A).
            infrared: the same kinds, aligned to ``visible`` and of the same height and width; white is hot.

        Returns:
            The fused picture, of the kind, size, type and channels of ``visible``.

        Raises:
            InputError: a picture that cannot be fused as it is: sizes that differ, no pixels, a wrong
                number of axes or channels, another type, NaN, infinity, floats out of 0..1.

        Warns:
            PictureWarning: 16-bit infrared that uses less than a tenth of its range.
        """
        visible_planes, infrared_planes = take_apart(visible, "visible"), take_apart(infrared, "infrared")
        if visible_planes.colour.shape[:2] != infrared_planes.colour.shape[:2]:
            raise InputError(
                f"The visible picture is {visible_planes.size} pixels but the infrared one is "
                f"{infrared_planes.size}: resize or align one to the other first."
            )
        warn_if_narrow(infrared_planes.colour, "infrared")
        heat = _grey(infrared_planes)[None, None]
        if self.record.visible_input == "luminance":
            colour = self._fuse_luminance(visible_planes, heat)
        else:
            colour = self._fuse_rgb(visible_planes, heat)
        return visible_planes.rebuild(colour)  # type: ignore[return-value]  # it rebuilds the kind it was given

    def _fuse_luminance(self, visible: Planes, heat: NDArray[np.float32]) -> NDArray[Any]:
        before = _grey(visible)
        after = self._run(before[None, None], heat)[0]
        if visible.coloured:
            return with_luminance(visible.colour, before, after)
        return from_unit(after, visible.colour.dtype)

    def _fuse_rgb(self, visible: Planes, heat: NDArray[np.float32]) -> NDArray[Any]:
        values = to_unit(visible.colour)
        if visible.coloured:
            planes = np.ascontiguousarray(values.transpose(2, 0, 1))
        else:
            planes = np.repeat(values[None], 3, axis=0)
        fused = self._run(planes[None], heat).transpose(1, 2, 0)
        if not visible.coloured:
            fused = luminance(fused)
        return from_unit(fused, visible.colour.dtype)

    def _run(self, visible: NDArray[np.float32], heat: NDArray[np.float32]) -> NDArray[np.float32]:
        """``1 x C x H x W`` and ``1 x 1 x H x W`` of any size to ``C x H x W`` in 0..1."""
        height, width = visible.shape[-2:]
        multiple = self.record.multiple
        fused = self._backend.run(pad_to_multiple(visible, multiple), pad_to_multiple(heat, multiple))
        values: NDArray[np.float32] = np.clip(crop(fused[0], height, width), 0, 1)
        if not np.isfinite(values.sum()):
            raise ModelError(f"The model {self.record.name} gave NaN on a {width}x{height} pair: report it.")
        return values


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


def _grey(planes: Planes) -> NDArray[np.float32]:
    return luminance(planes.colour) if planes.coloured else to_unit(planes.colour)
