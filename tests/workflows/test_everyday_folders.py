"""Folders as people have them: deep, listed, half done, still filling."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse.errors import InputError, OutputError
from distilfuse.fuser import Fuser
from distilfuse.imaging.reading import read_array
from distilfuse.workflows.folders import Earlier, fuse_folders, plan_folders, plan_list
from distilfuse.workflows.ledger import NAME, Ledger
from distilfuse.workflows.run_report import write_run_report
from distilfuse.workflows.treatment import Treatment
from distilfuse.workflows.watching import watch

RNG = np.random.default_rng(31)
NAMES = ("a", "day/b", "day/dawn/a")


@pytest.fixture(scope="module")
def fuser(project: Path) -> Fuser:
    return Fuser.from_pretrained(str(project / "tests/assets/maximum-luminance.json"), threads=1)


def save(path: Path, channels: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (9, 7, 3) if channels == 3 else (9, 7)
    Image.fromarray(RNG.integers(0, 256, shape, dtype=np.uint8)).save(path)


@pytest.fixture
def tree(tmp_path: Path) -> tuple[Path, Path]:
    for name in NAMES:
        save(tmp_path / "v" / f"{name}_vis.png", 3)
        save(tmp_path / "i" / f"{name}_ir.png", 1)
    return tmp_path / "v", tmp_path / "i"


def outputs(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.png"))


def test_sub_folders_keep_their_place(fuser: Fuser, tree: tuple[Path, Path], tmp_path: Path) -> None:
    assert len(plan_folders(*tree, tmp_path / "flat").jobs) == 1
    plan = plan_folders(*tree, tmp_path / "out", recursive=True)
    assert [job.name for job in plan.jobs] == ["a_vis", "day/b_vis", "day/dawn/a_vis"]
    assert all(outcome.error is None for outcome in fuse_folders(fuser, plan))
    assert outputs(tmp_path / "out") == [f"{name}_vis.png" for name in NAMES]
    expected = fuser(read_array(tree[0] / "day/b_vis.png"), read_array(tree[1] / "day/b_ir.png"))
    np.testing.assert_array_equal(read_array(tmp_path / "out" / "day" / "b_vis.png"), expected)


def test_results_inside_of_the_inputs_are_no_inputs(fuser: Fuser, tree: tuple[Path, Path]) -> None:
    out = tree[0] / "fused"
    list(fuse_folders(fuser, plan_folders(*tree, out, recursive=True)))
    again = plan_folders(*tree, out, recursive=True, overwrite=True)
    assert len(again.jobs) == 3
    assert again.matching.unmatched_visible == ()


def test_a_list_says_what_belongs_together(fuser: Fuser, tree: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("visible,infrared,output\nv/a_vis.png,i/day/b_ir.png,x/one\nv/day/b_vis.png,i/a_ir.png,\n")
    plan = plan_list(path, tmp_path / "out")
    assert [job.name for job in plan.jobs] == ["x/one", "b_vis"]
    assert all(outcome.error is None for outcome in fuse_folders(fuser, plan))
    expected = fuser(read_array(tree[0] / "a_vis.png"), read_array(tree[1] / "day/b_ir.png"))
    np.testing.assert_array_equal(read_array(tmp_path / "out" / "x" / "one.png"), expected)


def test_a_list_with_missing_files_or_one_output_twice_is_refused(tree: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("visible,infrared\nv/a_vis.png,i/none.png\n")
    with pytest.raises(InputError, match=r"1 file of .* does not exist \(.*none.png\)"):
        plan_list(path, tmp_path / "out")
    path.write_text("visible,infrared\nv/a_vis.png,i/a_ir.png\nv/a_vis.png,i/day/b_ir.png\n")
    with pytest.raises(OutputError, match="have one output"):
        plan_list(path, tmp_path / "out")


def test_only_what_is_missing_or_changed_is_made_again(fuser: Fuser, tree: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"

    def run(settings: str = "s") -> list[str]:
        earlier = Earlier(Ledger(out), settings)
        plan = plan_folders(*tree, out, recursive=True, earlier=earlier)
        outcomes = list(fuse_folders(fuser, plan, earlier=earlier))
        assert len(plan.skipped) + len(outcomes) == 3
        assert all(outcome.error is None for outcome in outcomes)
        return [outcome.job.name for outcome in outcomes]

    assert len(run()) == 3
    assert run() == []
    (out / "day" / "b_vis.png").unlink()
    assert run() == ["day/b_vis"]
    save(tree[1] / "a_ir.png", 1)
    assert run() == ["a_vis"]
    assert len(run("other settings")) == 3
    (out / NAME).unlink()
    with pytest.raises(OutputError, match="3 of 3 outputs exist"):  # nobody knows who made them
        run()


def test_a_result_that_others_changed_is_made_again(fuser: Fuser, tree: tuple[Path, Path], tmp_path: Path) -> None:
    earlier = Earlier(Ledger(tmp_path / "out"), "s")
    list(fuse_folders(fuser, plan_folders(*tree, tmp_path / "out", earlier=earlier), earlier=earlier))
    (tmp_path / "out" / "a_vis.png").write_bytes(b"cut short")
    earlier = Earlier(Ledger(tmp_path / "out"), "s")
    assert len(plan_folders(*tree, tmp_path / "out", earlier=earlier).jobs) == 1


def test_further_folders_are_folded_in(fuser: Fuser, tree: tuple[Path, Path], tmp_path: Path) -> None:
    for name in NAMES:
        save(tmp_path / "more" / f"{name}_ir.png", 1)
    plan = plan_folders(*tree, tmp_path / "out", recursive=True, more=[tmp_path / "more"])
    assert all(outcome.error is None for outcome in fuse_folders(fuser, plan))
    pictures = [read_array(path) for path in plan.jobs[0].inputs]
    np.testing.assert_array_equal(read_array(plan.jobs[0].output), fuser(fuser(*pictures[:2]), pictures[2]))
    (tmp_path / "more" / "a_ir.png").unlink()
    with pytest.raises(InputError, match=r"has no partner for 1 pairs \(a_vis\)"):
        plan_folders(*tree, tmp_path / "other", recursive=True, more=[tmp_path / "more"])


def test_the_report_names_everything(fuser: Fuser, tree: tuple[Path, Path], tmp_path: Path) -> None:
    (tree[1] / "day" / "b_ir.png").write_bytes(b"no picture")
    save(tree[0] / "alone.png", 3)
    plan = plan_folders(*tree, tmp_path / "out", recursive=True)
    outcomes = list(fuse_folders(fuser, plan))
    write_run_report(
        tmp_path / "r.json", plan, outcomes[:2], fuser=fuser, treatment=Treatment(color="gray"), seconds=1.0
    )
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["counts"] == {"fused": 1, "skipped": 0, "failed": 1, "not done": 1}
    assert [pair["state"] for pair in report["pairs"]] == ["fused", "failed", "not done"]
    assert report["pairs"][0]["inputs"] == [str(tree[0] / "a_vis.png"), str(tree[1] / "a_ir.png")]
    assert "b_ir.png" in report["pairs"][1]["error"]
    assert report["without_partner"] == [str(tree[0] / "alone.png")]
    assert report["treatment"]["color"] == "gray"


def test_watching_hands_out_what_is_whole_once(fuser: Fuser, tree: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    pauses = 0

    def sleep(seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        if pauses == 2:  # a picture that arrives in two parts
            (tree[0] / "late_vis.png").write_bytes((tree[0] / "a_vis.png").read_bytes()[:40])
            (tree[1] / "late_ir.png").write_bytes((tree[1] / "a_ir.png").read_bytes())
        if pauses == 3:
            (tree[0] / "late_vis.png").write_bytes((tree[0] / "a_vis.png").read_bytes())
        if pauses == 8:
            raise KeyboardInterrupt

    earlier = Earlier(Ledger(out), "s")

    seen: list[list[str]] = []

    def look() -> None:
        for plan in watch(lambda: plan_folders(*tree, out, recursive=True, earlier=earlier), sleep=sleep):
            seen.append([job.name for job in plan.jobs])
            assert all(outcome.error is None for outcome in fuse_folders(fuser, plan, earlier=earlier))

    with pytest.raises(KeyboardInterrupt):
        look()
    assert seen == [["a_vis", "day/b_vis", "day/dawn/a_vis"], ["late_vis"]]
    assert len(outputs(out)) == 4
