"""The protocol of annotators, and what those that show pictures to a language model share."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distilfuse.errors import DistilfuseError, InputError, MissingDependencyError, ModelError
from distilfuse.text.events import PairCaption

Bytes = NDArray[np.uint8]

MAX_PIXELS = 1280 * 28 * 28
"""Pixels of a picture that is shown to a language model, at most: 1280 of Qwen's patches of 28 x 28."""


class AnnotatorError(DistilfuseError):
    """The annotator cannot work at all (a wrong key, an unknown model): trying further pairs is of no use."""

    exit_status = 2


HOPELESS = (AnnotatorError, MissingDependencyError, ModelError)
"""Errors after which no further pair is tried."""


class Annotator(Protocol):
    """Writes the caption of a pair.

    What goes wrong with one pair is raised as any :class:`~distilfuse.errors.DistilfuseError`; what would go wrong
    with every pair as one of :data:`HOPELESS`.
    """

    @property
    def name(self) -> str:
        """Who it is, for :attr:`~distilfuse.text.events.PairCaption.annotator`: ``qwen:MODEL``, ``statistics-1``."""
        ...

    @property
    def prompt(self) -> str:
        """Hash of what is asked, see :class:`distilfuse.text.prompts.Prompt`; empty where nothing is asked."""
        ...

    @property
    def concurrency(self) -> int:
        """How many threads may call :meth:`annotate` at a time, at least 1."""
        ...

    def annotate(self, visible: Bytes, infrared: Bytes, pair: str) -> PairCaption:
        """The caption of a pair, with this annotator's name and prompt.

        Args:
            visible: ``H x W x 3``, RGB; of medical pairs CT, PET or SPECT.
            infrared: ``H x W``, of the same size; of medical pairs MRI.
            pair: its name, ``SET/STEM``.
        """
        ...


def check_pair(visible: Bytes, infrared: Bytes, pair: str) -> None:
    """Refuse arrays that are no pair.

    Raises:
        InputError: another shape or type than :meth:`Annotator.annotate` states.
    """
    if visible.ndim != 3 or visible.shape[2] != 3 or infrared.shape != visible.shape[:2] or not infrared.size:
        raise InputError(
            f"The pair {pair} has arrays of shape {visible.shape} and {infrared.shape}: an annotator takes "
            "H x W x 3 and H x W of one size."
        )
    if visible.dtype != np.uint8 or infrared.dtype != np.uint8:
        raise InputError(f"The pair {pair} has values of {visible.dtype} and {infrared.dtype}: scale them to uint8.")


def for_model(picture: Bytes, max_pixels: int) -> Image.Image:
    """A picture as language models take it: RGB, shrunk to at most ``max_pixels``, its proportions kept.

    Args:
        picture: ``H x W`` or ``H x W x 3``.
        max_pixels: width times height at most.
    """
    image = Image.fromarray(picture).convert("RGB")
    excess = (image.width * image.height / max_pixels) ** 0.5
    if excess > 1:
        size = max(1, int(image.width / excess)), max(1, int(image.height / excess))
        image = image.resize(size, Image.Resampling.BICUBIC)
    return image
