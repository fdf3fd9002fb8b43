"""The manifest of a bulk run: which pairs there are, and where their results go."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from distilfuse.errors import InputError
from distilfuse.imaging.writing import WRITABLE
from distilfuse.workflows.bulk.files import files_of
from distilfuse.workflows.bulk.places import absolute, folder_of, name_of, scheme
from distilfuse.workflows.files import output_name

COLUMNS = ("visible", "infrared", "output")
LINES = (".jsonl", ".ndjson")
"""Suffixes of manifests in JSON lines; all others are CSV."""


@dataclass(frozen=True, slots=True)
class BulkPair:
    """One pair. All places are in full."""

    name: str
    """Of the output, relative to the output folder where it lies in it: tells pairs apart."""
    visible: str
    infrared: str
    output: str


def read_manifest(place: str, output: str) -> list[BulkPair]:
    """Read a manifest.

    Args:
        place: a path or URL. CSV whose header names ``visible``, ``infrared`` and, if wanted, ``output`` (commas,
            semicolons or tabs), or JSON lines (:data:`LINES`) with the same keys. Values are paths or URLs; relative
            inputs are relative to the manifest, relative outputs to ``output``. A pair without an output gets the
            name of its visible picture, see :func:`distilfuse.workflows.files.output_name`.
        output: the output folder, in full.

    Raises:
        InputError: the manifest cannot be read or lists no pairs; columns that are missing or unknown, an empty cell,
            an output that leaves the folder, has a suffix that cannot be written, is named twice, or is one of the
            pictures of the manifest; names the line.
    """
    place = absolute(place)
    content = files_of(place).read(place)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{place} cannot be read (not UTF-8 text): save it as CSV or JSON lines.") from error
    rows = _json_rows if place.lower().endswith(LINES) else _csv_rows
    beside = folder_of(place)
    pairs: list[BulkPair] = []
    lines: dict[str, int] = {}  # of each output, for the message
    for number, cells in rows(place, text):
        where = f"{place}, line {number}"
        visible, infrared = (absolute(cells[column], beside) for column in ("visible", "infrared"))
        name, target = _target(where, cells.get("output", ""), visible, output)
        if target in lines:
            raise InputError(
                f"{where} has the output {name}, as has line {lines[target]}: name outputs in the column output."
            )
        lines[target] = number
        pairs.append(BulkPair(name, visible, infrared, target))
    if not pairs:
        raise InputError(f"{place} lists no pairs: add a line for each.")
    inputs = {source for pair in pairs for source in (pair.visible, pair.infrared)}
    if harmed := next((pair for pair in pairs if pair.output in inputs), None):
        raise InputError(
            f"{place}, line {lines[harmed.output]} has the output {harmed.output}, which is one of the pictures to be "
            "fused: name another output."
        )
    return pairs


def _target(where: str, named: str, visible: str, folder: str) -> tuple[str, str]:
    """The name and the place of an output."""
    named = named or output_name(Path(name_of(visible)))
    inside = not scheme(named) and not Path(named).is_absolute()
    if inside and ".." in Path(named).parts:
        raise InputError(f"{where} has the output {named}, which leaves the output folder: name one inside.")
    suffix = PurePosixPath(named).suffix
    if not suffix:
        named += ".png"
    elif suffix.lower() not in WRITABLE:
        raise InputError(f"{where} has the output {named}, which cannot be written: end it in {', '.join(WRITABLE)}.")
    place = absolute(named, folder)
    return (Path(named).as_posix() if inside else place), place


def _csv_rows(place: str, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    header = text.partition("\n")[0]
    rows = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count), restkey="", restval=""
    )
    names = [name.strip().lower() for name in rows.fieldnames or ()]
    rows.fieldnames = names
    if set(names) - set(COLUMNS) or not {"visible", "infrared"} <= set(names):
        raise InputError(
            f"{place} begins with the columns {', '.join(names) or '(none)'}: its first line must name visible and "
            "infrared, and may name output."
        )
    for row in rows:
        if row.get(""):
            raise InputError(
                f"{place}, line {rows.line_num} has more cells than there are columns: put names with commas in quotes."
            )
        yield rows.line_num, _checked(f"{place}, line {rows.line_num}", {name: row[name] or "" for name in names})


def _json_rows(place: str, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{place}, line {number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"{where} is no JSON ({error}): write one object a line.") from None
        if not isinstance(row, dict) or not all(isinstance(value, str) for value in row.values()):
            raise InputError(f'{where} is no object of strings: write {{"visible": "...", "infrared": "..."}}.')
        if set(row) - set(COLUMNS) or not {"visible", "infrared"} <= set(row):
            raise InputError(
                f"{where} has the keys {', '.join(row) or '(none)'}: it must have visible and infrared, and may have "
                "output."
            )
        yield number, _checked(where, row)


def _checked(where: str, row: dict[str, str]) -> dict[str, str]:
    cells = {name: value.strip() for name, value in row.items()}
    for column in ("visible", "infrared"):
        if not cells[column]:
            raise InputError(f"{where} names no {column} picture: fill it in.")
    return cells
