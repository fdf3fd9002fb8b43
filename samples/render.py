"""Render the sample pairs: ``python -m samples.render OUT_DIR [--size WxH] [--seed N] [--scene NAME]``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from PIL import Image

from samples.catalogue import NAMES, render_pair

__all__ = ["main"]


def _size(text: str) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size; write WIDTHxHEIGHT, as in 640x480") from None
    if min(width, height) < 16:
        raise argparse.ArgumentTypeError(f"{text!r} is too small; both sides must be 16 pixels or more")
    return width, height


def main(arguments: list[str] | None = None) -> int:
    """Write ``NAME_visible.png`` and ``NAME_infrared.png`` for each scene; exit status 0."""
    parser = argparse.ArgumentParser(prog="python -m samples.render", description="Render the sample pairs.")
    parser.add_argument("out_dir", type=Path, help="folder for the pictures; made when missing")
    parser.add_argument("--size", type=_size, default=None, help="WIDTHxHEIGHT (default 640x480, phantoms 256x256)")
    parser.add_argument("--seed", type=int, default=0, help="variation; 0 gives the committed pictures")
    parser.add_argument("--scene", choices=NAMES, action="append", help="only this one (may be repeated)")
    options = parser.parse_args(arguments)
    options.out_dir.mkdir(parents=True, exist_ok=True)
    for name in options.scene or NAMES:
        began = time.perf_counter()
        visible, infrared = render_pair(name, size=options.size, seed=options.seed)
        for band, pixels in (("visible", visible), ("infrared", infrared)):
            Image.fromarray(pixels).save(options.out_dir / f"{name}_{band}.png", optimize=True)
        print(
            f"{name}: {visible.shape[1]}x{visible.shape[0]} in {time.perf_counter() - began:.1f} s",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
