from __future__ import annotations

from distilfuse.text.agreement import ALL, EventAgreement, agreement, agreement_table
from distilfuse.text.events import Event, PairCaption


def said(pair: str, *types: str) -> PairCaption:
    events = tuple(Event(type=kind, modality="A", severity=0.5, description="x") for kind in types)
    return PairCaption(pair=pair, events=events)


def test_by_hand() -> None:
    reference = {
        "a/1": said("a/1", "haze", "low_light"),
        "a/2": said("a/2", "haze"),
        "a/3": said("a/3", "default"),
        "a/4": said("a/4", "glare"),  # not described by the other
    }
    ours = {
        "a/1": said("a/1", "haze", "haze"),  # twice is once
        "a/2": said("a/2", "low_light"),
        "a/3": said("a/3", "default", "ir_noise"),
        "b/1": said("b/1", "haze"),
    }
    pairs, rows = agreement(ours, reference)
    assert pairs == 3
    assert rows == (
        EventAgreement(type="haze", support=2, found=1, both=1),
        EventAgreement(type="low_light", support=1, found=1, both=0),
        EventAgreement(type="ir_noise", support=0, found=1, both=0),
        EventAgreement(type=ALL, support=3, found=3, both=1),
    )
    assert (rows[0].precision, rows[0].recall) == (1.0, 0.5)
    assert (rows[2].precision, rows[2].recall) == (0.0, None)
    assert agreement_table(rows).splitlines() == [
        "event      precision  recall  support  found",
        "haze            1.00    0.50        2      1",
        "low_light       0.00    0.00        1      1",
        "ir_noise        0.00       -        0      1",
        "all types       0.33    0.33        3      3",
    ]


def test_nothing_in_common() -> None:
    pairs, rows = agreement({"a/1": said("a/1", "haze")}, {"a/2": said("a/2", "haze")})
    assert pairs == 0
    assert [(row.type, row.support, row.found) for row in rows] == [(ALL, 0, 0)]
