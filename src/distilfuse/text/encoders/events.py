"""Which events a sentence names and nothing else: the plain alternative that descriptions have to beat."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from distilfuse.text.events import IVIF_EVENTS, MEDICAL_EVENTS

_CLUES = {
    "low_light": r"low light|too dark|underexpos|lack of light",
    "over_exposure": r"over-?exposed|over-?exposure|too bright",
    "high_noise": r"high noise|noise in the (?:visible|ct)|(?:visible|spect) picture is noisy",
    "ir_noise": r"noise in the (?:infrared|mri)|(?:infrared|mri) picture is noisy",
    "motion_blur": r"motion blur",
    "low_resolution": r"^blurred|out of focus|defocus|low resolution",
    "ir_low_contrast": r"low contrast|weak contrast|contrast in the (?:infrared|mri)",
    "fixed_pattern": r"stripes|striping|fixed.pattern",
}


class EventEncoder:
    """One number a type of event: 1 where a sentence begins with its name or says it in the usual words."""

    name = "events:1"
    channels = 32

    def __init__(self) -> None:
        self._types = tuple(dict.fromkeys((*IVIF_EVENTS, *MEDICAL_EVENTS)))
        assert len(self._types) < self.channels

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """See :class:`distilfuse.text.encoders.TextEncoder`; the last number stands for none of them."""
        rows = np.zeros((len(sentences), self.channels), np.float32)
        for row, sentence in zip(rows, sentences, strict=True):
            begin = re.split(r" in (?:the|both) ", sentence.casefold())[0].replace(" ", "_")
            for k, name in enumerate(self._types):
                if begin == name or (name in _CLUES and re.search(_CLUES[name], sentence, re.IGNORECASE)):
                    row[k] = 1
            if not row.any():
                row[-1] = 1
            row /= np.linalg.norm(row)
        return rows
