"""Sample pairs that ship with the package: rendered scenes and phantoms, ours and free to use.

The renderer is ``samples/`` in the repository (not in the wheel); no picture
here is a photograph. Reading them needs NumPy and Pillow, which are loaded
only when a pair is asked for.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from distilfuse.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["load", "names", "paths"]

_BANDS = ("visible", "infrared")


def names() -> tuple[str, ...]:
    """Names of the embedded pairs, in a fixed order: street scenes first, then medical phantoms."""
    return ("night-street", "smoke-yard", "day-road", "ct-mri", "pet-mri", "spect-mri")


def paths(name: str) -> tuple[Path, Path]:
    """Files of a pair: the visible (or CT, PET, SPECT) picture, then the infrared (or MRI) one.

    Raises:
        InputError: no pair has this name, or its files are missing from the installation.
    """
    if name not in names():
        raise InputError(f"There is no sample pair named {name!r}; choose one of: {', '.join(names())}.")
    folder = Path(str(resources.files(__name__)))
    first, second = (folder / f"{name}_{band}.png" for band in _BANDS)
    for file in (first, second):
        if not file.is_file():
            raise InputError(f"The sample picture {file.name} is missing from this installation; reinstall distilfuse.")
    return first, second


def load(name: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A pair as arrays: visible uint8 [H, W, 3] sRGB and infrared (or MRI) uint8 [H, W], 0..255.

    Scenes are 480 x 640 (height x width), phantoms 256 x 256.

    Raises:
        InputError: as for :func:`paths`.
    """
    import numpy as np
    from PIL import Image

    visible, infrared = paths(name)
    with Image.open(visible) as colour, Image.open(infrared) as grey:
        return np.array(colour.convert("RGB"), np.uint8), np.array(grey.convert("L"), np.uint8)
