"""What is really there: the boxes that come with a data set, as Pascal VOC, YOLO or COCO files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

from PIL import Image

from distilfuse.errors import InputError
from distilfuse.evaluation.detection.boxes import Boxes, make_boxes
from distilfuse.imaging.pairs import INFRARED_WORDS, VISIBLE_WORDS, Pair, match

_LABEL_LISTS = ("classes.txt", "obj.names")
"""Where the names of YOLO's class numbers stand, one a line: as labelImg and as Darknet write them."""

_ROUNDING = 1e-3
"""What YOLO's shares of width and height may miss 0..1 by."""

_WORDS = (*VISIBLE_WORDS, *INFRARED_WORDS)


@dataclass(frozen=True)
class Truth:
    """The known boxes of the pairs of a set."""

    boxes: Mapping[str, Boxes]
    """Pair to its boxes; a picture in which nothing is has no boxes, but it is here."""
    unknown: tuple[str, ...]
    """Pairs that no file says anything of: nothing found there can be right or wrong."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that occur, sorted; in lower case, as they are compared."""
        return tuple(sorted({label.casefold() for found in self.boxes.values() for label in found.labels}))


def read_truth(place: Path, pairs: Sequence[Pair]) -> Truth:
    """Read the boxes of pairs.

    A folder of ``.xml`` files is read as Pascal VOC (LLVIP, M3FD), one of ``.txt`` files as YOLO (MSRS), a ``.json``
    file as COCO. A file belongs to the pair whose name it has, apart from endings such as ``_vis`` and ``_ir``. A YOLO
    file that is empty says that the picture holds nothing; a missing one says nothing.

    Corners are taken as the files have them, in pixels; VOC's one-based corners are not moved, as most tools of today
    read them.

    Args:
        place: a folder or a ``.json`` file.
        pairs: the pairs to be measured.

    Raises:
        InputError: no such place, no such files in it, none for any pair, a file that cannot be understood, or made for
            a picture of another size; names the file.
    """
    if place.is_file() and place.suffix.lower() == ".json":
        found = _read_coco(place, pairs)
    elif place.is_dir():
        found = _read_folder(place, pairs)
    else:
        state = "is neither a folder nor a .json file" if place.exists() else "does not exist"
        raise InputError(f"{place} {state}: name a folder of VOC or YOLO files, or a COCO file.")
    if not found:
        raise InputError(
            f"{place} holds boxes for none of the pairs (such as {pairs[0].name}): name its files like the pictures."
        )
    return Truth(found, tuple(pair.name for pair in pairs if pair.name not in found))


def _read_folder(folder: Path, pairs: Sequence[Pair]) -> dict[str, Boxes]:
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    voc = [path for path in files if path.suffix.lower() == ".xml"]
    yolo = [path for path in files if path.suffix.lower() == ".txt" and path.name not in _LABEL_LISTS]
    if bool(voc) == bool(yolo):
        what = "both .xml and .txt files" if voc else "neither .xml nor .txt files"
        raise InputError(f"{folder} holds {what}: name a folder of Pascal VOC (.xml) or of YOLO (.txt) files.")
    if voc:
        return _by_pair(voc, pairs, _read_voc)
    names = _label_names(folder)
    return _by_pair(yolo, pairs, lambda path, size: _read_yolo(path, size, names))


def _by_pair(
    files: list[Path], pairs: Sequence[Pair], read: Callable[[Path, tuple[int, int]], Boxes]
) -> dict[str, Boxes]:
    pictures = {pair.visible: pair.name for pair in pairs}
    found = {}
    for path, picture in _matched(files, pictures).items():
        found[pictures[picture]] = read(path, _size(picture))
    return found


def _matched(files: list[Path], pictures: Mapping[Path, str]) -> dict[Path, Path]:
    """File to the picture that it belongs to."""
    matching = match(pictures, files, words=(VISIBLE_WORDS, _WORDS))
    if clash := [group for group in matching.ambiguous if set(group) & set(files)]:
        raise InputError(f"{' and '.join(str(path) for path in clash[0])} claim one name: keep one of them.")
    return {found.infrared: found.visible for found in matching.pairs}  # the right and the left side of the match


def _read_voc(path: Path, size: tuple[int, int]) -> Boxes:
    try:
        root = ElementTree.parse(path).getroot()
        width, height = (int(float(root.findtext(f"size/{side}") or 0)) for side in ("width", "height"))
        corners, labels, optional = [], [], []
        for thing in root.iter("object"):
            values = [thing.findtext(f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")]
            label = (thing.findtext("name") or "").strip()
            if not label or not all(values):
                raise ValueError("an object without a name or without the four numbers of its box")
            corners.append([float(value) for value in values if value])
            labels.append(label)
            optional.append((thing.findtext("difficult") or "0").strip() == "1")
    except (OSError, ElementTree.ParseError, ValueError) as error:
        raise InputError(f"{path} is no Pascal VOC file that can be read ({error}): mend it.") from error
    _check_size(path, (width, height), size)
    return _checked(path, corners, labels, optional)


def _read_yolo(path: Path, size: tuple[int, int], names: list[str]) -> Boxes:
    corners, labels = [], []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            label, *box = line.split()
            x, y, w, h = (float(value) for value in box)
            index = int(label)
        except ValueError:
            raise InputError(f"{path}, line {number}: {line!r} is no YOLO box (`class x y width height`).") from None
        if not all(-_ROUNDING <= value <= 1 + _ROUNDING for value in (x, y, w, h)):
            raise InputError(f"{path}, line {number}: {line!r} has numbers out of 0..1, so it is no YOLO box.")
        if names and not 0 <= index < len(names):
            raise InputError(f"{path}, line {number}: class {index}, but there are names for {len(names)} only.")
        corners.append([(x - w / 2) * size[0], (y - h / 2) * size[1], (x + w / 2) * size[0], (y + h / 2) * size[1]])
        labels.append(names[index] if names else str(index))
    return _checked(path, corners, labels, None)


def _label_names(folder: Path) -> list[str]:
    """Names of YOLO's classes, from the folder or the one above; none where there is no list."""
    for place in (folder, folder.parent):
        for name in _LABEL_LISTS:
            if (place / name).is_file():
                return [line.strip() for line in _text(place / name).splitlines() if line.strip()]
    return []


def _read_coco(path: Path, pairs: Sequence[Pair]) -> dict[str, Boxes]:
    try:
        content = json.loads(_text(path))
        labels = {entry["id"]: str(entry["name"]) for entry in content["categories"]}
        images = {_file_name(entry): entry for entry in content["images"]}
        things: dict[Any, list[_Known]] = {entry["id"]: [] for entry in content["images"]}
        for thing in content["annotations"]:
            left, top, width, height = (float(value) for value in thing["bbox"])
            box = _Known(labels[thing["category_id"]], bool(thing.get("iscrowd", 0)), left, top, width, height)
            things[thing["image_id"]].append(box)
    except (KeyError, TypeError, ValueError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise InputError(f"{path} is no COCO file that can be read ({reason}): export it again.") from error
    if len(images) < len(things):
        raise InputError(f"{path} has two pictures of one name: boxes belong to pictures by name.")
    pictures = {pair.visible: pair.name for pair in pairs}
    found = {}
    for file, picture in _matched(list(images), pictures).items():
        entry = images[file]
        _check_size(path, (int(entry.get("width") or 0), int(entry.get("height") or 0)), _size(picture))
        known = things[entry["id"]]
        found[pictures[picture]] = _checked(
            path,
            [[box.left, box.top, box.left + box.width, box.top + box.height] for box in known],
            [box.label for box in known],
            [box.crowd for box in known],
        )
    return found


class _Known(NamedTuple):
    """A box as COCO has it."""

    label: str
    crowd: bool
    left: float
    top: float
    width: float
    height: float


def _file_name(entry: Mapping[str, Any]) -> Path:
    return Path(re.split(r"[/\\]", str(entry["file_name"]))[-1])


def _checked(path: Path, corners: list[list[float]], labels: list[str], optional: list[bool] | None) -> Boxes:
    try:
        return make_boxes(corners, labels, optional=optional)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _check_size(path: Path, stated: tuple[int, int], size: tuple[int, int]) -> None:
    if all(stated) and stated != size:
        raise InputError(
            f"{path} was made for pictures of {stated[0]}x{stated[1]} pixels, but these have {size[0]}x{size[1]}: "
            "its boxes would be in the wrong places."
        )


def _size(picture: Path) -> tuple[int, int]:
    """Width and height, from the head of the file."""
    try:
        with Image.open(picture) as image:
            return (image.width, image.height)
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, ...
        raise InputError(f"{picture} cannot be opened ({error}): check the file.") from error


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(f"{path} cannot be read ({reason}): check the file.") from error
