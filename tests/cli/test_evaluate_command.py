from __future__ import annotations

import csv
import importlib.util
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from distilfuse.cli.main import main
from distilfuse.datasets.splits import split_stems
from distilfuse.metrics import score

EN_SSIM = ("--metrics", "EN,SSIM")


def picture(seed: int, *shape: int) -> NDArray[np.uint8]:
    """Soft blobs: enough structure for every metric."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, *shape[2:]), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


@pytest.fixture
def model(project: Path) -> str:
    return str(project / "tests/assets/maximum-luminance.json")


@pytest.fixture
def road(tmp_path: Path) -> Path:
    """``road/vi``, ``road/ir`` and two folders of fused pictures, one of them grey."""
    folder = tmp_path / "road"
    for name, shape in (("vi", (48, 64, 3)), ("ir", (48, 64)), ("theirs", (48, 64, 3)), ("grey", (48, 64))):
        (folder / name).mkdir(parents=True)
        for k, stem in enumerate("abcd"):
            Image.fromarray(picture(len(name) * 10 + k, *shape)).save(folder / name / f"{stem}.png")
    return folder


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: object) -> int:
    words = ["distilfuse", "evaluate", folder / "vi", folder / "ir", "--jobs", 2, *arguments]
    monkeypatch.setattr(sys, "argv", [str(word) for word in words])
    try:
        main()
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_several_methods_end_to_end(
    road: Path, tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    fused = ("--fused", f"theirs={road / 'theirs'}", "--fused", f"grey={road / 'grey'}")
    methods = (*fused, "--model", model, "--baseline", "max", "--baseline", "mean", "--baseline", "laplacian")
    assert run(monkeypatch, road, *methods, "--baseline", "msx", *EN_SSIM, "-o", out) == 0
    said = capsys.readouterr()
    assert "road, protocol paper@1, n = 4 pairs" in said.out
    assert said.out.splitlines()[1].split() == ["method", "EN", "↑", "SSIM", "↑"]
    assert sorted(path.name for path in out.iterdir()) == [
        "report.html",
        "scores.csv",
        "scores.json",
        "table.md",
        "table.tex",
    ]
    rows = read(out / "scores.csv")
    assert list(rows[0]) == ["method", "set", "name", "protocol", "EN", "SSIM"]
    names = ["theirs", "grey", "maximum-luminance", "max", "mean", "laplacian", "msx"]
    assert [(row["method"], row["set"], row["name"], row["protocol"]) for row in rows] == [
        (name, "road", stem, "paper@1") for name in names for stem in "abcd"
    ]
    visible, infrared, grey = (np.asarray(Image.open(road / kind / "b.png")) for kind in ("vi", "ir", "grey"))
    expected = score(visible, infrared, grey, metrics=("EN", "SSIM"))
    assert {metric: float(rows[5][metric]) for metric in expected} == pytest.approx(expected, rel=1e-8)
    # The printed mean is that of the rows.
    mean = sum(float(row["EN"]) for row in rows if row["method"] == "grey") / 4
    assert f"{mean:.3f}" in next(line for line in said.out.splitlines() if line.startswith("grey "))


def test_without_output_the_table_is_printed_only(
    road: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(road.rglob("*"))
    monkeypatch.chdir(road)
    assert run(monkeypatch, road, "--baseline", "max", "--metrics", "EN", "--set", "my set") == 0
    assert "my set, protocol paper@1, n = 4 pairs" in capsys.readouterr().out
    assert sorted(road.rglob("*")) == before


def test_every_problem_is_named_and_nothing_is_dropped(
    road: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(name: str, pixels: NDArray[np.generic]) -> None:
        Image.fromarray(pixels).save(road / name)

    write("theirs/a.png", picture(1, 24, 32, 3))  # another size
    (road / "theirs/b.png").unlink()  # missing
    (road / "ir/c.png").write_bytes(b"no picture")
    write("vi/e.png", picture(2, 48, 64, 3))  # no infrared
    write("ir/f.png", picture(3, 48, 64))  # no visible
    write("theirs/z.png", picture(4, 48, 64))  # of no pair
    for stem, pixels in {
        "flat": np.full((48, 64), 90, np.uint8),
        "deep": picture(6, 48, 64).astype(np.uint16) * 257,
        "hues": picture(7, 48, 64, 3),
        "tiny": picture(8, 7, 7),
    }.items():
        write(f"ir/{stem}.png", pixels)
        for folder in ("vi", "theirs"):
            write(f"{folder}/{stem}.png", picture(9, *pixels.shape[:2], 3))
    out = tmp_path / "out"
    assert run(monkeypatch, road, "-f", f"theirs={road / 'theirs'}", "--baseline", "max", *EN_SSIM, "-o", out) == 1
    said = " ".join(capsys.readouterr().err.split())
    content = json.loads((out / "scores.json").read_text("utf-8"))
    named = " ".join(content["problems"] + content["notes"])
    for sentence in (
        f"{road}/theirs/a.png is 32x24 pixels but its sources are 64x48",
        f"{road}/theirs holds no fused picture of b",
        f"{road}/ir/c.png is not a picture that can be read",
        f"{road}/vi/e.png has no infrared counterpart.",
        f"{road}/ir/f.png has no visible counterpart.",
        f"SSIM not defined on {road}/vi/tiny.png (7x7 pixels",
        f"1 picture in {road}/theirs belongs to no pair: {road}/theirs/z.png.",
        f"Constant, every pixel alike: {road}/ir/flat.png.",
        f"16-bit values, scaled by type to 8 bit: {road}/ir/deep.png.",
        f"Infrared in colour, turned to grey: {road}/ir/hues.png.",
    ):
        assert sentence in said
        assert sentence in named
    rows = {(row["method"], row["name"]): row for row in read(out / "scores.csv")}
    assert len(rows) == 2 * 8
    assert {key for key, row in rows.items() if row["EN"] == ""} == {
        ("theirs", "a"),
        ("theirs", "b"),
        ("theirs", "c"),
        ("max", "c"),
    }
    assert {key[1] for key, row in rows.items() if row["SSIM"] == "" and row["EN"] != ""} == {"tiny"}
    cells = {(entry["method"], entry["metric"]): entry for entry in content["summary"]}
    # a, b and c lack a picture for one method at least; tiny has no SSIM besides.
    assert cells["max", "EN"]["n"] == cells["theirs", "EN"]["n"] == 5
    assert cells["max", "SSIM"]["n"] == cells["theirs", "SSIM"]["n"] == 4
    common = [float(rows["max", name]["EN"]) for name in ("d", "flat", "deep", "hues", "tiny")]
    assert cells["max", "EN"]["mean"] == pytest.approx(np.mean(common), rel=1e-8)
    assert (out / "table.md").read_text("utf-8").count("a.png is 32x24 pixels but its sources are 64x48") == 1
    page = (out / "report.html").read_text("utf-8").partition('id="report-data"')[0]
    assert page.count("a.png is 32x24 pixels but its sources are 64x48") == 1


def test_degraded_inputs(
    road: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ("--fused", f"theirs={road / 'theirs'}", "--baseline", "max", "--metrics", "EN", "-o", out)
    assert run(monkeypatch, road, *words, "--degrade", "ir_noise@1,ir_noise@4,low_light") == 0
    said = capsys.readouterr()
    assert "Not in the tables of degraded inputs: theirs" in said.err
    rows = read(out / "scores.csv")
    sets = ["road", "road/ir_noise@1", "road/ir_noise@4", "road/low_light@3"]
    assert list(dict.fromkeys(row["set"] for row in rows)) == sets
    assert {row["method"] for row in rows if row["set"] != "road"} == {"max"}
    of_max = [row for row in rows if row["method"] == "max"]
    entropy = {name: np.mean([float(row["EN"]) for row in of_max if row["set"] == name]) for name in sets}
    assert entropy["road"] < entropy["road/ir_noise@1"] < entropy["road/ir_noise@4"]
    assert "| ir\\_noise@4 | max |" in (out / "robustness.md").read_text("utf-8")
    assert (out / "robustness.tex").is_file()
    with Image.open(out / "robustness.png") as chart:
        chart.load()
    # The same again is the same, whatever the number of jobs; another seed is not.
    for seed, alike in ((0, True), (1, False)):
        again = tmp_path / f"again-{seed}"
        more = ("--degrade", "ir_noise@1,ir_noise@4,low_light", "--seed", seed, "--jobs", 1)
        assert run(monkeypatch, road, *words[:-1], again, *more) == 0
        assert ((again / "scores.csv").read_bytes() == (out / "scores.csv").read_bytes()) == alike


def test_all_stands_for_eight_kinds(
    road: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, road, "--baseline", "max", "--metrics", "EN", "--degrade", "all@2") == 0
    assert capsys.readouterr().out.count("road/") == 8


def test_earlier_scores_stand_beside_new_ones(
    road: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, road, "--baseline", "max", *EN_SSIM, "-o", tmp_path / "one") == 0
    for suffix in ("csv", "json"):
        earlier = tmp_path / "one" / f"scores.{suffix}"
        out = tmp_path / suffix
        assert run(monkeypatch, road, "--baseline", "mean", "--scores", earlier, *EN_SSIM, "-o", out) == 0
        assert [row["method"] for row in read(out / "scores.csv")] == ["mean"] * 4 + ["max"] * 4
        # The intervals do not depend on where a row came from.
        first = json.loads((tmp_path / "one" / "scores.json").read_text("utf-8"))["summary"][0]
        again = next(
            entry
            for entry in json.loads((out / "scores.json").read_text("utf-8"))["summary"]
            if entry["method"] == "max" and entry["metric"] == "EN"
        )
        assert [again[end] for end in ("low", "high")] == pytest.approx([first[end] for end in ("low", "high")])
    capsys.readouterr()
    assert run(monkeypatch, road, "--baseline", "max", "--scores", tmp_path / "one/scores.csv", *EN_SSIM) == 2
    assert "hold 'max' on this set already" in capsys.readouterr().err


@pytest.mark.parametrize("label", ["standard@1", "paper@0"])
def test_another_protocol_or_version_is_refused_before_any_work(
    label: str, road: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.csv").write_text(f"method,set,name,protocol,EN\nold,road,a,{label},7\n", "utf-8")
    assert run(monkeypatch, road, "--baseline", "max", "--scores", tmp_path / "s.csv", "-o", tmp_path / "out") == 2
    assert f"{label} cannot be compared with those of paper@1" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "nothing to score"),
        (("--fused", "nameless"), "write --fused NAME=DIR"),
        (("--fused", "x=/no/such/folder"), "does not exist"),
        (("--baseline", "median"), "no baseline 'median'"),
        (("--baseline", "max", "--baseline", "max"), "Two methods are called 'max'"),
        (("--baseline", "max", "--metrics", "EN,ENT"), "no metric 'ENT'"),
        (("--baseline", "max", "--protocol", "mine"), "mine"),
        (("--baseline", "max", "--degrade", "fog@3"), "fog"),
        (("--baseline", "max", "--degrade", "haze@9"), "from 1 to 5"),
        (("--baseline", "max", "--scores", "none.csv"), "cannot be read"),
        (("--model", "no-such-model"), "no-such-model"),
        (("--baseline", "max", "--jobs", "0"), "--jobs"),
    ],
)
def test_wrong_input_is_said_in_a_sentence(
    words: tuple[str, ...],
    sentence: str,
    road: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, road, *words) == 2
    assert sentence in capsys.readouterr().err


def test_results_are_not_written_over_unasked(
    road: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--baseline", "max", "--metrics", "EN", "-o", tmp_path / "out")
    assert run(monkeypatch, road, *words) == 0
    before = (tmp_path / "out/scores.json").read_bytes()
    assert run(monkeypatch, road, *words) == 1
    assert "add --overwrite" in capsys.readouterr().err
    assert run(monkeypatch, road, *words, "--overwrite") == 0
    assert (tmp_path / "out/scores.json").read_bytes() == before


def test_a_metric_whose_extra_is_missing_is_one_sentence(
    road: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "brisque", None)
    assert run(monkeypatch, road, "--baseline", "max", "--metrics", "en,brisque") == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "BRISQUE needs brisque, which is not installed: pip install 'distilfuse[no-reference]'\n"


@pytest.mark.parametrize(("missing", "output"), [("scipy", False), ("matplotlib", True), ("jinja2", True)])
def test_a_missing_extra_is_said_before_any_work(
    missing: str,
    output: bool,
    road: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr("distilfuse.evaluation.extras.find_spec", lambda name: None if name == missing else found(name))
    words = ("-o", tmp_path / "out") if output else ()
    assert run(monkeypatch, road, "--baseline", "max", *words) == 1
    assert "pip install 'distilfuse[evaluate]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_over_sharpening_draws_a_warning(
    road: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    noisy = road / "noisy"
    noisy.mkdir()
    rng = np.random.default_rng(0)
    for path in (road / "vi").iterdir():
        pixels = np.asarray(Image.open(path)) + rng.normal(0, 40, (48, 64, 3))
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(noisy / path.name)
    assert run(monkeypatch, road, "-f", f"noisy={noisy}", "--baseline", "max", "--metrics", "EN,Qabf,SSIM") == 0
    said = capsys.readouterr().err
    assert "Beware, road: noisy against max: EN (" in said
    assert "down. Noise and over-sharpening give such numbers" in said


@pytest.mark.skipif(os.name != "posix", reason="signals to one process are sent otherwise here")
def test_ctrl_c_leaves_nothing_behind(road: Path, tmp_path: Path, project: Path) -> None:
    for k in range(200):
        for folder, shape in (("vi", (48, 64, 3)), ("ir", (48, 64))):
            Image.fromarray(picture(k, *shape)).save(road / folder / f"{k}.png")
    out = tmp_path / "out"
    # A shell's background jobs ignore Ctrl-C, and so would a test that runs in one.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); print('ready', flush=True); "
    code += "from distilfuse.cli.main import main; main()"
    words = ["evaluate", road / "vi", road / "ir", "--baseline", "laplacian", "-j", "2", "-o", out]
    words += ["--degrade", "all@1"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert not out.exists()


def test_a_split_is_scored_alone_and_what_it_lacks_is_named(
    road: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = split_stems("roadscene", "test")[:2]
    for folder in ("vi", "ir"):
        (road / folder / "a.png").rename(road / folder / f"{first}.png")
    words = ("--set", "roadscene", "--split", "test", "--baseline", "max", "--metrics", "EN")
    assert run(monkeypatch, road, *words) == 1
    said = capsys.readouterr()
    assert "roadscene, protocol paper@1, n = 1 pair\n" in said.out
    assert f"Listed in the split, but no pair here: {second}, " in said.err


def test_nan_is_never_part_of_a_mean(road: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for folder, shape in (("vi", (7, 7, 3)), ("ir", (7, 7))):
        Image.fromarray(picture(1, *shape)).save(road / folder / "tiny.png")
    assert run(monkeypatch, road, "--baseline", "max", *EN_SSIM, "-o", tmp_path / "out") == 1
    summary = json.loads((tmp_path / "out/scores.json").read_text("utf-8"))["summary"]
    (ssim,) = [entry for entry in summary if entry["metric"] == "SSIM"]
    assert (ssim["n"], ssim["missing"]) == (4, 1)
    assert math.isfinite(ssim["mean"])
