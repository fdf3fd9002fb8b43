from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse.datasets import checking
from distilfuse.datasets.catalogue import find_dataset
from distilfuse.datasets.checking import PROBLEMS, plan_check, run_check
from distilfuse.datasets.splits import ListedPair, listed_pairs
from distilfuse.errors import ConfigError


def write(path: Path, seed: int, size: tuple[int, int] = (8, 6)) -> str:
    """A picture of noise; its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0]), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[ListedPair]]:
    """Lists of our own in place of the shipped ones."""
    own: dict[str, list[ListedPair]] = {}
    monkeypatch.setattr(checking, "listed_pairs", lambda listed: tuple(own[listed]))
    monkeypatch.setattr(
        checking, "split_stems", lambda name, split: [pair.name for pair in own["roadscene"] if pair.split == split]
    )
    return own


@pytest.fixture
def root(tmp_path: Path, lists: dict[str, list[ListedPair]]) -> Path:
    """A RoadScene of five pairs, three of them for training, whole."""
    pairs = []
    for k, name in enumerate(("a", "b", "c", "d", "e")):
        digests = [write(tmp_path / f"{folder}/{name}.png", 10 * k + j) for j, folder in enumerate(("vi", "ir"))]
        pairs.append(ListedPair(name, "train" if k < 3 else "test", f"vi/{name}.png", f"ir/{name}.png", *digests))
    lists["roadscene"] = pairs
    return tmp_path


def checked(root: Path, name: str = "roadscene", split: str | None = None) -> set[tuple[str, str]]:
    """(kind, file or pair without folders) of all problems."""
    plan = plan_check(find_dataset(name), root, split)
    problems = [*plan.problems, *(problem for _, found in run_check(plan) for problem in found)]
    assert {problem.kind for problem in problems} <= PROBLEMS.keys()
    return {(problem.kind, "/".join(Path(problem.what).parts[-2:])) for problem in problems}


def test_a_whole_set_has_no_problems(root: Path) -> None:
    assert checked(root) == set()
    plan = plan_check(find_dataset("roadscene"), root)
    assert [item.name for item in plan.items] == ["a", "b", "c", "d", "e"]


def test_missing_files_are_named(root: Path) -> None:
    (root / "ir/b.png").unlink()
    for folder in ("vi", "ir"):
        (root / folder / "d.png").unlink()
    assert checked(root) == {("missing", "ir/b"), ("missing", "vi/d"), ("missing", "ir/d")}


def test_a_corrupted_file_is_told_from_another_version(root: Path) -> None:
    content = (root / "vi/a.png").read_bytes()
    (root / "vi/a.png").write_bytes(content[: len(content) // 2])
    (root / "ir/c.png").write_bytes(b"")
    write(root / "vi/e.png", 99)
    assert checked(root) == {("corrupted", "vi/a.png"), ("corrupted", "ir/c.png"), ("another version", "vi/e.png")}


def test_another_format_is_another_version(root: Path) -> None:
    Image.open(root / "vi/b.png").save(root / "vi/b.bmp")
    (root / "vi/b.png").unlink()
    assert checked(root) == {("another version", "vi/b.bmp")}


def test_sizes_that_differ(root: Path, lists: dict[str, list[ListedPair]]) -> None:
    digest = write(root / "ir/c.png", 5, (8, 7))
    old = lists["roadscene"][2]
    lists["roadscene"][2] = ListedPair("c", "train", old.visible, old.infrared, old.visible_sha256, digest)
    assert checked(root) == {("sizes differ", "c")}
    plan = plan_check(find_dataset("roadscene"), root)
    details = [problem.detail for _, found in run_check(plan) for problem in found]
    assert details == ["8x6 and 8x7"]


def test_what_is_not_listed_is_extra_and_looked_at(root: Path) -> None:
    write(root / "vi/z.png", 1)
    write(root / "ir/z.png", 2, (3, 3))
    write(root / "vi/lone.png", 3)
    assert checked(root) == {("extra", "vi/z.png"), ("sizes differ", "z"), ("no partner", "vi/lone.png")}


def test_two_files_of_one_name_are_ambiguous(root: Path) -> None:
    Image.open(root / "vi/a.png").save(root / "vi/a.bmp")
    plan = plan_check(find_dataset("roadscene"), root)
    assert [problem.kind for problem in plan.problems] == ["ambiguous"]
    assert "a.bmp" in plan.problems[0].what


def test_one_split_only(root: Path) -> None:
    (root / "ir/b.png").unlink()
    write(root / "vi/e.png", 99)
    assert checked(root, split="train") == {("missing", "ir/b")}
    assert checked(root, split="test") == {("another version", "vi/e.png")}
    assert [item.name for item in plan_check(find_dataset("roadscene"), root, "test").items] == ["d", "e"]


def test_an_archive_beyond_a_partial_list_is_only_read(
    tmp_path: Path, lists: dict[str, list[ListedPair]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our list names some of MSRS's test pairs; the others are no fault, a short archive is one."""
    record = find_dataset("msrs")
    for k, name in enumerate(("00004N", "00008N", "00012N")):
        digests = [write(tmp_path / f"test/{folder}/{name}.png", 10 * k + j) for j, folder in enumerate(("vi", "ir"))]
        if name == "00004N":
            lists["msrs"] = [ListedPair(name, "test", "", "", *digests)]
    plan = plan_check(record, tmp_path)
    assert plan.unlisted == 2
    assert [(problem.kind, problem.detail) for problem in plan.problems] == [("incomplete", "3 pairs of 361")]
    (tmp_path / "test/vi/00008N.png").write_bytes(b"GIF89a")
    assert ("corrupted", "vi/00008N.png") in checked(tmp_path, "msrs")


def test_a_set_without_lists_is_counted_read_and_measured(tmp_path: Path) -> None:
    write(tmp_path / "M3FD_Fusion/Vis/00000.png", 1)
    write(tmp_path / "M3FD_Fusion/Ir/00000.png", 2, (8, 5))
    write(tmp_path / "M3FD_Fusion/Ir/00001.png", 2)
    assert checked(tmp_path, "m3fd") == {
        ("incomplete", "fusion"),
        ("sizes differ", "00000"),
        ("no partner", "Ir/00001.png"),
    }


def test_two_folders_of_ones_own(tmp_path: Path) -> None:
    write(tmp_path / "vi/1.png", 1)
    write(tmp_path / "ir/1.png", 2)
    assert checked(tmp_path, "folder") == set()
    with pytest.raises(ConfigError, match="'folder' has no 'test' split: leave the split out"):
        plan_check(find_dataset("folder"), tmp_path, "test")


def test_unknown_splits_are_refused(root: Path) -> None:
    write(root / "M3FD_Fusion/Vis/00000.png", 1)
    write(root / "M3FD_Fusion/Ir/00000.png", 1)
    shutil.rmtree(root / "vi")
    with pytest.raises(ConfigError, match="'m3fd' has no 'test' split: choose from fusion, detection"):
        plan_check(find_dataset("m3fd"), root, "test")


def test_real_tno(shared_data: Path) -> None:
    assert checked(shared_data, "tno") == set()


def test_real_medical_test_split_with_faults(shared_data: Path, tmp_path: Path) -> None:
    shutil.copytree(shared_data / "ct-mri" / "test", tmp_path / "test")
    assert checked(tmp_path, "harvard-ct-mri", "test") == set()
    names = [pair.name for pair in listed_pairs("ct-mri") if pair.split == "test"]
    (tmp_path / f"test/a/{names[0]}.png").unlink()
    shutil.copy(tmp_path / f"test/b/{names[1]}.png", tmp_path / f"test/a/{names[1]}.png")
    assert checked(tmp_path, "ct-mri", "test") == {
        ("missing", f"a/{names[0]}"),
        ("another version", f"a/{names[1]}.png"),
    }
