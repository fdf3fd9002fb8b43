"""Captions on disk: one JSON object a line, appended as they are made."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from distilfuse.errors import ConfigError, InputError, OutputError
from distilfuse.text.events import Event, PairCaption

SCHEMA = 1
"""Version of what a line holds; a reader takes its own and no other. A line without one has this one."""

_KEYS = {"schema", "pair", "events", "scene", "annotator", "prompt", "problems"}
_EVENT_KEYS = ("type", "modality", "severity", "description")


def to_line(caption: PairCaption) -> str:
    """A caption as one line of JSON, without the end of line."""
    return json.dumps({"schema": SCHEMA, **asdict(caption)}, ensure_ascii=False)


def from_line(line: str, where: str) -> PairCaption:
    """The caption that :func:`to_line` wrote.

    Args:
        line: JSON; all keys but ``pair`` may be left out.
        where: what to call the line in messages.

    Raises:
        InputError: no JSON object, another schema, missing or unknown keys, or values out of range; names ``where``.
    """
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is no JSON ({error}): restore the line or remove it.") from error
    if not isinstance(data, dict):
        raise InputError(f"{where} is no JSON object: restore the line or remove it.")
    if data.get("schema", SCHEMA) != SCHEMA:
        raise InputError(
            f"{where} has schema {data['schema']!r}, this version of distilfuse reads {SCHEMA}: annotate again."
        )
    if odd := sorted(data.keys() - _KEYS):
        raise InputError(f"{where} has the unknown key {odd[0]!r}: known are {', '.join(sorted(_KEYS))}.")
    if not data.get("pair"):
        raise InputError(f"{where} does not name its pair: add the key 'pair'.")
    for key in ("pair", "scene", "annotator", "prompt"):
        if not isinstance(data.setdefault(key, ""), str):
            raise InputError(f"{where} has {key!r} that is no text: restore the line or remove it.")
    for key in ("events", "problems"):
        if not isinstance(data.setdefault(key, []), list):
            raise InputError(f"{where} has {key!r} that is no list: restore the line or remove it.")
    try:
        return PairCaption(
            pair=data["pair"],
            events=tuple(_event(event) for event in data["events"]),
            scene=data["scene"],
            annotator=data["annotator"],
            prompt=data["prompt"],
            problems=tuple(str(problem) for problem in data["problems"]),
        )
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _event(data: Any) -> Event:
    if not isinstance(data, dict) or set(data) != set(_EVENT_KEYS):
        raise InputError(f"An event is an object with {', '.join(_EVENT_KEYS)}, not {str(data)[:60]!r}.")
    return Event(**data)


def read_captions(path: Path) -> dict[str, PairCaption]:
    """All captions of a file, by pair; of two for one pair the later counts.

    Raises:
        InputError: the file cannot be read, or a line is not as it should be (file and line are named).
    """
    return {caption.pair: caption for caption in _captions(_read(path), path)}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"The captions {path} cannot be read ({error.strerror}): check the path.") from error


def _captions(data: bytes, path: Path) -> Iterator[PairCaption]:
    # Not str.splitlines(): that would also cut at U+2028 and other characters that stand in sentences.
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise InputError(f"Line {number} of {path} is no UTF-8: restore the line or remove it.") from error
        yield from_line(text, f"Line {number} of {path}")


class CaptionStore:
    """A file of captions by one annotator, to which is added what is finished.

    Every caption is written in one go and is on disk when :meth:`add` returns. A last line that a killed run left
    unfinished is dropped, and the next caption takes its place. Only one process may add to a file at a time.

    Args:
        path: the file; made with the first caption.
        annotator: who writes; what another has written is not continued.
        prompt: hash of the prompt, likewise.
        overwrite: begin anew; what is there is gone once :meth:`opened` is entered.

    Raises:
        InputError: the file cannot be read, or a line (but an unfinished last one) is not as it should be.
        ConfigError: the file holds captions of another annotator or prompt.
    """

    def __init__(self, path: Path, *, annotator: str, prompt: str, overwrite: bool = False) -> None:
        self.path = path
        self.annotator, self.prompt = annotator, prompt
        self._overwrite = overwrite
        self._file: BinaryIO | None = None
        self._load()

    def _load(self) -> None:
        data = _read(self.path) if self.path.is_file() and not self._overwrite else b""
        whole, torn = data, b""
        if data and not data.endswith(b"\n"):
            start = data.rfind(b"\n") + 1
            try:
                list(_captions(data[start:], self.path))  # complete but for its end, when an editor took that away
            except InputError:
                whole, torn = data[:start], data[start:]
        self.dropped = bool(torn)
        """Whether an unfinished last line was found."""
        self.captions = {caption.pair: caption for caption in _captions(whole, self.path)}
        """Pair to caption: what is done."""
        self._size, self._unended = len(whole), bool(whole) and not whole.endswith(b"\n")
        for caption in self.captions.values():
            if (caption.annotator, caption.prompt) != (self.annotator, self.prompt):
                raise ConfigError(
                    f"{self.path} holds captions by {caption.annotator or 'somebody unnamed'} (prompt "
                    f"{caption.prompt or 'none'}), not by {self.annotator} (prompt {self.prompt or 'none'}): "
                    "write to another file, or add --overwrite."
                )

    @contextmanager
    def opened(self) -> Iterator[CaptionStore]:
        """Hold the file open for :meth:`add`; no other process may meanwhile.

        Raises:
            OutputError: it cannot be written, or another process holds it.
            InputError: another process has left it in disorder.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = self.path.open("ab")
        except OSError as error:
            raise OutputError(f"The captions {self.path} cannot be written: {error.strerror}.") from error
        with file:
            _lock(file.fileno(), self.path)
            self._load()  # another process may have added to it since
            file.truncate(self._size)
            if self._unended:
                file.write(b"\n")
            self._file = file
            try:
                yield self
            finally:
                self._file = None
                self._overwrite = False

    def add(self, caption: PairCaption) -> None:
        """Append a caption, durably; only within :meth:`opened`.

        Raises:
            OutputError: it cannot be written (no space).
        """
        if self._file is None:
            raise RuntimeError("CaptionStore.add() outside of opened()")
        try:
            # Half a surrogate pair, which UTF-8 has no bytes for, becomes the escape that JSON has for it.
            self._file.write((to_line(caption) + "\n").encode("utf-8", "backslashreplace"))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OutputError(f"The captions {self.path} cannot be written: {error.strerror}.") from error
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
