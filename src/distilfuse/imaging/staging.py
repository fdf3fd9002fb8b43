"""Several files and folders that are written together: all take their places at the end, or none."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from distilfuse.errors import OutputError


@contextmanager
def staged(targets: Sequence[Path]) -> Iterator[list[Path]]:
    """Paths to write to, beside the targets and hidden, with the same suffixes.

    When the block ends, each takes the place of its target; what was there before is gone only after the last did.
    When the block or a move fails, nothing is left of them, and what was there before still is.

    Args:
        targets: files or folders; the folders that hold them exist.

    Yields:
        A path for each target, where nothing is yet.

    Raises:
        OutputError: an OSError in the block or while moving.
    """
    tag = secrets.token_hex(4)
    parts = [target.with_name(f".{tag}.part.{target.name}") for target in targets]
    try:
        yield parts
        _exchange(parts, targets, tag)
    except OutputError as error:  # of a writer that knows no other name than the hidden one
        text = str(error)
        for part, target in zip(parts, targets, strict=True):
            text = text.replace(str(part), str(target))
        raise OutputError(text) from error
    except OSError as error:
        names = ", ".join(map(str, targets))
        reason = error.strerror or str(error)
        raise OutputError(f"{names} cannot be written ({reason}): check the folder and the space.") from error
    finally:
        for part in parts:  # gone already unless something went wrong, Ctrl-C included
            _remove(part)


def _exchange(parts: Sequence[Path], targets: Sequence[Path], tag: str) -> None:
    before: list[tuple[Path, Path]] = []
    placed: list[Path] = []
    try:
        for part, target in zip(parts, targets, strict=True):
            if target.exists():
                aside = target.with_name(f".{tag}.before.{target.name}")
                target.rename(aside)
                before.append((aside, target))
            part.rename(target)
            placed.append(target)
    except BaseException:
        for target in placed:
            _remove(target)
        for aside, target in before:
            aside.rename(target)
        raise
    for aside, _ in before:
        _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)
