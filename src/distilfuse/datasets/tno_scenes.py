"""The pairs of TNO's original archive, whose folders are by camera and scene and whose files are named by hand.

As unpacked: ``Athena_images/SCENE/{IR_*,VIS_*}.bmp`` (also ``EO_*``), ``DHV_images/SCENE/{IR_*,VIS_*}.bmp`` and
``DHV_images/Fire_sequence/part_*/{thermal,dhv}/{RAD*,DHV*}.bmp``, ``FEL_images/SEQUENCE/{thermal,visual}/{*i,*v}.bmp``,
``Triclobs_images/SCENE/{IR*,Vis*}.bmp``, ``tank/{LWIR,Vis}.tif``. Near infrared (``NIR*``) is neither of the two.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from distilfuse.imaging.pairs import Matching, Pair
from distilfuse.imaging.reading import READABLE

_VISIBLE = re.compile(r"^(vis|eo|dhv)(?![a-z])|^vi[_-]", re.IGNORECASE)
_INFRARED = re.compile(r"^(ir|lwir|rad)(?![a-z])", re.IGNORECASE)
_BY_BAND = {"visual": "v", "dhv": "v", "thermal": "i"}
"""Folders that hold one band of a sequence, and the band."""


def match_scenes(root: Path) -> Matching:
    """Pair the files of the archive; a pair's name is its folder's path and, in sequences, the frame's number.

    Args:
        root: the folder that holds ``Athena_images`` and the others.
    """
    scenes: defaultdict[Path, dict[str, list[Path]]] = defaultdict(lambda: {"v": [], "i": []})
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() not in READABLE or path.name.startswith(".") or not path.is_file():
            continue
        if band := _band(path):
            scene = path.parent.parent if path.parent.name.lower() in _BY_BAND else path.parent
            scenes[scene][band].append(path)
    pairs: list[Pair] = []
    left: dict[str, list[Path]] = {"v": [], "i": []}
    for scene, bands in scenes.items():
        name = "-".join(scene.relative_to(root).parts) or root.name
        if len(bands["v"]) == len(bands["i"]) == 1:
            pairs.append(Pair(name, bands["v"][0], bands["i"][0]))
            continue
        by_number = {band: _by_number(files) for band, files in bands.items()}
        for number in by_number["v"].keys() & by_number["i"].keys():
            pairs.append(Pair(f"{name}-{number}", by_number["v"].pop(number), by_number["i"].pop(number)))
        paired = {path for pair in pairs for path in (pair.visible, pair.infrared)}
        for band, files in bands.items():
            left[band] += [path for path in files if path not in paired]
    return Matching(tuple(sorted(pairs, key=lambda pair: pair.name)), tuple(left["v"]), tuple(left["i"]), ())


def _band(path: Path) -> str:
    folder = path.parent.name.lower()
    if folder in _BY_BAND:
        return _BY_BAND[folder]
    if _INFRARED.search(path.stem):
        return "i"
    return "v" if _VISIBLE.search(path.stem) else ""


def _by_number(files: list[Path]) -> dict[str, Path]:
    """The first file of each number: the last digits of a stem."""
    found: dict[str, Path] = {}
    for path in files:
        digits = re.findall(r"\d+", path.stem)
        if digits:
            found.setdefault(digits[-1], path)
    return found
