"""What has been made in a folder and from what, so that a later run need not make it again.

One line a result, in ``.distilfuse.jsonl`` in the folder: names, sizes, times and BLAKE2 digests of the inputs and of
the result, and a digest of the model and of all settings. A result counts as finished only if all of that still holds;
a time stamp that is as it was spares reading the file.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from distilfuse.errors import OutputError

NAME = ".distilfuse.jsonl"
"""The file's name."""


class Ledger:
    """Of one output folder; several threads may add to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()
        self._lines: dict[str, dict[str, Any]] = {}
        try:
            text = (folder / NAME).read_text("utf-8")
        except (OSError, UnicodeDecodeError):  # none yet, or of no use: everything is made again
            return
        for line in text.splitlines():
            try:
                entry = json.loads(line)
                self._lines[entry["output"]["path"]] = entry
            except (ValueError, TypeError, KeyError):
                continue  # cut short by a power failure

    def __contains__(self, output: Path) -> bool:
        """Whether a result of that name was ever recorded."""
        return self._key(output) in self._lines

    def is_finished(self, output: Path, inputs: Sequence[Path], settings: str) -> bool:
        """Whether a result is there as it was made, from these inputs as they are now, with the same settings."""
        entry = self._lines.get(self._key(output))
        if entry is None or entry.get("settings") != settings:
            return False
        recorded = entry.get("inputs")
        if not isinstance(recorded, list) or [part.get("path") for part in recorded] != [str(path) for path in inputs]:
            return False
        return all(map(_is_same, (output, *inputs), (entry["output"], *recorded)))

    def add(self, output: Path, inputs: Sequence[Path], settings: str) -> None:
        """Record a result that has just been written.

        Raises:
            OutputError: the record cannot be written.
        """
        entry: dict[str, Any] = {
            "output": {**_describe(output), "path": self._key(output)},
            "inputs": [_describe(path) for path in inputs],
            "settings": settings,
        }
        line = json.dumps(entry) + "\n"
        with self._lock:
            self._lines[entry["output"]["path"]] = entry
            try:
                with (self.folder / NAME).open("a", encoding="utf-8") as file:
                    file.write(line)
            except OSError as error:
                raise OutputError(
                    f"{self.folder / NAME} cannot be written ({error.strerror}): check the folder and the space."
                ) from error

    def _key(self, output: Path) -> str:
        return os.path.relpath(output, self.folder)


def digest_of(settings: Mapping[str, Any]) -> str:
    """A digest of plain data."""
    return hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=16).hexdigest()


def digest_of_file(path: Path) -> str:
    """A digest of a file's content.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _describe(path: Path) -> dict[str, Any]:
    stat = path.stat()
    return {"path": str(path), "size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "digest": digest_of_file(path)}


def _is_same(path: Path, recorded: Mapping[str, Any]) -> bool:
    try:
        stat = path.stat()
        if stat.st_size != recorded.get("size"):
            return False
        return stat.st_mtime_ns == recorded.get("mtime_ns") or digest_of_file(path) == recorded.get("digest")
    except OSError:
        return False
