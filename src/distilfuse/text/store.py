"""Captions on disk: one JSON object a line, appended as they are made."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from distilfuse.errors import ConfigError, InputError, OutputError
from distilfuse.text.events import Event, PairCaption

SCHEMA = 1
"""Version of what a line holds; a reader takes its own and no other."""

_KEYS = {"schema", "pair", "events", "scene", "annotator", "prompt", "problems"}


def to_line(caption: PairCaption) -> str:
    """A caption as one line of JSON, without the end of line."""
    data = {"schema": SCHEMA, **asdict(caption)}
    return json.dumps(data, ensure_ascii=False)


def from_line(line: str, where: str) -> PairCaption:
    """The caption that :func:`to_line` wrote.

    Raises:
        InputError: no JSON object, another schema, missing or unknown keys, or values out of range; names ``where``.
    """
    try:
        data = json.loads(line)
    except ValueError as error:
        raise InputError(f"{where} is no JSON ({error}): restore the line or remove it.") from error
    if not isinstance(data, dict):
        raise InputError(f"{where} is no JSON object: restore the line or remove it.")
    if data.get("schema", SCHEMA) != SCHEMA:
        raise InputError(
            f"{where} has schema {data['schema']!r}, this version of distilfuse reads {SCHEMA}: annotate again."
        )
    if odd := sorted(data.keys() - _KEYS):
        raise InputError(f"{where} has the unknown key {odd[0]!r}: known are {', '.join(sorted(_KEYS))}.")
    if not isinstance(data.get("pair"), str) or not data["pair"]:
        raise InputError(f"{where} does not name its pair: add the key 'pair'.")
    events = data.get("events", [])
    if not isinstance(events, list):
        raise InputError(f"{where} has events that are no list: restore the line or remove it.")
    try:
        return PairCaption(
            pair=data["pair"],
            events=tuple(_event(event) for event in events),
            scene=str(data.get("scene", "")),
            annotator=str(data.get("annotator", "")),
            prompt=str(data.get("prompt", "")),
            problems=tuple(str(problem) for problem in data.get("problems", ())),
        )
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _event(data: Any) -> Event:
    fields = ("type", "modality", "severity", "description")
    if not isinstance(data, dict) or set(data) != set(fields):
        raise InputError(f"An event is an object with {', '.join(fields)}, not {str(data)[:60]!r}.")
    return Event(**data)


def read_captions(path: Path) -> dict[str, PairCaption]:
    """All captions of a file, by pair; of two for one pair the later counts.

    Raises:
        InputError: the file cannot be read, or a line is not as it should be (file and line are named).
    """
    return {caption.pair: caption for caption in _lines(path, _read(path))}


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The captions {path} cannot be read ({error}): check the path.") from error


def _lines(path: Path, text: str) -> Iterator[PairCaption]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield from_line(line, f"Line {number} of {path}")


class CaptionStore:
    """A file of captions by one annotator, to which is added what is finished.

    Every caption is written in one go and is on disk when :meth:`add` returns. A last line that a killed run left
    unfinished is dropped. Only one process may have the store open.

    Args:
        path: the file; made with the first caption.
        annotator: who writes; what another has written is not continued.
        prompt: hash of the prompt, likewise.

    Raises:
        InputError: a line (but the last) is not as it should be.
        ConfigError: the file holds captions of another annotator or prompt.
    """

    def __init__(self, path: Path, *, annotator: str, prompt: str) -> None:
        self.path = path
        self.annotator, self.prompt = annotator, prompt
        self.dropped = False
        """Whether an unfinished last line was found."""
        text = _read(path) if path.is_file() else ""
        whole, _, torn = text.rpartition("\n")
        if torn.strip():
            try:
                from_line(torn, str(path))
                whole = text
            except InputError:
                self.dropped = True
        self.captions = {caption.pair: caption for caption in _lines(path, whole)}
        """Pair to caption: what is done."""
        self._size = len(f"{whole}\n".encode()) if whole else 0
        for caption in self.captions.values():
            if (caption.annotator, caption.prompt) != (annotator, prompt):
                raise ConfigError(
                    f"{path} holds captions by {caption.annotator or 'somebody unnamed'} (prompt "
                    f"{caption.prompt or 'none'}), not by {annotator} (prompt {prompt or 'none'}): "
                    "write to another file."
                )

    @contextmanager
    def opened(self) -> Iterator[CaptionStore]:
        """Hold the file open for :meth:`add`; no other process may meanwhile.

        Raises:
            OutputError: it cannot be written, or another process holds it.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                _lock(file.fileno(), self.path)
                file.truncate(self._size)
                if self._size and self.path.read_bytes()[-1:] != b"\n":
                    file.write(b"\n")
                self._file = file
                yield self
        except OSError as error:
            if isinstance(error, OutputError):
                raise
            raise OutputError(f"The captions {self.path} cannot be written: {error.strerror}.") from error

    def add(self, caption: PairCaption) -> None:
        """Append a caption, durably."""
        self._file.write((to_line(caption) + "\n").encode())
        self._file.flush()
        os.fsync(self._file.fileno())
        self.captions[caption.pair] = caption


def _lock(descriptor: int, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: opening twice is the user's to avoid
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise OutputError(f"Another process is writing {path}: wait for it, or write to another file.") from error
