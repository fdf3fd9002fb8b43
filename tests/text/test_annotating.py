from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse.errors import DistilfuseError, InputError, ModelError
from distilfuse.imaging.pairs import Pair
from distilfuse.text.annotating import GIVE_UP, Annotated, annotate_pairs
from distilfuse.text.annotators.annotator import AnnotatorError, Bytes
from distilfuse.text.events import PairCaption
from distilfuse.text.store import CaptionStore, read_captions


class Scripted:
    """An annotator that does what the test says, and notes what it was asked."""

    name = "scripted"
    prompt = "0123"

    def __init__(self, act: Callable[[str], None] = lambda pair: None, concurrency: int = 1) -> None:
        self.act = act
        self.concurrency = concurrency
        self.asked: list[str] = []
        self.shapes: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()

    def annotate(self, visible: Bytes, infrared: Bytes, pair: str) -> PairCaption:
        self.asked.append(pair)
        self.shapes.add((visible.shape, infrared.shape))
        self.act(pair)
        return PairCaption(pair=pair, annotator=self.name, prompt=self.prompt)


@pytest.fixture
def pairs(tmp_path: Path) -> list[Pair]:
    """Eight pairs; the visible picture of the first is grey, the infrared one of the second is stored in colour."""
    rng = np.random.default_rng(0)
    made = []
    for k in range(8):
        visible, infrared = tmp_path / f"v{k}.png", tmp_path / f"i{k}.png"
        Image.fromarray(rng.integers(0, 255, (6, 9) if k == 0 else (6, 9, 3), dtype=np.uint8)).save(visible)
        Image.fromarray(rng.integers(0, 255, (6, 9, 3) if k == 1 else (6, 9), dtype=np.uint8)).save(infrared)
        made.append(Pair(str(k), visible, infrared))
    return made


def run(pairs: list[Pair], annotator: Scripted, path: Path, outcomes: list[Annotated] | None = None) -> list[Annotated]:
    outcomes = [] if outcomes is None else outcomes
    with CaptionStore(path, annotator=annotator.name, prompt=annotator.prompt).opened() as store:
        for outcome in annotate_pairs(pairs, annotator, store, dataset="yard"):
            outcomes.append(outcome)
    return outcomes


def fail_on(error: Exception, *names: str) -> Callable[[str], None]:
    def act(pair: str) -> None:
        if not names or pair in names:
            raise error

    return act


@pytest.mark.parametrize("concurrency", [1, 3])
def test_all_pairs_whatever_their_kind(pairs: list[Pair], tmp_path: Path, concurrency: int) -> None:
    annotator = Scripted(concurrency=concurrency)
    outcomes = run(pairs, annotator, tmp_path / "c.jsonl")
    assert sorted(outcome.pair for outcome in outcomes) == [f"yard/{k}" for k in range(8)]
    assert annotator.shapes == {((6, 9, 3), (6, 9))}
    assert set(read_captions(tmp_path / "c.jsonl")) == {f"yard/{k}" for k in range(8)}
    (remark,) = [remark for outcome in outcomes for remark in outcome.remarks]
    assert "i1.png: infrared in colour" in remark


@pytest.mark.parametrize("concurrency", [1, 3])
def test_what_is_done_is_not_done_again(pairs: list[Pair], tmp_path: Path, concurrency: int) -> None:
    run(pairs[:5], Scripted(), tmp_path / "c.jsonl")
    annotator = Scripted(concurrency=concurrency)
    run(pairs, annotator, tmp_path / "c.jsonl")
    assert sorted(annotator.asked) == ["yard/5", "yard/6", "yard/7"]
    assert len((tmp_path / "c.jsonl").read_text().splitlines()) == 8


@pytest.mark.parametrize("concurrency", [1, 3])
def test_one_bad_pair_does_not_end_the_run(pairs: list[Pair], tmp_path: Path, concurrency: int) -> None:
    pairs[2].visible.write_bytes(b"no picture")
    Image.new("L", (5, 5)).save(pairs[3].infrared)
    annotator = Scripted(fail_on(DistilfuseError("odd"), "yard/4"), concurrency)
    outcomes = {outcome.pair: outcome for outcome in run(pairs, annotator, tmp_path / "c.jsonl")}
    errors = {pair: str(outcome.error) for pair, outcome in outcomes.items() if outcome.error}
    assert set(errors) == {"yard/2", "yard/3", "yard/4"}
    assert "v2.png is not a picture" in errors["yard/2"]
    assert "is 9x6 pixels but" in errors["yard/3"]
    assert errors["yard/4"] == "odd"
    assert len(read_captions(tmp_path / "c.jsonl")) == 5
    again = Scripted()
    run(pairs, again, tmp_path / "c.jsonl")
    assert again.asked == ["yard/4"]  # failures are tried again, and pictures that cannot be read reach nobody


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("error", [AnnotatorError("wrong key"), ModelError("no weights"), ZeroDivisionError("defect")])
def test_what_is_hopeless_or_a_defect_ends_it(
    pairs: list[Pair], tmp_path: Path, concurrency: int, error: Exception
) -> None:
    annotator = Scripted(fail_on(error), concurrency)
    with pytest.raises(type(error), match=str(error)):
        run(pairs, annotator, tmp_path / "c.jsonl")
    assert len(annotator.asked) < len(pairs) or concurrency > 1


def test_a_dead_server_is_not_asked_for_ever(pairs: list[Pair], tmp_path: Path) -> None:
    outcomes: list[Annotated] = []
    annotator = Scripted(fail_on(DistilfuseError("No answer.")))
    with pytest.raises(AnnotatorError, match="failed on each of the first 5 pairs; the last time: No answer"):
        run(pairs, annotator, tmp_path / "c.jsonl", outcomes)
    assert len(annotator.asked) == len(outcomes) == GIVE_UP
    later = Scripted(fail_on(DistilfuseError("No answer."), *(f"yard/{k}" for k in range(1, 8))))
    assert len(run(pairs, later, tmp_path / "d.jsonl")) == 8  # it has worked once


def test_pictures_that_cannot_be_read_are_not_the_annotators_failures(pairs: list[Pair], tmp_path: Path) -> None:
    for pair in pairs[:6]:
        pair.visible.write_bytes(b"")
    outcomes = run(pairs, Scripted(), tmp_path / "c.jsonl")
    assert [type(outcome.error) for outcome in outcomes] == [InputError] * 6 + [type(None)] * 2


def test_several_are_under_way_at_a_time_but_no_more_than_allowed(pairs: list[Pair], tmp_path: Path) -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def act(pair: str) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.1)
        with lock:
            now[0] -= 1

    run(pairs, Scripted(act, concurrency=3), tmp_path / "c.jsonl")
    assert most[0] == 3


def test_leaving_early_waits_for_nobody_and_loses_nothing(pairs: list[Pair], tmp_path: Path) -> None:
    hold = threading.Event()

    def act(pair: str) -> None:
        if pair != "yard/0":
            hold.wait(20)

    annotator = Scripted(act, concurrency=3)
    store = CaptionStore(tmp_path / "c.jsonl", annotator="scripted", prompt="0123")

    def interrupted() -> None:
        with store.opened():
            for outcome in annotate_pairs(pairs, annotator, store, dataset="yard"):
                assert outcome.pair == "yard/0"
                raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert time.monotonic() - start < 5
    hold.set()
    time.sleep(0.1)
    assert len(annotator.asked) <= 4  # nobody takes up another one
    assert list(read_captions(tmp_path / "c.jsonl")) == ["yard/0"]
