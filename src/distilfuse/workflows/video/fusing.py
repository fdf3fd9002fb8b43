"""Pairs of frames to fused frames, while the next pairs are being decoded."""

from __future__ import annotations

from collections.abc import Callable, Generator

from distilfuse.fuser import Fuser
from distilfuse.workflows.video.frames import FusedFrame
from distilfuse.workflows.video.infrared import Warp
from distilfuse.workflows.video.pairs import Pairs, ready
from distilfuse.workflows.video.prefetch import Prefetch
from distilfuse.workflows.video.steadiness import SteadyFuser

_AHEAD = 2
"""Pairs ready ahead."""


def fuse_pairs(
    fuser: Fuser,
    pairs: Pairs,
    *,
    limits: tuple[float, float] | None = None,
    warp: Warp | None = None,
    steady: bool = True,
    stopped: Callable[[], bool] = lambda: False,
) -> Generator[FusedFrame, None, None]:
    """Fuse pair after pair. Close the iterator (:func:`contextlib.closing`) if it may be left early.

    Args:
        fuser: the model.
        pairs: opened by :func:`distilfuse.workflows.video.sources.open_pairs`; closed in the end.
        limits: counts of the infrared that are black and white; by default they follow the scene slowly.
        warp: registers the infrared, see :data:`distilfuse.workflows.video.infrared.Warp`.
        steady: hold the brightness over time, see :mod:`distilfuse.workflows.video.steadiness`.
        stopped: asked often: whether to end.

    Yields:
        Fused frames.

    Raises:
        InputError: a source fails, or frames do not fit together; after the frames before it.
    """
    # What is live must not wait: one pair at hand is the newest that there is.
    coming = Prefetch(
        ready(pairs, limits=limits, warp=warp, stopped=stopped),
        ahead=1 if pairs.visible.live else _AHEAD,
        newest=pairs.visible.live,
        stopped=stopped,
    )
    fuse = SteadyFuser(fuser, steady=steady)
    try:
        for index, pair in enumerate(coming):
            if stopped():
                return
            visible, infrared = pair.visible.pixels, pair.infrared.pixels
            image = fuse(visible, infrared, pair.visible.seconds)
            yield FusedFrame(index, pair.visible.seconds, image, visible, infrared)
    finally:
        pairs.close()
        coming.close()
