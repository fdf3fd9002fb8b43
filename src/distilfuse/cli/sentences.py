"""What commands say alike: names in a list, warnings, pictures without a partner, what a Fuser runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from distilfuse.fuser import Fuser
    from distilfuse.imaging.pairs import Matching

_LISTED = 20
"""Names listed one by one before the rest is only counted."""


def listed(names: list[str]) -> str:
    """The names in one line, a long list cut short."""
    rest = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def pair_word(number: int) -> str:
    """The word for that many pairs."""
    return "pair" if number == 1 else "pairs"


def warn(text: str) -> None:
    """To stderr, in yellow."""
    typer.secho(text, fg=typer.colors.YELLOW, err=True)


def complain(text: str) -> None:
    """To stderr, in red."""
    typer.secho(text, fg=typer.colors.RED, err=True)


def say_strays(matching: Matching | None, visible: Path | None = None, infrared: Path | None = None) -> None:
    """Name the files of two folders that belong to no pair; nothing where two files were given.

    With the folders, files are named as they lie in them, sub-folders and all.
    """
    if matching is None:
        return
    sides = (("visible", visible, matching.unmatched_visible), ("infrared", infrared, matching.unmatched_infrared))
    for kind, folder, strays in sides:
        if strays:
            names = [path.relative_to(folder or path.parent).as_posix() for path in strays]
            warn(f"{len(strays)} {kind} without a partner: {listed(names)}")
    for group in matching.ambiguous:
        complain(f"Left out because several files claim one name: {listed([str(path) for path in group])}")


def describe(fuser: Fuser) -> str:
    """The model, the device in use, the backend, its threads, and how it was chosen if it was not named."""
    threads = f"{fuser.threads} thread{'s' if fuser.threads > 1 else ''}"
    chosen = f", {fuser.chosen}" if fuser.chosen else ""
    return f"{fuser.record.name} on {fuser.device} ({fuser.backend}, {threads}{chosen})"
