"""Pairs of frames to fused frames, while the next pairs are being decoded."""

from __future__ import annotations

from collections.abc import Callable, Generator

from distilfuse.fuser import Fuser
from distilfuse.imaging.mixing import BALANCED, invert, with_strength
from distilfuse.workflows.alignment.rig import Border, Rig
from distilfuse.workflows.settling import settled_polarity
from distilfuse.workflows.treatment import PolarityChoice
from distilfuse.workflows.video.frames import FusedFrame
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
    polarity: PolarityChoice = "white",
    say: Callable[[str], None] = lambda sentence: None,
    rig: Rig | None = None,
    border: Border = "crop",
    ir_strength: float = BALANCED,
    steady: bool = True,
    stopped: Callable[[], bool] = lambda: False,
) -> Generator[FusedFrame, None, None]:
    """Fuse pair after pair. Close the iterator (:func:`contextlib.closing`) if it may be left early.

    Args:
        fuser: the model.
        pairs: opened by :func:`distilfuse.workflows.video.sources.open_pairs`; closed in the end.
        limits: counts of the infrared that are black and white; by default they follow the scene slowly.
        polarity: what is hot in the infrared; ``auto`` is settled by the first pair, for all.
        say: told what that was, or that the one named seems to be wrong.
        rig: where the cameras do not see the same: moves the infrared onto the visible.
        border: with a rig, what becomes of visible pixels without infrared: cut off, or left as they are.
        ir_strength: 0..1, see :func:`distilfuse.imaging.mixing.with_strength`.
        steady: hold the brightness over time, see :mod:`distilfuse.workflows.video.steadiness`.
        stopped: asked often: whether to end.

    Yields:
        Fused frames.

    Raises:
        InputError: a source fails, or frames do not fit together; after the frames before it.
    """
    # What is live must not wait: one pair at hand is the newest that there is.
    coming = Prefetch(
        ready(pairs, limits=limits, registered=rig is not None, stopped=stopped),
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
            if index == 0:
                polarity, remark = settled_polarity(polarity, [(visible, infrared)], task=fuser.record.task)
                if remark:
                    say(remark)
            if polarity == "black":
                infrared = invert(infrared)
            place = rig.register(visible, infrared, border) if rig else None
            if place:
                visible, infrared = place.visible, place.infrared
            image = fuse(visible, infrared, pair.visible.seconds)
            image = with_strength(visible, infrared, image, ir_strength)
            if place:
                image = place.finish(image)
            yield FusedFrame(index, pair.visible.seconds, image, visible, infrared)
    finally:
        pairs.close()
        coming.close()
