"""Scores of one fused picture under a named protocol."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distilfuse.errors import InputError
from distilfuse.metrics.checks import TooSmallError
from distilfuse.metrics.grey import GREY
from distilfuse.metrics.protocols import Convention, find_protocol
from distilfuse.metrics.registry import DEFINITIONS, find_metric

Planes = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


def score(
    visible: NDArray[np.uint8],
    infrared: NDArray[np.uint8],
    fused: NDArray[np.uint8],
    *,
    metrics: Sequence[str] | None = None,
    protocol: str = "paper",
) -> dict[str, float]:
    """Score a fused picture.

    Args:
        visible: ``H x W`` or ``H x W x 3`` uint8.
        infrared: likewise.
        fused: likewise.
        metrics: names of :data:`distilfuse.metrics.METRICS`, see :func:`distilfuse.metrics.find_metric`; the
            protocol's columns unless given.
        protocol: a name of :data:`distilfuse.metrics.PROTOCOLS`.

    Returns:
        Metric name to value, in the order asked for; NaN where a metric is not defined for these pictures, for instance
        VIF below 41 pixels a side. Whether higher is better stands on the metric's card.

    Raises:
        ConfigError: an unknown metric or protocol.
        InputError: pictures that cannot be compared.
        MissingDependencyError: a metric was asked for that needs an extra.
    """
    rules = find_protocol(protocol)
    names = rules.metrics if metrics is None else tuple(find_metric(name).name for name in metrics)
    v, i, f = (GREY[rules.grey](image) for image in (visible, infrared, fused))
    for source in (v, i):
        if source.shape != f.shape:
            raise InputError(
                f"The pictures differ in size, {source.shape} and {f.shape} (HxW): compare pictures of one size."
            )
    if f.size == 0:
        raise InputError("The pictures have no pixels: nothing can be scored.")
    scaled: dict[float, Planes] = {255.0: (v, i, f)}
    scores = {}
    for name in names:
        convention = rules.convention(name)
        data_range = convention.data_range
        if data_range not in scaled:
            scaled[data_range] = (v / (255 / data_range), i / (255 / data_range), f / (255 / data_range))
        try:
            scores[name] = _compute(name, convention, scaled[data_range])
        except TooSmallError:
            scores[name] = math.nan
    return scores


@lru_cache(maxsize=256)
def smallest_side(metric: str, *, protocol: str) -> int:
    """Fewest pixels a side for which a metric is defined under a protocol.

    Args:
        metric: a name of :data:`distilfuse.metrics.METRICS`.
        protocol: a name of :data:`distilfuse.metrics.PROTOCOLS`.
    """
    pixel = np.zeros((1, 1), np.uint8)
    try:
        with np.errstate(all="ignore"):
            _compute(metric, find_protocol(protocol).convention(metric), (pixel, pixel, pixel))
    except TooSmallError as error:
        return error.smallest
    return 1


def _compute(name: str, convention: Convention, planes: Planes) -> float:
    definition = DEFINITIONS[convention.definition or name]
    *sources, fused = planes
    options: dict[str, Any] = {"data_range": convention.data_range, **convention.options}
    if definition.inputs == "fused":
        return definition.compute(fused, **options)
    if definition.inputs == "both":
        return definition.compute(*planes, **options)
    if definition.compute_each is not None:
        values = definition.compute_each(sources, fused, **options)
    else:
        values = tuple(definition.compute(source, fused, **options) for source in sources)
    return sum(values) if convention.over_sources == "sum" else sum(values) / len(values)
