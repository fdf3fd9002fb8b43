"""The one way in: load a model once, fuse pairs with it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distilfuse.errors import InputError
from distilfuse.fuser.lanes import Lanes
from distilfuse.fuser.model import LoadedModel
from distilfuse.imaging.planes import Planes, take_apart
from distilfuse.imaging.scaling import warn_if_narrow
from distilfuse.zoo import MODELS, ModelRecord, find_model

DEFAULT_MODEL = "nano-ivif"
DEFAULT_BACKEND = "auto"

_IN_LANES = ("onnxruntime", "openvino", "openvino:bf16")
"""Backends on the CPU that take calls side by side. PyTorch has one number of threads for all that it does."""

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
        self._model = LoadedModel(record, folder or MODELS, backend=backend, threads=threads)

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
        return self._model.backend.name

    @property
    def chosen(self) -> str:
        """How the backend was chosen: ``fastest of 2`` by a measurement, empty where there was no choice."""
        return self._model.backend.chosen

    @property
    def device(self) -> str:
        """What the model runs on."""
        return self._model.backend.device

    @property
    def threads(self) -> int:
        """CPU threads that a call may use."""
        return self._model.backend.threads

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
        return first.rebuild(self._model.fuse(first.colour, second.colour, reading))  # type: ignore[return-value]  # it rebuilds the kind it was given

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
        return self._model.measure(first.colour, second.colour) if self.record.gauge else None

    def batch(self, visible: Sequence[AnyPicture], infrared: Sequence[NDArray[Any] | Image.Image]) -> list[AnyPicture]:
        """Fuse several pairs of one size, each as alone: on a GPU in one call, on a CPU one on each core.

        That is how a CPU fuses the most pairs a second; one pair is sooner done by a call of its own on all cores.

        Args:
            visible: pictures as for :meth:`__call__`, each of whatever kind, or an array of them.
            infrared: as many.

        Returns:
            A fused picture for each pair.

        Raises:
            InputError: as for one pair; unequal numbers, or pairs of several sizes.
        """
        for pictures, name in ((visible, "visible"), (infrared, "infrared")):
            one_array = isinstance(pictures, np.ndarray) and pictures.ndim < 3
            if one_array or isinstance(pictures, Image.Image) or not hasattr(pictures, "__len__"):
                raise InputError(
                    f"A batch is a list of {name} pictures, not one {type(pictures).__name__}: give [picture, ...], or "
                    "call the Fuser itself for one pair."
                )
        if len(visible) != len(infrared):
            raise InputError(
                f"There are {len(visible)} visible pictures but {len(infrared)} infrared: give them in pairs."
            )
        pairs = [_take_apart(*pair) for pair in zip(visible, infrared, strict=True)]
        for _, second in pairs:
            warn_if_narrow(second.colour, "infrared")
        sizes = sorted({first.size for first, _ in pairs})
        if len(sizes) > 1:
            raise InputError(f"A batch has pictures of one size, not of {' and '.join(sizes)}: fuse these one by one.")
        if len(pairs) > 1 and self._lanes:
            colours = self._lanes.run(_fuse_planes, pairs)
        else:
            colours = self._model.fuse_together(
                [first.colour for first, _ in pairs], [second.colour for _, second in pairs]
            )
        return [first.rebuild(colour) for (first, _), colour in zip(pairs, colours, strict=True)]  # type: ignore[misc]

    @cached_property
    def _lanes(self) -> Lanes | None:
        if self.threads == 1 or self.backend not in _IN_LANES:
            return None
        load = partial(LoadedModel, self.record, self._model.folder, backend=self.backend, threads=1)
        return Lanes(load, self.threads)


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


def _fuse_planes(model: LoadedModel, pair: tuple[Planes, Planes]) -> NDArray[Any]:
    first, second = pair
    return model.fuse(first.colour, second.colour)
