"""Frames of a folder of pictures, in the order of the numbers in their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distilfuse.errors import InputError
from distilfuse.imaging.reading import read_image
from distilfuse.imaging.strips import planes_of
from distilfuse.workflows.video.frames import Facts, Frame
from distilfuse.workflows.video.media import Kind


class FolderSource:
    """Pictures at a steady rate; see :class:`distilfuse.workflows.video.frames.Source`."""

    def __init__(self, files: Sequence[Path], kind: Kind, rate: Fraction) -> None:
        """Look at the first picture.

        Args:
            files: at least one.
            kind: ``visible`` gives ``H x W x 3``, ``infrared`` what :class:`MediaSource` gives.
            rate: pictures a second.

        Raises:
            InputError: the first picture cannot be read.
        """
        self._files = files
        self._kind = kind
        first = read_image(files[0])
        self.facts = Facts(
            name=str(files[0].parent),
            rate=rate,
            end=float(len(files) / rate),
            ticks=1 / rate,
            deep=first.mode in ("I;16", "F"),
        )

    def frames(self) -> Iterator[Frame]:
        """See :class:`distilfuse.workflows.video.frames.Source`."""
        for index, file in enumerate(self._files):
            yield Frame(self._pixels(file), float(index / self.facts.rate))

    def close(self) -> None:
        """Nothing is kept open."""

    def _pixels(self, file: Path) -> NDArray[Any]:
        image = read_image(file)
        if self._kind == "infrared":
            pixels, _ = planes_of(image)
            if pixels.dtype == np.float32 and not 0 <= float(pixels.min()) <= float(pixels.max()) <= 1:
                raise InputError(f"{file} has float values outside of 0..1: scale them, or save 16-bit counts.")
            return pixels
        if image.mode in ("I;16", "F"):
            raise InputError(f"{file} has {image.mode} values where a visible frame has 8 bits: convert it to 8 bits.")
        rgb: Image.Image = image.convert("RGB")
        return planes_of(rgb)[0]


def by_number(path: Path) -> tuple[object, ...]:
    """A key that sorts ``frame2`` before ``frame10``."""
    parts = re.split(r"(\d+)", path.stem.casefold())
    return tuple(int(part) if part.isdigit() else part for part in parts)
