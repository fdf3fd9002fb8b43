"""Pairs from a list: a CSV file whose columns are ``visible``, ``infrared`` and, if wanted, ``output`` and ``mask``."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from distilfuse.errors import InputError

COLUMNS = ("visible", "infrared", "output", "mask")


@dataclass(frozen=True)
class Listed:
    """One row."""

    visible: Path
    infrared: Path
    output: Path | None
    """Relative to the output folder."""
    mask: Path | None


def read_list(path: Path, *, visible: Path | None = None, infrared: Path | None = None) -> list[Listed]:
    """Read a list of pairs.

    Args:
        path: CSV with a header; commas, semicolons or tabs.
        visible: folder that names of visible pictures and masks are relative to, by default that of the list.
        infrared: the same for infrared pictures.

    Raises:
        InputError: no such file, not text, columns missing or unknown, no rows, an empty cell where a name is needed,
            or an output that leaves the folder or is named twice; names the line.
    """
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: check the name.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8 text'}).") from error
    lines = text.splitlines()
    header = lines[0] if lines else ""
    rows = csv.DictReader(lines, delimiter=max(",;\t", key=header.count), restkey="", restval="")
    names = [name.strip().lower() for name in rows.fieldnames or ()]
    rows.fieldnames = names
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or "visible" not in names or "infrared" not in names:
        raise InputError(
            f"{path} begins with the columns {', '.join(names) or '(none)'}: its first line must name visible and "
            "infrared, and may name output and mask."
        )
    found: list[Listed] = []
    seen: dict[Path, int] = {}
    for row in rows:
        where = f"{path}, line {rows.line_num}"
        cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
        if row.get(""):
            raise InputError(f"{where} has more cells than there are columns: put names with commas in quotes.")
        if not cells["visible"] or not cells["infrared"]:
            raise InputError(
                f"{where} names no {'infrared' if cells['visible'] else 'visible'} picture: fill the cell."
            )
        output = Path(cells["output"]) if cells["output"] else None
        if output is not None:
            if output.is_absolute() or ".." in output.parts:
                raise InputError(f"{where} has the output {output}, which leaves the output folder: name one inside.")
            if output in seen:
                raise InputError(f"{where} has the output {output}, as has line {seen[output]}: name another.")
            seen[output] = rows.line_num
        beside = path.parent
        found.append(
            Listed(
                (visible or beside) / cells["visible"],
                (infrared or beside) / cells["infrared"],
                output,
                (visible or beside) / cells["mask"] if cells["mask"] else None,
            )
        )
    if not found:
        raise InputError(f"{path} lists no pairs: add a line for each below the first.")
    return found
