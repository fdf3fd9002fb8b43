"""Options of ``distilfuse fuse`` beyond files and folders."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from distilfuse import samples
from distilfuse.cli.main import app, main
from distilfuse.errors import DistilfuseError
from distilfuse.imaging.colour import luminance
from distilfuse.imaging.reading import read_array
from distilfuse.workflows.alignment.rig import Rig

VISIBLE, INFRARED = samples.paths("day-road")
RNG = np.random.default_rng(4)


@pytest.fixture
def model(project: Path) -> str:
    return str(project / "tests" / "assets" / "maximum-luminance.json")


def fuse(*words: object, model: str = "nano-ivif") -> str:
    said = ["fuse", *map(str, words), "-m", model, "-b", "onnxruntime", "-t", "1"]
    done = CliRunner().invoke(app, said)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def refused(*words: object, model: str = "nano-ivif") -> str:
    with pytest.raises(DistilfuseError) as caught:
        fuse(*words, model=model)
    return str(caught.value)


def test_strength_zero_is_the_visible_picture_and_one_the_infrared(tmp_path: Path) -> None:
    fuse(VISIBLE, INFRARED, "-o", tmp_path / "0.png", "--ir-strength", 0)
    np.testing.assert_array_equal(read_array(tmp_path / "0.png"), read_array(VISIBLE))
    fuse(VISIBLE, INFRARED, "-o", tmp_path / "1.png", "--ir-strength", 1)
    heat = read_array(INFRARED) / 255
    assert np.abs(luminance(read_array(tmp_path / "1.png")) - heat).max() < 2 / 255


def test_grey_and_exact_colours(tmp_path: Path) -> None:
    fuse(VISIBLE, INFRARED, "-o", tmp_path / "f.png")
    fuse(VISIBLE, INFRARED, "-o", tmp_path / "g.png", "--color", "gray")
    fused, grey = read_array(tmp_path / "f.png"), read_array(tmp_path / "g.png")
    assert grey.ndim == 2
    assert np.abs(luminance(fused) * 255 - grey).max() <= 1
    fuse(VISIBLE, INFRARED, "-o", tmp_path / "v.png", "--color", "vis")
    assert (
        np.abs(read_array(tmp_path / "v.png").astype(int) - fused).max() <= 2
    )  # a luminance model keeps chroma anyway


def test_sixteen_bits_on_request(tmp_path: Path, model: str) -> None:
    grey = RNG.integers(0, 256, (9, 7), dtype=np.uint8)
    counts = RNG.integers(7000, 9000, (9, 7), dtype=np.uint16)
    Image.fromarray(grey).save(tmp_path / "v.png")
    Image.fromarray(counts).save(tmp_path / "i.png")
    fuse(
        tmp_path / "v.png",
        tmp_path / "i.png",
        "-o",
        tmp_path / "f.png",
        "--bits",
        16,
        "--range",
        "7000,9000",
        model=model,
    )
    fused = read_array(tmp_path / "f.png")
    assert fused.dtype == np.uint16
    heat = (counts - 7000.0) / 2000
    assert np.abs(fused / 65535 - np.maximum(grey / 255, heat)).max() < 0.5 / 255 + 1e-4


def test_polarity_black_inverts_and_auto_says_what_it_found(tmp_path: Path, model: str) -> None:
    inverted = tmp_path / "i.png"
    Image.fromarray(255 - read_array(INFRARED)).save(inverted)
    fuse(VISIBLE, INFRARED, "-o", tmp_path / "w.png", model=model)
    fuse(VISIBLE, inverted, "-o", tmp_path / "b.png", "--polarity", "black", model=model)
    np.testing.assert_array_equal(read_array(tmp_path / "w.png"), read_array(tmp_path / "b.png"))
    assert "Polarity: " in fuse(VISIBLE, INFRARED, "-o", tmp_path / "a.png", "--polarity", "auto", model=model)


def test_a_mask_and_further_pictures(tmp_path: Path, model: str) -> None:
    visible, heat = read_array(VISIBLE), read_array(INFRARED)
    mask = np.zeros(heat.shape, np.uint8)
    mask[:, :100] = 255
    Image.fromarray(mask).save(tmp_path / "m.png")
    fuse(VISIBLE, INFRARED, "-o", tmp_path / "f.png", model=model)
    fuse(VISIBLE, INFRARED, "-o", tmp_path / "m_f.png", "--mask", tmp_path / "m.png", model=model)
    masked, fused = read_array(tmp_path / "m_f.png"), read_array(tmp_path / "f.png")
    np.testing.assert_array_equal(masked[:, :100], fused[:, :100])
    np.testing.assert_array_equal(masked[:, 100:], visible[:, 100:])
    other = np.roll(heat, 40, axis=1)
    Image.fromarray(other).save(tmp_path / "o.png")
    fuse(VISIBLE, INFRARED, "-o", tmp_path / "3.png", "--also", tmp_path / "o.png", "--color", "gray", model=model)
    highest = np.maximum(np.maximum(luminance(visible), heat / 255), other / 255)
    assert np.abs(read_array(tmp_path / "3.png") / 255 - highest).max() <= 2 / 255


def test_what_is_saved_beside(tmp_path: Path, model: str) -> None:
    words = ("--save", "rgbt", "--save", "thermal", "--palette", "iron")
    fuse(VISIBLE, INFRARED, "-o", tmp_path / "f.jpg", *words, model=model)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.jpg", "f_rgbt.png", "f_thermal.png"]
    with Image.open(tmp_path / "f_rgbt.png") as four:
        planes = np.asarray(four)
    np.testing.assert_array_equal(planes[..., :3], read_array(VISIBLE))
    np.testing.assert_array_equal(planes[..., 3], read_array(INFRARED))
    assert read_array(tmp_path / "f_thermal.png").shape == planes[..., :3].shape
    (tmp_path / "f.jpg").unlink()
    assert "f_rgbt.png exists" in refused(VISIBLE, INFRARED, "-o", tmp_path / "f.jpg", *words, model=model)
    assert not (tmp_path / "f.jpg").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--range", "5"], "is not a thermal range"),
        (["--range", "9,5"], "is empty"),
        (["--polarity", "hot"], "polarity is 'hot': choose from auto, white, black"),
        (["--color", "sepia"], "color is 'sepia': choose from auto, gray, vis"),
        (["--ir-strength", "1.5"], "must lie in 0..1"),
        (["--bits", "12"], "bits is 12: choose from 8, 16"),
        (["--save", "depth"], "save is 'depth': choose from rgbt, thermal"),
        (["--palette", "pink"], "pink"),
        (["--mask", "nowhere.png"], "nowhere.png does not exist"),
        (["--also", "nowhere.png"], "nowhere.png does not exist"),
        (["--rig", "nowhere.json"], "nowhere.json does not exist"),
        (["--range", "7000", "9000"], "with a comma and no space, as in --range 7000,9000"),
        (["--range", "7000,", "9000"], "with a comma and no space, as in --range 7000,9000"),
        (["--range", "1%", "99%"], "with a comma and no space, as in --range 7000,9000"),
        (["--range", "-20", "40"], "with a comma and no space, as in --range 7000,9000"),
        (["--recursive"], "--recursive is for folders"),
        (["--watch"], "--watch is for folders"),
        (["--report", "r.json"], "--report is for folders"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(words: list[str], said: str, tmp_path: Path, model: str) -> None:
    assert said in refused(VISIBLE, INFRARED, "-o", tmp_path / "f.png", *words, model=model)
    assert list(tmp_path.iterdir()) == []


def test_a_resumed_run_with_a_report(tmp_path: Path, model: str) -> None:
    for folder, shape in (("v", (9, 7, 3)), ("i", (9, 7))):
        (tmp_path / folder / "deep").mkdir(parents=True)
        for name in ("a", "deep/b"):
            Image.fromarray(RNG.integers(0, 256, shape, dtype=np.uint8)).save(tmp_path / folder / f"{name}.png")
    words = (tmp_path / "v", tmp_path / "i", "-o", tmp_path / "out", "-r", "--resume", "--report", tmp_path / "r.json")
    assert "2 of 2 pairs fused" in fuse(*words, model=model)
    (tmp_path / "out" / "deep" / "b.png").unlink()
    said = fuse(*words, model=model)
    assert "1 of 2 are finished already" in said
    assert "1 of 1 pairs fused" in said
    report = json.loads((tmp_path / "r.json").read_text())
    assert [(pair["name"], pair["state"]) for pair in report["pairs"]] == [("a", "skipped"), ("deep/b", "fused")]
    assert "nothing to do" in fuse(*words, model=model)
    assert "2 of 2 pairs fused" in fuse(*words, "--color", "gray", model=model)  # other settings


@pytest.mark.skipif(sys.platform == "win32", reason="a process is sent SIGINT as Ctrl-C does on Unix")
def test_watching_ends_with_ctrl_c_and_what_came_is_fused(tmp_path: Path, model: str) -> None:
    for folder in ("v", "i"):
        (tmp_path / folder).mkdir()
    out = tmp_path / "out"
    command = [sys.executable, "-m", "distilfuse", "fuse", tmp_path / "v", tmp_path / "i", "-o", out, "-m", model]
    running = subprocess.Popen(
        [*map(str, command), "-b", "onnxruntime", "--watch"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        time.sleep(1)
        for folder, shape in (("v", (9, 7, 3)), ("i", (9, 7))):
            Image.fromarray(RNG.integers(0, 256, shape, dtype=np.uint8)).save(tmp_path / folder / "a.png")
        deadline = time.monotonic() + 60
        while not (out / "a.png").exists():
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=30)
    finally:
        running.kill()
    assert running.returncode == 0
    assert "1 of 1 pairs fused" in said


def test_nothing_given_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["distilfuse", "fuse", "-o", str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert "Give VISIBLE and INFRARED" in capsys.readouterr().err


def test_a_rig_moves_the_infrared_and_crops_or_masks(tmp_path: Path, model: str) -> None:
    pytest.importorskip("cv2", reason="OpenCV (extra align) is not installed")
    visible = np.full((48, 64, 4), 20, np.uint8)
    visible[:, :32, 3] = 255
    Image.fromarray(visible).save(tmp_path / "v.png")
    Image.fromarray(np.full((24, 40), 200, np.uint8)).save(tmp_path / "i.png")
    placed = np.array([[1.0, 0, 16], [0, 1, 8], [0, 0, 1]])
    Rig(placed, (64, 48), (40, 24), "similarity", None).write(tmp_path / "rig.json")
    assert "resize one" in refused(tmp_path / "v.png", tmp_path / "i.png", "-o", tmp_path / "f.png", model=model)
    words = (tmp_path / "v.png", tmp_path / "i.png", "--rig", tmp_path / "rig.json", "--overwrite")
    fuse(*words, "-o", tmp_path / "f.png", model=model)
    cropped = read_array(tmp_path / "f.png")
    assert abs(cropped.shape[0] - 24) <= 4
    assert abs(cropped.shape[1] - 40) <= 4
    assert cropped[..., :3].min() > 190
    np.testing.assert_array_equal(np.unique(cropped[:, :8, 3]), [255])  # alpha is cut as well
    np.testing.assert_array_equal(np.unique(cropped[:, -8:, 3]), [20])
    fuse(*words, "-o", tmp_path / "f.png", "--border", "mask", model=model)
    whole = read_array(tmp_path / "f.png")
    assert whole.shape == visible.shape
    assert whole[18:22, 30:42, :3].min() > 190
    np.testing.assert_array_equal(whole[:6], visible[:6])
    assert "border is 'keep'" in refused(*words, "-o", tmp_path / "f.png", "--border", "keep", model=model)


def test_what_looks_like_a_mistake_is_said(tmp_path: Path, model: str) -> None:
    assert "has colours" in fuse(INFRARED, VISIBLE, "-o", tmp_path / "swapped.png", model=model)
    assert "has colours" not in fuse(VISIBLE, INFRARED, "-o", tmp_path / "right.png", model=model)
    said = refused(VISIBLE, INFRARED, "-o", tmp_path / "r.png", "--range", "7000,9000", model=model)
    assert "has no value between 7000 (black) and 9000 (white), only values from" in said
    assert "have it saved" in refused(VISIBLE, INFRARED, "-o", tmp_path / "p.png", "--palette", "iron", model=model)
    for folder in ("v", "i"):
        (tmp_path / folder / "deep").mkdir(parents=True)
    Image.open(VISIBLE).save(tmp_path / "v" / "deep" / "a.png")
    Image.open(INFRARED).save(tmp_path / "i" / "deep" / "a.png")
    assert "--recursive" in refused(tmp_path / "v", tmp_path / "i", "-o", tmp_path / "out", model=model)
    Image.open(VISIBLE).convert("RGB").save(tmp_path / "v" / "a.jpg")
    Image.open(INFRARED).save(tmp_path / "i" / "a.png")
    said = refused(tmp_path / "v", tmp_path / "i", "-o", tmp_path / "v", model=model)
    assert "holds pictures that are to be fused" in said


def test_a_rig_for_other_sizes_is_scaled_and_that_is_said(tmp_path: Path, model: str) -> None:
    pytest.importorskip("cv2", reason="OpenCV (extra align) is not installed")
    Image.fromarray(np.full((48, 64, 3), 20, np.uint8)).save(tmp_path / "v.png")
    Image.fromarray(np.full((48, 80), 200, np.uint8)).save(tmp_path / "i.png")
    placed = np.array([[1.0, 0, 16], [0, 1, 8], [0, 0, 1]])
    Rig(placed, (64, 48), (40, 24), "similarity", None).write(tmp_path / "rig.json")
    words = (tmp_path / "v.png", tmp_path / "i.png", "--rig", tmp_path / "rig.json", "-o", tmp_path / "f.png")
    assert "is scaled to 64x48 and 80x48" in fuse(*words, model=model)
