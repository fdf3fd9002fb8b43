"""What counts as finished."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from distilfuse.workflows.ledger import NAME, Ledger, digest_of


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, list[Path]]:
    inputs = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in inputs:
        path.write_bytes(path.name.encode())
    (tmp_path / "out" / "deep").mkdir(parents=True)
    output = tmp_path / "out" / "deep" / "f.png"
    output.write_bytes(b"fused")
    Ledger(tmp_path / "out").add(output, inputs, "settings")
    return output, inputs


def finished(made: tuple[Path, list[Path]], settings: str = "settings") -> bool:
    return Ledger(made[0].parents[1]).is_finished(made[0], made[1], settings)


def test_what_is_as_it_was_is_finished(made: tuple[Path, list[Path]]) -> None:
    assert finished(made)
    assert made[0] in Ledger(made[0].parents[1])
    assert made[1][0] not in Ledger(made[0].parents[1])


def test_a_file_that_was_only_touched_or_copied_is_the_same(made: tuple[Path, list[Path]]) -> None:
    for path in (made[0], *made[1]):
        os.utime(path, (1, 1))
    assert finished(made)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_other_content_of_the_same_size_is_not_finished(which: int, made: tuple[Path, list[Path]]) -> None:
    path = (made[0], *made[1])[which]
    path.write_bytes(b"x" * path.stat().st_size)
    os.utime(path, (1, 1))
    assert not finished(made)


def test_other_settings_other_inputs_and_lost_files_are_not_finished(made: tuple[Path, list[Path]]) -> None:
    assert not finished(made, "others")
    assert not finished((made[0], made[1][::-1]))
    assert not finished((made[0], made[1][:1]))
    made[1][0].unlink()
    assert not finished(made)


def test_a_lost_result_is_not_finished(made: tuple[Path, list[Path]]) -> None:
    made[0].unlink()
    assert not finished(made)


def test_a_line_cut_short_loses_itself_only(made: tuple[Path, list[Path]]) -> None:
    ledger = made[0].parents[1] / NAME
    ledger.write_text(ledger.read_text() + '{"output": {"path": "deep/g.p')
    assert finished(made)
    other = made[0].with_name("h.png")
    other.write_bytes(b"h")
    Ledger(made[0].parents[1]).add(other, made[1], "settings")
    # The line that was cut short swallowed the next one; both are made again, the rest is kept.
    assert finished(made)


def test_the_digest_is_of_the_values_not_of_their_order() -> None:
    assert digest_of({"a": 1, "b": [2.5, None]}) == digest_of({"b": [2.5, None], "a": 1}) != digest_of({"a": 1})
