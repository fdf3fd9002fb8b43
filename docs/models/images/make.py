"""Draw the failure pictures of the model cards from the rendered sample pairs.

    python docs/models/images/make.py [FOLDER]

writes one JPEG a case into FOLDER (default: the folder of this file): first input, second input and fused picture side
by side, each labelled under it. Nothing but the sample pairs of the package goes in. A degraded pair is the one that

    distilfuse degrade src/distilfuse/samples/NAME_visible.png src/distilfuse/samples/NAME_infrared.png -o DIR -k KIND

writes, and the fused one is what `distilfuse fuse` makes of it. On one machine two runs give the same bytes; another
processor may round a grey level differently.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from distilfuse import Fuser, samples
from distilfuse.evaluation.degradations import degrade, generator, parse_kind

Picture = NDArray[np.uint8]
"""``H x W`` or ``H x W x 3``."""

PANEL = 296
"""Width of one panel; three and the gaps stay below 900 pixels."""
GAP = 4
LABEL = 22
"""Height of the line of text under a panel."""
QUALITY = 85
LIMIT = 120_000
"""Most bytes of a file."""


@dataclass(frozen=True)
class Row:
    """Three panels: a sample pair, degraded or not, and what the model makes of it."""

    sample: str
    box: tuple[int, int, int, int]
    """What is shown: left, upper, right, lower, in pixels of the pair."""
    labels: tuple[str, str, str]
    kind: str | None = None
    """Degradation, ``KIND@SEVERITY``; None for the clean pair."""


@dataclass(frozen=True)
class Strip:
    """One file."""

    name: str
    model: str
    rows: tuple[Row, ...]


STRIPS = (
    Strip(
        "nano-l-ivif-colour-noise",
        "nano-l-ivif",
        (
            Row(
                "day-road",
                (150, 215, 298, 326),
                ("visible, visible_noise@4", "infrared", "fused"),
                "visible_noise@4",
            ),
        ),
    ),
    Strip(
        "nano-l-ivif-over-exposure",
        "nano-l-ivif",
        (
            Row(
                "day-road",
                (180, 0, 640, 345),
                ("visible, over_exposure@3", "infrared", "fused"),
                "over_exposure@3",
            ),
        ),
    ),
    Strip(
        "nano-l-ivif-stripes",
        "nano-l-ivif",
        (
            Row(
                "night-street",
                (344, 0, 640, 320),
                ("visible", "infrared, ir_stripes@5", "fused"),
                "ir_stripes@5",
            ),
        ),
    ),
    Strip(
        "nano-l-ivif-hot-objects",
        "nano-l-ivif",
        (
            Row("smoke-yard", (120, 310, 268, 421), ("visible", "infrared", "fused")),
            Row("day-road", (0, 0, 640, 480), ("visible", "infrared", "fused")),
        ),
    ),
    *(
        Strip(
            f"{model}-failures",
            model,
            (
                Row(
                    "day-road",
                    (180, 0, 640, 345),
                    ("visible, over_exposure@3", "infrared", "fused"),
                    "over_exposure@3",
                ),
                Row(
                    "night-street",
                    (344, 0, 640, 222),
                    ("visible", "infrared, ir_stripes@5", "fused"),
                    "ir_stripes@5",
                ),
                Row("smoke-yard", (120, 310, 268, 421), ("visible", "infrared", "fused")),
            ),
        )
        for model in ("nano-ivif", "nano-s-ivif")
    ),
    Strip(
        "nano-medical-pet-pale",
        "nano-medical",
        (Row("pet-mri", (30, 8, 242, 248), ("PET", "MRI", "fused")),),
    ),
    Strip(
        "nano-medical-ct-disagrees",
        "nano-medical",
        (
            Row("ct-mri", (40, 68, 188, 179), ("CT", "MRI", "fused")),
            Row("ct-mri", (40, 68, 188, 179), ("CT, visible_noise@4", "MRI", "fused"), "visible_noise@4"),
        ),
    ),
    Strip(
        "nano-medical-spect-noise",
        "nano-medical",
        (
            Row("spect-mri", (54, 60, 202, 171), ("SPECT", "MRI", "fused")),
            Row("spect-mri", (54, 60, 202, 171), ("SPECT, visible_noise@4", "MRI", "fused"), "visible_noise@4"),
        ),
    ),
    Strip(
        "nano-medical-mri-stripes",
        "nano-medical",
        (Row("spect-mri", (30, 8, 242, 248), ("SPECT", "MRI, ir_stripes@3", "fused"), "ir_stripes@3"),),
    ),
)


def pair_of(row: Row) -> tuple[Picture, Picture]:
    """The inputs of a row, ``H x W x 3`` and ``H x W`` uint8."""
    visible, infrared = samples.load(row.sample)
    if row.kind is None:
        return visible, infrared
    kind, severity = parse_kind(row.kind)
    clean = visible / np.float32(255), infrared / np.float32(255)
    rng = generator(0, f"samples/{row.sample}_visible", kind)  # as the command draws it
    first, second = degrade(*clean, kind=kind, severity=severity, rng=rng)
    return np.round(first * 255).astype(np.uint8), np.round(second * 255).astype(np.uint8)


def panel(picture: Picture, box: tuple[int, int, int, int], label: str) -> Image.Image:
    """A part of a picture at the width of a panel, and its label under it."""
    part = Image.fromarray(picture).convert("RGB").crop(box)
    height = round(part.height * PANEL / part.width)
    shown = part.resize((PANEL, height), Image.Resampling.BICUBIC)
    whole = Image.new("RGB", (PANEL, height + LABEL), "white")
    whole.paste(shown, (0, 0))
    font = ImageFont.load_default(size=14)
    ImageDraw.Draw(whole).text((PANEL // 2, height + LABEL // 2), label, fill="black", font=font, anchor="mm")
    return whole


def draw(strip: Strip, fuser: Fuser) -> Image.Image:
    """All rows of a strip under each other."""
    lines = []
    for row in strip.rows:
        visible, infrared = pair_of(row)
        pictures = (visible, infrared, fuser(visible, infrared))
        lines.append([panel(picture, row.box, label) for picture, label in zip(pictures, row.labels, strict=True)])
    sheet = Image.new("RGB", (3 * PANEL + 2 * GAP, sum(line[0].height for line in lines)), "white")
    top = 0
    for line in lines:
        for k, part in enumerate(line):
            sheet.paste(part, (k * (PANEL + GAP), top))
        top += line[0].height
    return sheet


def write(folder: Path) -> Iterator[Path]:
    """Make every strip, replacing those that are there.

    Rows that show colour noise are enlarged twice, so that JPEG's coarser colour leaves the noise as it is.
    """
    fusers = {name: Fuser.from_pretrained(name, threads=1) for name in sorted({strip.model for strip in STRIPS})}
    folder.mkdir(parents=True, exist_ok=True)
    for strip in STRIPS:
        path = folder / f"{strip.name}.jpg"
        draw(strip, fusers[strip.model]).save(path, quality=QUALITY, optimize=True)
        if path.stat().st_size > LIMIT:
            raise SystemExit(f"{path} is larger than {LIMIT} bytes: show a smaller part.")
        yield path


if __name__ == "__main__":
    for written in write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent):
        print(written.name, written.stat().st_size)
