"""Degraded copies of two files or two folders, laid out as ``fuse`` and ``evaluate`` take them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distilfuse import __version__
from distilfuse.errors import DistilfuseError, InputError, OutputError
from distilfuse.evaluation.degradations import DEGRADATIONS, degrade, generator, kind_label
from distilfuse.evaluation.planning import default_set_name, find_pairs
from distilfuse.evaluation.sources import grey_bytes, read_picture
from distilfuse.imaging.pairs import Matching, Pair
from distilfuse.imaging.writing import write_bytes, write_image
from distilfuse.workflows.folders import some

NOTE = "degradation.json"
"""What lies beside ``vi`` and ``ir`` and says how the pictures were made."""


@dataclass(frozen=True, kw_only=True)
class DegradePlan:
    """What will be degraded, how, and where to."""

    output: Path
    """Gets one folder ``KIND@SEVERITY`` a degradation, each with ``vi/NAME.png`` and ``ir/NAME.png``."""
    degradations: tuple[tuple[str, float], ...]
    """(kind, severity)."""
    pairs: tuple[Pair, ...]
    dataset: str
    """Name of the set; with the pair's name and the seed it decides what is drawn at random."""
    seed: int
    matching: Matching | None = None
    """What became of each file; None for two files."""

    def targets(self, pair: Pair, kind: str, severity: float) -> tuple[Path, Path]:
        """Where the two degraded pictures of a pair go."""
        folder = self.output / kind_label(kind, severity)
        return folder / "vi" / f"{pair.name}.png", folder / "ir" / f"{pair.name}.png"


@dataclass(frozen=True)
class Degraded:
    """What became of a pair."""

    pair: Pair
    remarks: tuple[str, ...] = ()
    error: DistilfuseError | None = None


def plan_degrade(
    visible: Path,
    infrared: Path,
    output: Path,
    degradations: Sequence[tuple[str, float]],
    *,
    dataset: str | None = None,
    seed: int = 0,
    overwrite: bool = False,
) -> DegradePlan:
    """Pair the files and find out what can be found out before any work; nothing is written.

    Args:
        visible: a picture, or a folder of pictures.
        infrared: the same, matched by :func:`distilfuse.imaging.pairs.match_folders`.
        output: a folder, made later if it is missing.
        degradations: (kind, severity), see :func:`distilfuse.evaluation.degradations.parse_kinds`.
        dataset: name of the set, by default the one that ``evaluate`` gives it by its folder (``DATA/roadscene/vi``
            is ``roadscene``): the same set, name and seed are degraded alike here and there.
        seed: another one draws other noise.
        overwrite: existing files may be replaced (never one of the inputs).

    Raises:
        InputError: a file or folder is missing or empty, a file is given with a folder, or no names match.
        OutputError: ``output`` is a file, would hold an input, or holds results already.
    """
    for path in (visible, infrared):
        if not path.exists():
            raise InputError(f"{path} does not exist: check the name.")
    if visible.is_dir() != infrared.is_dir():
        folder, file = (visible, infrared) if visible.is_dir() else (infrared, visible)
        raise InputError(f"{folder} is a folder but {file} is a file: give two files or two folders.")
    if visible.is_dir():
        matching = find_pairs(visible, infrared)
        pairs, folder = matching.pairs, visible
    else:
        matching = None
        pairs, folder = (Pair(visible.stem, visible, infrared),), visible.parent
    plan = DegradePlan(
        output=output,
        degradations=tuple(degradations),
        pairs=pairs,
        dataset=default_set_name(folder) if dataset is None else dataset,
        seed=seed,
        matching=matching,
    )
    _check_targets(plan, overwrite=overwrite)
    return plan


def _check_targets(plan: DegradePlan, *, overwrite: bool) -> None:
    for folder in (plan.output, *plan.output.parents):
        if folder.exists():
            if not folder.is_dir():
                raise OutputError(f"{plan.output} cannot be a folder because {folder} is a file: name another output.")
            break
    inputs = {path.resolve() for pair in plan.pairs for path in (pair.visible, pair.infrared)}
    taken = []
    for pair in plan.pairs:
        for kind, severity in plan.degradations:
            for target in plan.targets(pair, kind, severity):
                if target.resolve() in inputs:
                    raise OutputError(f"{target} is one of the pictures to be degraded: name another output.")
                if target.exists():
                    taken.append(str(target.relative_to(plan.output)))
    if taken and not overwrite:
        raise OutputError(
            f"{len(taken)} of the pictures to write exist in {plan.output} ({some(taken)}): add --overwrite to "
            "replace them, or name another folder."
        )


def degrade_pairs(plan: DegradePlan, *, overwrite: bool = False) -> Iterator[Degraded]:
    """Degrade pair after pair; an outcome for each, with its error where it failed, and the notes at the end.

    Raises:
        OutputError: a folder cannot be made, or a note cannot be written.
    """
    for kind, severity in plan.degradations:
        for target in plan.targets(plan.pairs[0], kind, severity):
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(
                    f"The folder {target.parent} cannot be made ({error.strerror}): name another output."
                ) from error
    done: list[str] = []
    for pair in plan.pairs:
        try:
            outcome = _degrade_pair(plan, pair, overwrite=overwrite)
        except DistilfuseError as error:
            outcome = Degraded(pair, error=error)
        except MemoryError:
            outcome = Degraded(
                pair, error=InputError(f"{pair.visible} is too large for the free memory: scale it down.")
            )
        if outcome.error is None:
            done.append(pair.name)
        yield outcome
    for kind, severity in plan.degradations:
        write_bytes(plan.output / kind_label(kind, severity) / NOTE, _note(plan, kind, severity, done))


def _degrade_pair(plan: DegradePlan, pair: Pair, *, overwrite: bool) -> Degraded:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        visible, first = read_picture(pair.visible)
        infrared, second = read_picture(pair.infrared, infrared=True)
    if visible.shape[:2] != infrared.shape[:2]:
        (high, wide), (tall, broad) = visible.shape[:2], infrared.shape[:2]
        raise InputError(
            f"{pair.visible} is {wide}x{high} pixels but {pair.infrared} is {broad}x{tall}: "
            "resize or align one to the other."
        )
    clean = visible / np.float32(255), grey_bytes(infrared) / np.float32(255)
    for kind, severity in plan.degradations:
        rng = generator(plan.seed, f"{plan.dataset}/{pair.name}", kind)
        results = degrade(*clean, kind=kind, severity=severity, rng=rng)
        for target, image in zip(plan.targets(pair, kind, severity), results, strict=True):
            write_image(target, np.round(image * 255).astype(np.uint8), overwrite=overwrite)
    remarks = [f"{remark.file}: {remark.what}" for remark in (*first, *second)]
    return Degraded(pair, tuple(remarks + [str(warning.message) for warning in caught]))


def _note(plan: DegradePlan, kind: str, severity: float, names: list[str]) -> bytes:
    card = DEGRADATIONS[kind]
    note = {
        "kind": kind,
        "severity": severity,
        "title": card.title,
        "modality": card.modality,
        "events": card.events,
        "seed": plan.seed,
        "set": plan.dataset,
        "distilfuse": __version__,
        "pairs": names,
    }
    return (json.dumps(note, indent=2, ensure_ascii=False) + "\n").encode()
