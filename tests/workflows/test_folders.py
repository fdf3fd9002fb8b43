from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse.errors import InputError, OutputError
from distilfuse.fuser import Fuser
from distilfuse.imaging.reading import read_array
from distilfuse.workflows import folders as folders_module
from distilfuse.workflows.folders import fuse_folders, plan_folders

RNG = np.random.default_rng(22)
SIZE = (9, 7)


@pytest.fixture(scope="module")
def fuser(project: Path) -> Fuser:
    return Fuser.from_pretrained(str(project / "tests/assets/maximum-luminance.json"), threads=1)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    visible, infrared = tmp_path / "v", tmp_path / "i"
    for folder, suffix, shape in ((visible, "_vis.png", (*SIZE, 3)), (infrared, "_ir.png", SIZE)):
        folder.mkdir()
        for name in "abc":
            Image.fromarray(RNG.integers(0, 256, shape, dtype=np.uint8)).save(folder / f"{name}{suffix}")
    return visible, infrared


def test_a_folder_gives_what_its_pairs_give(fuser: Fuser, folders: tuple[Path, Path], tmp_path: Path) -> None:
    visible, infrared = folders
    plan = plan_folders(visible, infrared, tmp_path / "deep" / "out")
    assert not (tmp_path / "deep").exists(), "planning writes nothing"
    outcomes = list(fuse_folders(fuser, plan))
    assert [(outcome.job.name, outcome.error) for outcome in outcomes] == [(f"{n}_vis", None) for n in "abc"]
    for name in "abc":
        expected = fuser(read_array(visible / f"{name}_vis.png"), read_array(infrared / f"{name}_ir.png"))
        np.testing.assert_array_equal(read_array(tmp_path / "deep" / "out" / f"{name}_vis.png"), expected)
    assert len(list((tmp_path / "deep" / "out").iterdir())) == 3


def test_one_failure_does_not_stop_the_rest(fuser: Fuser, folders: tuple[Path, Path], tmp_path: Path) -> None:
    (folders[1] / "b_ir.png").write_bytes(b"no picture")
    outcomes = list(fuse_folders(fuser, plan_folders(*folders, tmp_path / "out")))
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]
    assert "b_ir.png" in str(outcomes[1].error)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a_vis.png", "c_vis.png"]


def test_too_little_memory_for_one_does_not_stop_the_rest(
    fuser: Fuser, folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def greedy(self: Fuser, visible: Image.Image, infrared: Image.Image) -> Image.Image:
        seen.append(visible)
        if len(seen) == 1:
            raise MemoryError
        return visible

    monkeypatch.setattr(Fuser, "__call__", greedy)
    outcomes = list(fuse_folders(fuser, plan_folders(*folders, tmp_path / "out")))
    assert "too large for the free memory" in str(outcomes[0].error)
    assert [outcome.error is None for outcome in outcomes] == [False, True, True]


def test_warnings_stay_with_their_pair(fuser: Fuser, folders: tuple[Path, Path], tmp_path: Path) -> None:
    Image.fromarray(np.full(SIZE, 700, np.uint16)).save(folders[1] / "b_ir.png")
    outcomes = list(fuse_folders(fuser, plan_folders(*folders, tmp_path / "out")))
    assert [len(outcome.warnings) for outcome in outcomes] == [0, 1, 0]
    assert "has the value 700 everywhere" in outcomes[1].warnings[0]


def test_a_failed_write_does_not_stop_the_rest(fuser: Fuser, folders: tuple[Path, Path], tmp_path: Path) -> None:
    plan = plan_folders(*folders, tmp_path / "out")
    (tmp_path / "out" / "b_vis.png").mkdir(parents=True)
    outcomes = list(fuse_folders(fuser, plan, overwrite=True))
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]
    assert "because a folder has that name" in str(outcomes[1].error)


def test_leaving_early_leaves_nothing_half_written(fuser: Fuser, folders: tuple[Path, Path], tmp_path: Path) -> None:
    threads = threading.active_count()
    passing = fuse_folders(fuser, plan_folders(*folders, tmp_path / "out"))
    first = next(passing)
    passing.close()
    assert first.job.output.exists()
    for path in (tmp_path / "out").iterdir():
        assert path.suffix == ".png"
        assert read_array(path).shape == (*SIZE, 3)
    assert threading.active_count() == threads


def test_large_pictures_go_one_after_another(
    fuser: Fuser, folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distilfuse.workflows.folders.PIXELS_IN_FLIGHT", 100)
    steps: list[str] = []

    def noted(name: str, call: Callable[..., object]) -> Callable[..., object]:
        def run(*arguments: object, **options: object) -> object:
            result = call(*arguments, **options)
            steps.append(name)
            return result

        return run

    for name in ("read_pair", "fuse_pair", "write_fused"):
        place = f"distilfuse.workflows.folders.{name}"
        monkeypatch.setattr(place, noted(name, getattr(folders_module, name)))
    outcomes = list(fuse_folders(fuser, plan_folders(*folders, tmp_path / "out")))
    assert [outcome.error for outcome in outcomes] == [None] * 3
    assert steps == ["read_pair", "fuse_pair", "write_fused"] * 3


def test_existing_results_are_found_before_any_work(folders: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "b_vis.png").write_bytes(b"old")
    with pytest.raises(OutputError, match=r"1 of 3 outputs exist in .*out \(b_vis\.png\): add --overwrite"):
        plan_folders(*folders, out)
    assert len(plan_folders(*folders, out, overwrite=True).jobs) == 3
    assert (out / "b_vis.png").read_bytes() == b"old"


def test_inputs_are_never_written_over(folders: tuple[Path, Path]) -> None:
    with pytest.raises(OutputError, match="is one of the pictures to be fused"):
        plan_folders(*folders, folders[0], overwrite=True)


def test_an_output_that_cannot_be_a_folder(folders: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for output in (tmp_path / "file", tmp_path / "file" / "deeper" / "out"):
        with pytest.raises(OutputError, match="file is a file: name another output"):
            plan_folders(*folders, output)


def test_only_ambiguous_names(tmp_path: Path) -> None:
    for name in ("v/a.png", "v/a.bmp", "i/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match=r"claimed by several files \(such as a\.bmp, a\.png, a\.png\)"):
        plan_folders(tmp_path / "v", tmp_path / "i", tmp_path / "out")


def test_swapped_words_in_folders(tmp_path: Path) -> None:
    for name in ("v/a_ir.png", "i/a_vis.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match=r"No name in .* matches one in .* such as a_ir\.png and a_vis\.png"):
        plan_folders(tmp_path / "v", tmp_path / "i", tmp_path / "out")
