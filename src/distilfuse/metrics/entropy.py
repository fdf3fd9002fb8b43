"""EN: Shannon entropy of the fused picture's grey levels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distilfuse.metrics.grey import check_grey


def entropy(image: NDArray[np.uint8]) -> float:
    """Shannon entropy of the 256-bin histogram.

    EN = -sum_l p(l) log2 p(l)  (Roberts et al., 2008).

    Args:
        image: grey picture, ``H x W`` uint8.

    Returns:
        Entropy in bits, 0 (constant) .. 8 (flat histogram); higher is read as "more information",
        though noise raises it as well.

    Raises:
        InputError: the array is not ``H x W`` uint8 with at least one pixel.
    """
    check_grey(image, "image")
    counts = np.bincount(image.ravel(), minlength=256)
    share = counts[counts > 0] / image.size
    return float(-(share * np.log2(share)).sum()) + 0.0
