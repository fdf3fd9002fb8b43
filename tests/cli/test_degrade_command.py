from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse import __version__
from distilfuse.cli.main import main
from distilfuse.evaluation.degradations import DEGRADATIONS, degrade, generator


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["distilfuse", "degrade", *map(str, arguments)])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def rendered(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(seed).integers(20, 200, shape, dtype=np.uint8)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A set ``yard`` of three pairs, with names as recorders give them."""
    for folder in ("vi", "ir"):
        (tmp_path / "yard" / folder).mkdir(parents=True)
    for k, name in enumerate(("01", "02", "03")):
        Image.fromarray(rendered(k, (24, 32, 3))).save(tmp_path / f"yard/vi/{name}.png")
        Image.fromarray(rendered(10 + k, (24, 32))).save(tmp_path / f"yard/ir/{name}_ir.bmp")
    return tmp_path / "yard"


def expected(k: int, name: str, kind: str, severity: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    visible, infrared = rendered(k, (24, 32, 3)), rendered(10 + k, (24, 32))
    results = degrade(
        visible / np.float32(255),
        infrared / np.float32(255),
        kind=kind,
        severity=severity,
        rng=generator(seed, f"yard/{name}", kind),
    )
    return tuple(np.round(image * 255).astype(np.uint8) for image in results)  # type: ignore[return-value]


def test_two_folders(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "deep" / "out"
    assert run(monkeypatch, data / "vi", data / "ir", "-o", out, "--kind", "low_light+ir_noise@4,haze@2.5") == 0
    said = capsys.readouterr()
    assert "3 of 3 pairs degraded (low_light+ir_noise@4, haze@2.5)" in said.out
    assert said.err == ""
    assert sorted(path.name for path in out.iterdir()) == ["haze@2.5", "low_light+ir_noise@4"]
    for kind, severity in (("low_light+ir_noise", 4), ("haze", 2.5)):
        folder = out / f"{kind}@{severity}"
        assert sorted(path.name for path in folder.iterdir()) == ["degradation.json", "ir", "vi"]
        for k, name in enumerate(("01", "02", "03")):
            visible, infrared = expected(k, name, kind, severity)
            np.testing.assert_array_equal(np.asarray(Image.open(folder / f"vi/{name}.png")), visible)
            np.testing.assert_array_equal(np.asarray(Image.open(folder / f"ir/{name}.png")), infrared)


def test_the_note_says_how_it_was_made(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    assert run(monkeypatch, data / "vi", data / "ir", "-o", out, "-k", "glare", "--seed", "7", "--set", "x") == 0
    note = json.loads((out / "glare@3" / "degradation.json").read_text("utf-8"))
    assert (note["kind"], note["severity"]) == ("glare", 3.0)
    assert (note["seed"], note["set"], note["distilfuse"]) == (7, "x", __version__)
    assert note["pairs"] == ["01", "02", "03"]
    assert note["events"] == [["glare", "A"]]


def test_seed_and_set_decide_the_noise(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = []
    for k, more in enumerate(((), ("--seed", "1"), ("--set", "other"), ("--set", "yard"))):
        out = tmp_path / f"out{k}"
        assert run(monkeypatch, data / "vi", data / "ir", "-o", out, "-k", "ir_noise", *more) == 0
        pictures.append(np.asarray(Image.open(out / "ir_noise@3/ir/01.png")))
    assert (pictures[0] != pictures[1]).mean() > 0.5
    assert (pictures[0] != pictures[2]).mean() > 0.5
    np.testing.assert_array_equal(pictures[0], pictures[3])


def test_two_files_give_what_the_folder_gives(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    assert run(monkeypatch, data / "vi/02.png", data / "ir/02_ir.bmp", "-o", out, "-k", "ir_stripes@5") == 0
    visible, infrared = expected(1, "02", "ir_stripes", 5)
    np.testing.assert_array_equal(np.asarray(Image.open(out / "ir_stripes@5/vi/02.png")), visible)
    np.testing.assert_array_equal(np.asarray(Image.open(out / "ir_stripes@5/ir/02.png")), infrared)


def test_what_has_no_partner_is_listed(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    Image.fromarray(rendered(0, (24, 32))).save(data / "vi/77.png")
    assert run(monkeypatch, data / "vi", data / "ir", "-o", tmp_path / "out", "-k", "jpeg") == 0
    assert "1 visible without a partner: 77.png" in capsys.readouterr().err


def test_a_bad_pair_is_named_and_the_others_go_on(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    (data / "vi/01.png").write_bytes(b"no picture")
    Image.fromarray(rendered(0, (24, 31))).save(data / "ir/02_ir.bmp")
    out = tmp_path / "out"
    assert run(monkeypatch, data / "vi", data / "ir", "-o", out, "-k", "low_light") == 1
    said = capsys.readouterr()
    assert "1 of 3 pairs degraded" in said.out
    assert "01 failed: " in said.err
    assert "is not a picture that can be read" in said.err
    assert "is 32x24 pixels but" in said.err
    assert "2 of 3 pairs failed: 01, 02" in said.err
    assert [path.name for path in (out / "low_light@3/vi").iterdir()] == ["03.png"]
    assert json.loads((out / "low_light@3/degradation.json").read_text("utf-8"))["pairs"] == ["03"]


def test_results_are_not_replaced_unasked(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "out"
    first = (data / "vi", data / "ir", "-o", out, "-k", "ir_noise")
    assert run(monkeypatch, *first) == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert run(monkeypatch, *first, "--seed", "1") == 1
    said = capsys.readouterr().err
    assert "6 of the pictures to write exist" in said
    assert "add --overwrite" in said
    assert said.count("\n") == 1
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert run(monkeypatch, *first, "--seed", "1", "--overwrite") == 0
    assert (out / "ir_noise@3/ir/01.png").read_bytes() != before[out / "ir_noise@3/ir/01.png"]


def test_nothing_half_written_stays(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Image.Image, file: object, **options: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    out = tmp_path / "out"
    assert run(monkeypatch, data / "vi", data / "ir", "-o", out, "-k", "low_light") == 1
    assert [path.name for path in out.rglob("*") if path.is_file()] == ["degradation.json"]


def test_inputs_are_never_written_over(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    held = tmp_path / "out" / "haze@3"
    held.mkdir(parents=True)
    (data / "vi").rename(held / "vi")
    before = (held / "vi/01.png").read_bytes()
    arguments = (held / "vi", data / "ir", "-o", tmp_path / "out", "-k", "haze", "--overwrite")
    assert run(monkeypatch, *arguments) == 1
    assert "is one of the pictures" in capsys.readouterr().err
    assert (held / "vi/01.png").read_bytes() == before


def test_deep_grey_alpha_and_coloured_pictures(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    heat = rendered(10, (24, 32))
    Image.fromarray(heat.astype(np.uint16) * 257).save(data / "ir/01_ir.png")
    (data / "ir/01_ir.bmp").unlink()
    Image.fromarray(rendered(1, (24, 32, 4))).save(data / "vi/02.png")
    Image.fromarray(np.repeat(rendered(12, (24, 32, 1)), 3, axis=2)).save(data / "ir/03_ir.bmp")
    out = tmp_path / "out"
    assert run(monkeypatch, data / "vi", data / "ir", "-o", out, "-k", "over_exposure@1") == 0
    assert "16-bit values, scaled by type to 8 bit" in capsys.readouterr().err
    np.testing.assert_array_equal(np.asarray(Image.open(out / "over_exposure@1/ir/01.png")), heat)
    assert Image.open(out / "over_exposure@1/vi/02.png").mode == "RGB"
    np.testing.assert_array_equal(np.asarray(Image.open(out / "over_exposure@1/ir/03.png")), rendered(12, (24, 32)))


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("vi", "ir", "-o", "out", "-k", "fog"), 2, "Unknown degradation 'fog': choose from low_light"),
        (("vi", "ir", "-o", "out", "-k", "haze@9"), 2, "Severity must be from 1 to 5"),
        (("vi", "nowhere", "-o", "out", "-k", "haze"), 2, "nowhere does not exist"),
        (("vi", "ir/01_ir.bmp", "-o", "out", "-k", "haze"), 2, "is a folder but"),
        (("vi", "ir", "-o", "vi/01.png", "-k", "haze"), 1, "cannot be a folder because"),
        (("vi", "ir", "-o", "vi/01.png/deep", "-k", "haze"), 1, "cannot be a folder because"),
    ],
)
def test_wrong_input_ends_in_one_sentence(
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    arguments: tuple[str, ...],
    status: int,
    message: str,
) -> None:
    monkeypatch.chdir(data)
    assert run(monkeypatch, *arguments) == status
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert said.err.count("\n") == 1
    assert not (data / "out").exists()


def test_list_shows_every_kind_in_words(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    assert run(monkeypatch, "--list") == 0
    said = " ".join(capsys.readouterr().out.split())
    for kind, card in DEGRADATIONS.items():
        assert f"{kind}: {card.title} (" in said
        assert " ".join(card.description.split()) in said
        assert card.severities in said


def test_results_are_ready_for_matching(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from distilfuse.imaging.pairs import match_folders

    out = tmp_path / "out"
    assert run(monkeypatch, data / "vi", data / "ir", "-o", out, "-k", "misregistration") == 0
    matching = match_folders(out / "misregistration@3/vi", out / "misregistration@3/ir")
    assert [pair.name for pair in matching.pairs] == ["01", "02", "03"]
    assert matching.unmatched_visible == matching.unmatched_infrared == ()


def test_evaluate_degrades_alike(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``evaluate --degrade`` hands to a method is what this command writes."""
    from distilfuse.evaluation.methods import OnTheFly
    from distilfuse.evaluation.planning import default_set_name, find_pairs, make_plan
    from distilfuse.evaluation.scoring import run as score_all

    seen: list[tuple[np.ndarray, np.ndarray]] = []

    def spy(visible: np.ndarray, infrared: np.ndarray) -> np.ndarray:
        seen.append((visible, infrared))
        return visible

    plan = make_plan(
        find_pairs(data / "vi", data / "ir").pairs,
        [OnTheFly("spy", spy)],
        dataset=default_set_name(data / "vi"),
        protocol="paper",
        metrics=("EN",),
        degradations=[("low_light+ir_noise", 4.0)],
        seed=3,
    )
    assert len(list(score_all(plan, jobs=1))) == 6
    out = tmp_path / "out"
    assert run(monkeypatch, data / "vi", data / "ir", "-o", out, "-k", "low_light+ir_noise@4", "--seed", 3) == 0
    for name, (visible, infrared) in zip(("01", "02", "03"), seen[3:], strict=True):
        folder = out / "low_light+ir_noise@4"
        np.testing.assert_array_equal(np.asarray(Image.open(folder / f"vi/{name}.png")), visible)
        np.testing.assert_array_equal(np.asarray(Image.open(folder / f"ir/{name}.png")), infrared)
