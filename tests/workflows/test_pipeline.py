from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator

import pytest

from distilfuse.workflows.pipeline import Finished, Stages, run_pipeline

Settings = dict[str, int]


class MishapError(Exception):
    """What an item may come to."""


class Flight:
    """Stages over numbers that note what they see."""

    def __init__(self, *, reading: float = 0, working: float = 0, writing: float = 0) -> None:
        self.seconds = {"read": reading, "work": working, "write": writing}
        self.failing: dict[tuple[str, int], BaseException] = {}
        self.seen: list[tuple[str, int]] = []
        self.within = 0
        self.most = 0
        self.weight = 0
        self.heaviest = 0
        self.threads: dict[str, set[str]] = {"read": set(), "work": set(), "write": set()}
        self.lock = threading.Lock()

    def stages(self, weigh: Callable[[int], int] = lambda item: 1) -> Stages[int, int, int, int]:
        def read(item: int) -> int:
            with self.lock:
                self.within += 1
                self.most = max(self.most, self.within)
                self.weight += weigh(item)
                self.heaviest = max(self.heaviest, self.weight)
            return self._pass("read", item)

        def write(item: int, made: int, abandon: Callable[[], bool]) -> int:
            result = self._pass("write", item)
            with self.lock:
                self.within -= 1
                self.weight -= weigh(item)
            return result + made

        return Stages(read, lambda item, loaded: self._pass("work", item) + loaded, write, weigh)

    def _pass(self, stage: str, item: int) -> int:
        self.threads[stage].add(threading.current_thread().name)
        time.sleep(self.seconds[stage])
        self.seen.append((stage, item))
        if failure := self.failing.get((stage, item)):
            raise failure
        return item

    def run(self, number: int, room: int = 1000, **settings: int) -> Iterator[Finished[int, int]]:
        return run_pipeline(range(number), self.stages(), room=room, expected=(MishapError,), **settings)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    gc.collect()
    assert set(threading.enumerate()) <= before


def test_results_come_in_order() -> None:
    flight = Flight()
    waits = iter([0.03, 0, 0.02, 0, 0.01, 0, 0, 0])
    stages = flight.stages()

    def read(item: int) -> int:
        time.sleep(next(waits))
        return stages.read(item)

    uneven = Stages(read, stages.work, stages.write, stages.weigh)
    found = list(run_pipeline(range(8), uneven, room=1000, expected=(), readers=3, writers=3))
    assert found == [Finished(item, result=3 * item) for item in range(8)]


def test_nothing_to_do() -> None:
    assert list(Flight().run(0)) == []


def test_stages_run_at_once() -> None:
    # As long as the slowest stage, not as all three together; sleeping needs no cores.
    number, slowest = 25, 0.012
    flight = Flight(reading=0.010, working=slowest, writing=0.010)
    start = time.perf_counter()
    list(flight.run(number, readers=1, writers=1))
    taken = time.perf_counter() - start
    alone = number * 0.032
    assert taken < 0.75 * alone, f"{taken:.2f} s, one by one {alone:.2f} s"


@pytest.mark.parametrize("slow", ["reading", "working", "writing"])
@pytest.mark.parametrize("settings", [{"ahead": 1, "behind": 1}, {"ahead": 2, "behind": 3}, {}])
def test_queues_bound_what_is_in_flight(slow: str, settings: Settings) -> None:
    flight = Flight(**{slow: 0.004})
    list(flight.run(20, **settings))
    # One more than the queues hold: that which is at work.
    assert flight.most <= settings.get("ahead", 3) + settings.get("behind", 3) + 1


def test_a_consumer_that_takes_its_time_holds_everything_back() -> None:
    flight = Flight()
    passing = flight.run(50, ahead=2, behind=2)
    next(passing)
    time.sleep(0.1)
    assert len([seen for seen in flight.seen if seen[0] == "read"]) <= 5
    passing.close()  # type: ignore[attr-defined]


def test_weight_bounds_what_is_in_flight() -> None:
    flight = Flight(writing=0.002)
    weights = [4, 4, 4, 30, 4, 4, 11, 4, 30, 30]
    stages = flight.stages(weights.__getitem__)
    found = list(run_pipeline(range(10), stages, room=12, expected=(), ahead=5, behind=5))
    assert [finished.item for finished in found] == list(range(10))
    assert flight.heaviest == 30, "what is too heavy goes alone"


@pytest.mark.parametrize("stage", ["read", "work", "write"])
def test_an_expected_failure_is_the_item_s_own(stage: str) -> None:
    flight = Flight()
    flight.failing[(stage, 2)] = mishap = MishapError("once")
    found = list(flight.run(6))
    assert [finished.item for finished in found] == list(range(6))
    assert [finished.error for finished in found] == [None, None, mishap, None, None, None]
    assert found[2].result is None


@pytest.mark.parametrize("stage", ["read", "work", "write"])
@pytest.mark.parametrize("failure", [ValueError("a defect"), KeyboardInterrupt()])
def test_any_other_failure_ends_everything(stage: str, failure: BaseException) -> None:
    flight = Flight(writing=0.002)
    flight.failing[(stage, 2)] = failure
    with pytest.raises(type(failure)):
        list(flight.run(1000))
    assert len(flight.seen) < 60


def test_leaving_early_stops_the_writers() -> None:
    begun, given_up = threading.Event(), threading.Event()

    def write(item: int, made: int, abandon: Callable[[], bool]) -> None:
        if item == 0:
            return
        begun.set()
        while not abandon():
            time.sleep(0.001)
        given_up.set()

    def work(item: int, loaded: int) -> int:
        if item == 2:
            assert begun.wait(10)
            raise KeyboardInterrupt
        return item

    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        list(run_pipeline(range(9), Stages(lambda item: item, work, write), room=9, expected=()))
    assert given_up.is_set()
    assert time.perf_counter() - start < 5


def test_only_the_caller_works() -> None:
    flight = Flight()
    list(flight.run(9))
    assert flight.threads["work"] == {threading.current_thread().name}
    assert threading.current_thread().name not in flight.threads["read"] | flight.threads["write"]


class Picture:
    """Something that can be watched."""


def test_what_was_read_is_freed_while_its_result_waits() -> None:
    watched: list[weakref.ref[Picture]] = []
    alive: list[int] = []

    def read(item: int) -> Picture:
        if item == 1:
            raise MishapError
        picture = Picture()
        watched.append(weakref.ref(picture))
        return picture

    def work(item: int, loaded: Picture) -> int:
        if item == 2:
            raise MishapError
        return item

    def write(item: int, made: int, abandon: Callable[[], bool]) -> None:
        time.sleep(0.02)
        alive.append(sum(reference() is not None for reference in watched))

    stages = Stages(read, work, write)
    found = list(
        run_pipeline(range(5), stages, room=9, expected=(MishapError,), ahead=1, behind=5, readers=1, writers=1)
    )
    assert [finished.error is None for finished in found] == [True, False, False, True, True]
    assert alive[-1] == 0, "neither results nor errors keep pictures"
