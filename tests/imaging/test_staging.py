from __future__ import annotations

from pathlib import Path

import pytest

from distilfuse.errors import OutputError
from distilfuse.imaging.staging import staged


def fill(parts: list[Path]) -> None:
    parts[0].write_text("new file")
    parts[1].mkdir()
    (parts[1] / "a").write_text("new folder")


def tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def targets(tmp_path: Path) -> list[Path]:
    return [tmp_path / "f.nii.gz", tmp_path / "d"]


@pytest.fixture
def old(targets: list[Path]) -> None:
    targets[0].write_text("old file")
    targets[1].mkdir()
    (targets[1] / "b").write_text("old folder")


NEW = {"f.nii.gz": "new file", "d/a": "new folder"}
OLD = {"f.nii.gz": "old file", "d/b": "old folder"}


def test_all_take_their_places_at_the_end(tmp_path: Path, targets: list[Path]) -> None:
    with staged(targets) as parts:
        assert [part.name.endswith(target.name) for part, target in zip(parts, targets, strict=True)] == [True, True]
        fill(parts)
        assert not targets[0].exists()
    assert tree(tmp_path) == NEW


@pytest.mark.usefixtures("old")
def test_what_was_there_is_replaced(tmp_path: Path, targets: list[Path]) -> None:
    with staged(targets) as parts:
        fill(parts)
        assert tree(tmp_path).items() >= OLD.items()
    assert tree(tmp_path) == NEW


@pytest.mark.usefixtures("old")
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError("x")])
def test_a_failure_leaves_what_was_there(tmp_path: Path, targets: list[Path], error: BaseException) -> None:
    expected = OutputError if isinstance(error, OSError) else type(error)

    def write() -> None:
        with staged(targets) as parts:
            fill(parts)
            raise error

    with pytest.raises(expected) as raised:
        write()
    assert tree(tmp_path) == OLD
    if isinstance(error, OSError):
        assert str(raised.value).endswith(
            "cannot be written (No space left on device): check the folder and the space."
        )


@pytest.mark.usefixtures("old")
def test_a_move_that_fails_undoes_those_before(
    tmp_path: Path, targets: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if ".part." in self.name and target == targets[1]:
            raise PermissionError(13, "Permission denied")
        return plain(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OutputError, match="Permission denied"), staged(targets) as parts:
        fill(parts)
    assert tree(tmp_path) == OLD


def test_an_error_names_the_target_and_no_hidden_path(targets: list[Path]) -> None:
    def write() -> None:
        with staged(targets) as parts:
            raise OutputError(f"{parts[1] / 'a.png'} cannot be written.")

    with pytest.raises(OutputError) as raised:
        write()
    assert str(raised.value) == f"{targets[1] / 'a.png'} cannot be written."
