from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from distilfuse.workflows.video.frames import Frame
from distilfuse.workflows.video.pairing import NearestPairs

NOTHING = np.zeros((1, 1), np.uint8)

times = st.lists(st.integers(0, 400), min_size=1, max_size=40, unique=True).map(sorted)


def frames(stamps: list[int], shift: float = 0.0) -> list[Frame]:
    return [Frame(NOTHING, stamp / 100 + shift) for stamp in stamps]


@given(times, times, st.integers(-200, 200), st.integers(0, 50))
def test_each_visible_frame_gets_the_nearest_or_none(
    visible: list[int], infrared: list[int], offset: int, tolerance: int
) -> None:
    nearest = NearestPairs(
        iter(frames(visible)), iter(frames(infrared)), offset=offset / 100, tolerance=tolerance / 100
    )
    found = {round(pair.visible.seconds * 100): round(pair.infrared.seconds * 100) for pair in nearest}
    for stamp in visible:
        distances = [abs(other + offset - stamp) for other in infrared]
        if min(distances) <= tolerance:
            assert abs(found[stamp] + offset - stamp) == min(distances)
        else:
            assert stamp not in found
    assert nearest.paired == len(found)
    accounted = nearest.paired + nearest.before + nearest.between
    assert accounted == len(visible) or nearest.infrared_ended
    if visible[0] in found:
        assert nearest.infrared_before == sum(other + offset < visible[0] - tolerance for other in infrared)


def test_no_infrared_at_all() -> None:
    nearest = NearestPairs(iter(frames([1, 2])), iter([]), tolerance=1)
    assert list(nearest) == []
    assert nearest.infrared_ended
