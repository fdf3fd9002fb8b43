"""Captions that somebody has written already: a JSONL file, or a folder with an answer a pair."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from distilfuse.errors import InputError
from distilfuse.text.annotators.annotator import Bytes
from distilfuse.text.answer import read_answer
from distilfuse.text.events import PairCaption
from distilfuse.text.store import read_captions


class FileAnnotator:
    """Looks the caption of a pair up; the pictures are not looked at.

    Args:
        path: captions as :mod:`distilfuse.text.store` writes them, found by ``SET/STEM`` or else by ``STEM`` alone; or
            a folder with ``SET/STEM.txt`` or ``STEM.txt``, each an answer (:mod:`distilfuse.text.answer`).

    Raises:
        InputError: the path does not exist, or a line of the file is not as it should be.
    """

    concurrency = 1
    prompt = ""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise InputError(f"{path} does not exist: name a JSONL file of captions, or a folder of .txt answers.")
        self._path = path
        self._captions = None if path.is_dir() else read_captions(path)
        self.name = f"file:{path.name}"

    def annotate(self, visible: Bytes, infrared: Bytes, pair: str) -> PairCaption:
        """See :class:`distilfuse.text.annotators.Annotator`.

        Raises:
            InputError: there is no caption of this pair.
        """
        names = (pair, pair.rpartition("/")[2])
        if self._captions is not None:
            found = next((self._captions[name] for name in names if name in self._captions), None)
        else:
            files = (file for name in names if (file := self._path / f"{name}.txt").is_file())
            found = next((read_answer(_text(file), pair) for file in files), None)
        if found is None:
            raise InputError(f"{self._path} has no caption of {pair}: add it, or name the set as there with --set.")
        return replace(found, pair=pair, annotator=self.name, prompt=self.prompt)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise InputError(f"The answer {path} cannot be read ({error.strerror}): check the file.") from error
