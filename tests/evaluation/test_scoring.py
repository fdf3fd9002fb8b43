from __future__ import annotations

import math
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from distilfuse.evaluation.degradations import degrade, generator
from distilfuse.evaluation.methods import Method, OnTheFly, baseline, fused_folder
from distilfuse.evaluation.scoring import CLEAN, Condition, Outcome, Plan, collect, fused_picture, run, score_step
from distilfuse.imaging.pairs import Pair
from distilfuse.metrics import score

Bytes = NDArray[np.uint8]
METRICS = ("EN", "Qabf", "SSIM")


def picture(seed: int, *shape: int) -> Bytes:
    """Soft blobs: enough structure for every metric."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 8, *shape[2:]), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


@pytest.fixture
def pairs(tmp_path: Path) -> tuple[Pair, ...]:
    found = []
    for folder in ("vi", "ir"):
        (tmp_path / folder).mkdir()
    for k, name in enumerate("abc"):
        Image.fromarray(picture(k, 48, 64, 3)).save(tmp_path / "vi" / f"{name}.png")
        Image.fromarray(picture(10 + k, 48, 64)).save(tmp_path / "ir" / f"{name}.png")
        found.append(Pair(name, tmp_path / "vi" / f"{name}.png", tmp_path / "ir" / f"{name}.png"))
    return tuple(found)


def plan(
    pairs: tuple[Pair, ...], *methods: Method, conditions: tuple[Condition, ...] = (CLEAN,), seed: int = 0
) -> Plan:
    return Plan(
        dataset="set",
        pairs=pairs,
        methods=methods,
        protocol="paper",
        metrics=METRICS,
        conditions=conditions,
        seed=seed,
    )


def arrays(pair: Pair) -> tuple[Bytes, Bytes]:
    return np.asarray(Image.open(pair.visible)), np.asarray(Image.open(pair.infrared))


def test_values_are_those_of_score(pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    folder = tmp_path / "fused"
    folder.mkdir()
    for k, pair in enumerate(pairs):
        Image.fromarray(picture(20 + k, 48, 64)).save(folder / f"{pair.name}.png")
    chosen = plan(pairs, fused_folder("theirs", folder, pairs), baseline("max"))
    table, remarks = collect(chosen, run(chosen, jobs=2))
    assert (table.protocol, table.metrics) == ("paper@1", METRICS)
    assert [(remark.what, remark.file) for remark in remarks] == [
        ("fused in grey beside a visible picture in colour", str(folder / f"{pair.name}.png")) for pair in pairs
    ]
    assert [(row.method, row.dataset, row.name) for row in table.rows] == [
        (method, "set", name) for method in ("theirs", "max") for name in "abc"
    ]
    for k, pair in enumerate(pairs):
        expected = score(*arrays(pair), picture(20 + k, 48, 64), metrics=METRICS)
        assert table.rows[k].values == expected
        fused = baseline("max").fuse(*arrays(pair))
        assert table.rows[3 + k].values == score(*arrays(pair), fused, metrics=METRICS)


def test_degraded_inputs_are_fused_and_scored_against_the_clean_sources(pairs: tuple[Pair, ...]) -> None:
    chosen = plan(pairs[:1], baseline("max"), conditions=(Condition("ir_noise", 3.0),), seed=7)
    table, _ = collect(chosen, run(chosen, jobs=1))
    (row,) = table.rows
    assert row.dataset == "set/ir_noise@3"
    visible, infrared = arrays(pairs[0])
    degraded = degrade(
        visible / np.float32(255),
        infrared / np.float32(255),
        kind="ir_noise",
        severity=3,
        rng=generator(7, "set/a", "ir_noise"),
    )
    fused = baseline("max").fuse(*(np.round(image * 255).astype(np.uint8) for image in degraded))
    assert row.values == score(visible, infrared, fused, metrics=METRICS)
    np.testing.assert_array_equal(fused_picture(chosen, "max", row.dataset, "a"), fused)


def test_every_method_gets_the_same_degraded_pair(pairs: tuple[Pair, ...]) -> None:
    seen: dict[str, list[Bytes]] = {"one": [], "two": []}

    def remember(name: str) -> Method:
        def fuse(visible: Bytes, infrared: Bytes) -> Bytes:
            seen[name] += [visible, infrared]
            return visible

        return OnTheFly(name, fuse)

    conditions = (Condition("visible_noise", 2.0),)
    for seed in (0, 0, 1):
        chosen = plan(pairs[:1], remember("one"), remember("two"), conditions=conditions, seed=seed)
        list(run(chosen, jobs=1))
    for k in range(6):
        np.testing.assert_array_equal(seen["one"][k], seen["two"][k])
    np.testing.assert_array_equal(seen["one"][0], seen["one"][2])
    assert (seen["one"][0] != seen["one"][4]).any()


def test_folders_are_not_scored_on_degraded_inputs(pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    theirs = fused_folder("theirs", tmp_path / "vi", pairs)
    chosen = plan(pairs, theirs, baseline("mean"), conditions=(CLEAN, Condition("jpeg", 3.0)))
    table, _ = collect(chosen, run(chosen, jobs=2))
    assert {(row.dataset, row.method) for row in table.rows} == {
        ("set", "theirs"),
        ("set", "mean"),
        ("set/jpeg@3", "mean"),
    }
    assert fused_picture(chosen, "theirs", "set/jpeg@3", "a") is None
    alone = plan(pairs, theirs, conditions=(Condition("jpeg", 3.0),))
    assert alone.steps() == ()


def problems(outcome: Outcome) -> dict[str, str | None]:
    return {row.method: row.problem for row in outcome.rows}


def test_an_unreadable_source_fails_every_method_and_no_other_pair(pairs: tuple[Pair, ...]) -> None:
    pairs[1].infrared.write_bytes(pairs[1].infrared.read_bytes()[:60])
    chosen = plan(pairs, baseline("max"), baseline("mean"))
    outcomes = list(run(chosen, jobs=2))
    assert [set(problems(outcome).values()) == {None} for outcome in outcomes] == [True, False, True]
    assert all("b.png is damaged or truncated" in str(said) for said in problems(outcomes[1]).values())
    assert all(math.isnan(value) for row in outcomes[1].rows for value in row.values.values())


def test_sources_of_two_sizes(pairs: tuple[Pair, ...]) -> None:
    Image.fromarray(picture(1, 48, 60)).save(pairs[0].infrared)
    outcome = score_step(plan(pairs, baseline("max")), plan(pairs, baseline("max")).steps()[0])
    assert f"{pairs[0].visible} is 64x48 pixels but {pairs[0].infrared} is 60x48" in str(problems(outcome)["max"])


def test_every_trouble_with_a_fused_picture_is_named(pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    folder = tmp_path / "fused"
    folder.mkdir()
    Image.fromarray(picture(1, 24, 32)).save(folder / "a.png")  # another size
    (folder / "b.png").touch()
    (folder / "b.bmp").touch()  # c is missing
    theirs = fused_folder("theirs", folder, pairs)
    chosen = plan(pairs, theirs, baseline("max"))
    said = [problems(outcome) for outcome in run(chosen, jobs=1)]
    assert f"{folder / 'a.png'} is 32x24 pixels but its sources are 64x48" in str(said[0]["theirs"])
    assert "Several files claim to be b:" in str(said[1]["theirs"])
    assert f"{folder} holds no fused picture of c" in str(said[2]["theirs"])
    assert [entry["max"] for entry in said] == [None] * 3
    assert fused_picture(chosen, "theirs", "set", "a") is None


def test_pictures_too_small_for_a_metric(pairs: tuple[Pair, ...]) -> None:
    for path, pixels in ((pairs[0].visible, picture(1, 7, 7, 3)), (pairs[0].infrared, picture(2, 7, 7))):
        Image.fromarray(pixels).save(path)
    (row,) = next(iter(run(plan(pairs[:1], baseline("max")), jobs=1))).rows
    assert math.isfinite(row.values["EN"])
    assert math.isnan(row.values["SSIM"])
    assert row.problem == f"SSIM not defined on {pairs[0].visible} (7x7 pixels; SSIM needs 11 a side)."


def test_a_copy_is_named_where_a_metric_is_not_defined_on_it(pairs: tuple[Pair, ...]) -> None:
    copy = OnTheFly("copy", lambda visible, infrared: infrared)
    chosen = replace(plan(pairs[:1], copy), metrics=("EN", "SCD", "SSIM"))
    (row,) = next(iter(run(chosen, jobs=1))).rows
    assert row.problem == (
        f"SCD not defined on {pairs[0].visible} (64x48 pixels; the fused picture is a copy of {pairs[0].infrared})."
    )


@pytest.mark.parametrize("channels", [(), (3,)])
def test_grey_pictures_are_remarked_beside_a_source_in_colour_only(
    pairs: tuple[Pair, ...], tmp_path: Path, channels: tuple[int, ...]
) -> None:
    folder = tmp_path / "fused"
    folder.mkdir()
    grey = picture(20, 48, 64)
    stored = np.repeat(grey[..., None], 3, axis=2) if channels else grey
    for pair in pairs[:2]:
        Image.fromarray(stored).save(folder / f"{pair.name}.png")
    Image.fromarray(np.repeat(picture(21, 48, 64)[..., None], 3, axis=2)).save(pairs[1].visible)  # grey itself
    chosen = plan(pairs[:2], fused_folder("theirs", folder, pairs[:2]))
    _, remarks = collect(chosen, run(chosen, jobs=1))
    assert [remark.file for remark in remarks if "in grey beside" in remark.what] == [str(folder / "a.png")]


def test_constant_pictures_are_remarked_and_never_crash(pairs: tuple[Pair, ...]) -> None:
    Image.fromarray(np.full((48, 64), 80, np.uint8)).save(pairs[0].infrared)
    Image.fromarray(np.full((48, 64, 3), 10, np.uint8)).save(pairs[0].visible)
    (outcome,) = run(plan(pairs[:1], baseline("max")), jobs=1)
    assert {(remark.what, remark.file) for remark in outcome.remarks} == {
        ("constant, every pixel alike", str(pairs[0].visible)),
        ("constant, every pixel alike", str(pairs[0].infrared)),
    }
    (row,) = outcome.rows
    missing = [metric for metric, value in row.values.items() if math.isnan(value)]
    assert (row.problem is not None) == bool(missing)


def test_a_function_that_changes_the_size_is_named(pairs: tuple[Pair, ...]) -> None:
    cut = OnTheFly("cut", lambda visible, infrared: visible[:-1])
    (row,) = next(iter(run(plan(pairs[:1], cut), jobs=1))).rows
    assert row.problem == "cut made 64x47 pixels of a, which is 64x48."


def test_outcomes_keep_the_order_of_the_pairs_and_few_wait(pairs: tuple[Pair, ...]) -> None:
    started: list[str] = []
    lock = threading.Lock()

    def slow(visible: Bytes, infrared: Bytes) -> Bytes:
        with lock:
            started.append("")
        time.sleep(0.02 * (len(started) % 3))
        return visible

    many = tuple(Pair(f"{k:02d}", pairs[0].visible, pairs[0].infrared) for k in range(12))
    outcomes = run(plan(many, OnTheFly("slow", slow)), jobs=2)
    assert next(outcomes).step.pair.name == "00"
    time.sleep(0.5)
    assert len(started) <= 6  # two at work and a few ahead, not all twelve
    assert [outcome.step.pair.name for outcome in outcomes] == [f"{k:02d}" for k in range(1, 12)]


def test_giving_up_early_starts_nothing_more(pairs: tuple[Pair, ...]) -> None:
    started: list[int] = []
    many = tuple(Pair(f"{k:02d}", pairs[0].visible, pairs[0].infrared) for k in range(30))

    def fuse(visible: Bytes, infrared: Bytes) -> Bytes:
        started.append(1)
        return visible

    outcomes = run(plan(many, OnTheFly("m", fuse)), jobs=1)
    next(outcomes)
    outcomes.close()
    count = len(started)
    time.sleep(0.2)
    assert len(started) == count < 10
