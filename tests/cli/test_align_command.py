from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse import samples
from distilfuse.cli import main as command_line
from distilfuse.cli.align import align
from distilfuse.imaging.transforms import distance, project
from distilfuse.imaging.warping import Warper
from distilfuse.workflows.alignment.rig import Rig

cv2 = pytest.importorskip("cv2", reason="OpenCV (extra align) is not installed")

if not any(command.callback is align for command in command_line.app.registered_commands):
    command_line.app.command()(align)

WARP = np.array([[1.04, -0.04, 10.0], [0.04, 1.04, -18.0], [0, 0, 1]])
POINTS = np.array([[30.0, 40], [600, 60], [560, 430], [80, 400], [320, 230]])


class Bench:
    """Two pairs of one rig, as files and as folders, and the truth."""

    def __init__(
        self, pictures: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self._monkeypatch, self._capsys = monkeypatch, capsys
        shutil.copytree(pictures, folder, dirs_exist_ok=True)
        left, top, right, bottom = Warper(WARP, (640, 480), (640, 480)).box
        self.size = right - left, bottom - top
        self.truth = np.linalg.inv(WARP) @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1]])
        self.visible, self.infrared = folder / "v/day-road.png", folder / "i/day-road.png"
        self.rig = folder / "rig.json"

    def save(self, name: str, pixels: np.ndarray) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)
        return path

    def run(self, *arguments: object) -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "argv", ["distilfuse", "align", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            command_line.main()
        said = self._capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    def refuses(self, *arguments: object, status: int = 2) -> str:
        """Check that one sentence is said and nothing written."""
        before = {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
        code, out, err = self.run(*arguments)
        assert code == status
        assert out == ""
        assert err.count("\n") == 1
        assert {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()} == before
        return err.strip()

    def points(self, text: str) -> Path:
        path = self.folder / "points.csv"
        path.write_text(text)
        return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendered scenes, the infrared ones moved and cut to what has no border."""
    folder = tmp_path_factory.mktemp("pictures")
    warper = Warper(WARP, (640, 480), (640, 480))
    for name in ("night-street", "day-road"):
        visible, infrared = samples.load(name)
        for kind, pixels in (("v", visible), ("i", warper.crop(warper(infrared)))):
            (folder / kind).mkdir(exist_ok=True)
            Image.fromarray(np.ascontiguousarray(pixels)).save(folder / kind / f"{name}.png", compress_level=1)
    return folder


@pytest.fixture
def bench(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(pictures, tmp_path, monkeypatch, capsys)


def test_two_files_with_previews(bench: Bench) -> None:
    previews = bench.folder / "deep" / "look"
    code, out, err = bench.run(bench.visible, bench.infrared, "-o", bench.rig, "--preview", previews)
    assert (code, err) == (0, "")
    assert out.startswith(f"{bench.rig}: ")
    assert "from 1 pair, confidence 0.9" in out
    rig = Rig.read(bench.rig)
    assert distance(rig.matrix, bench.truth, bench.size) < 1
    assert (rig.visible_size, rig.infrared_size) == ((640, 480), bench.size)
    assert rig.confidence is not None
    assert rig.figures["patches"] > 10
    assert sorted(path.name for path in previews.iterdir()) == ["day-road_checkerboard.png", "day-road_overlay.png"]
    checkerboard = np.asarray(Image.open(previews / "day-road_checkerboard.png"))
    overlay = np.asarray(Image.open(previews / "day-road_overlay.png"))
    assert checkerboard.shape == overlay.shape == (480, 640, 3)
    grey = (np.ptp(checkerboard.astype(int), axis=2) == 0).mean()
    assert grey > 0.35, "fields of infrared have no colour"
    np.testing.assert_array_equal(overlay[..., 1], overlay[..., 2])
    assert (overlay[..., 0] != overlay[..., 1]).mean() > 0.5


def test_two_folders_give_one_rig(bench: Bench) -> None:
    bench.save("v/lonely.png", np.zeros((480, 640), np.uint8))
    code, out, err = bench.run(bench.folder / "v", bench.folder / "i", "-o", bench.rig)
    assert code == 0
    assert "1 visible without a partner: lonely.png" in err
    assert "from 2 pairs" in out
    assert distance(Rig.read(bench.rig).matrix, bench.truth, bench.size) < 1


def test_fewer_pairs_than_there_are(bench: Bench) -> None:
    arguments = "--pairs", "1", "--model", "similarity"
    code, out, _ = bench.run(bench.folder / "v", bench.folder / "i", "-o", bench.rig, *arguments)
    assert code == 0
    assert "from 1 pair," in out


def test_sixteen_bits_grey_and_alpha(bench: Bench) -> None:
    infrared = np.asarray(Image.open(bench.infrared)).astype(np.uint16) * 257
    visible = np.dstack([np.asarray(Image.open(bench.visible)), np.full((480, 640), 9, np.uint8)])
    pair = bench.save("a_vis.png", visible), bench.save("a_ir.png", infrared)
    code, _, _ = bench.run(*pair, "-o", bench.rig, "--model", "similarity")
    assert code == 0
    assert Rig.read(bench.rig).model == "similarity"
    assert distance(Rig.read(bench.rig).matrix, bench.truth, bench.size) < 1.5


def test_degrees_in_floats(bench: Bench) -> None:
    degrees = np.asarray(Image.open(bench.infrared)).astype(np.float32) * 0.1 + 10
    assert bench.run(bench.visible, bench.save("hot.tif", degrees), "-o", bench.rig)[0] == 0
    assert distance(Rig.read(bench.rig).matrix, bench.truth, bench.size) < 1.5
    degrees[5, 5] = np.nan
    assert "holds NaN" in bench.refuses(bench.visible, bench.save("nan.tif", degrees), "-o", bench.folder / "n.json")


def test_points_by_hand(bench: Bench) -> None:
    pairs = np.hstack([project(bench.truth, POINTS * 0.9), POINTS * 0.9])
    table = bench.points("x_vis,y_vis,x_ir,y_ir\n" + "".join(",".join(map(str, row)) + "\n" for row in pairs))
    code, out, err = bench.run(bench.visible, bench.infrared, "-o", bench.rig, "--points", table)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "point 1: 0.00 px"
    assert (
        out.splitlines()[-1]
        == f"{bench.rig}: similarity through 5 points, missed by 0.00 px on average and 0.00 px at most"
    )
    rig = Rig.read(bench.rig)
    assert distance(rig.matrix, bench.truth, bench.size) < 1e-6
    assert rig.confidence is None
    assert rig.figures["points"] == 5


def test_pictures_of_two_scenes_are_refused(bench: Bench) -> None:
    said = bench.refuses(
        bench.visible, bench.folder / "i/night-street.png", "-o", bench.rig, "--preview", bench.folder / "look"
    )
    assert said.startswith("The alignment is not to be trusted (confidence 0.")
    assert "--points" in said
    assert not (bench.folder / "look").exists()


def test_a_flat_picture_is_refused(bench: Bench) -> None:
    flat = bench.save("flat.png", np.full((480, 640), 80, np.uint8))
    said = bench.refuses(bench.visible, flat, "-o", bench.rig)
    assert said.startswith(("The pictures have no edges in common", "The alignment is not to be trusted"))


def test_existing_files_are_not_replaced_unasked(bench: Bench) -> None:
    bench.rig.write_text("precious")
    pair = bench.visible, bench.infrared
    assert bench.refuses(*pair, "-o", bench.rig, status=1) == f"{bench.rig} exists: add --overwrite to replace it."
    bench.save("look/day-road_overlay.png", np.zeros((2, 2), np.uint8))
    said = bench.refuses(*pair, "-o", bench.folder / "new.json", "--preview", bench.folder / "look", status=1)
    assert "1 of 2 previews exist" in said
    points = bench.points("10,10,10,10\n500,20,500,20\n")
    assert bench.run(*pair, "-o", bench.rig, "--points", points, "--overwrite")[0] == 0
    assert json.loads(bench.rig.read_text("utf-8"))["model"] == "similarity"


def test_wrong_input_ends_in_one_sentence(bench: Bench) -> None:
    pair = bench.visible, bench.infrared
    missing = bench.folder / "none.png"
    assert bench.refuses(missing, bench.infrared, "-o", bench.rig) == f"{missing} does not exist: check the name."
    assert "is a folder but" in bench.refuses(bench.folder / "v", bench.infrared, "-o", bench.rig)
    assert "Unknown model 'elastic'" in bench.refuses(*pair, "-o", bench.rig, "--model", "elastic")
    assert "does not end in .json" in bench.refuses(*pair, "-o", bench.folder / "rig.txt", status=1)
    assert "is no folder" in bench.refuses(*pair, "-o", bench.folder / "no" / "rig.json", status=1)
    said = bench.refuses(*pair, "-o", bench.rig, "--preview", bench.visible / "deep", status=1)
    assert f"because {bench.visible} is a file" in said
    text = bench.folder / "text.png"
    text.write_text("no picture")
    assert "is not a picture that can be read" in bench.refuses(bench.visible, text, "-o", bench.rig)
    tiny = bench.save("tiny.png", np.zeros((10, 10), np.uint8))
    assert "less than 32 pixels" in bench.refuses(bench.visible, tiny, "-o", bench.rig)
    bench.save("i/night-street.png", np.zeros((40, 40), np.uint8))
    assert "have other sizes than" in bench.refuses(bench.folder / "v", bench.folder / "i", "-o", bench.rig)


@pytest.mark.parametrize(
    ("text", "model", "message"),
    [
        ("", "auto", "A similarity needs at least 2 pairs of points but there are 0: add some."),
        (
            "1,1,1,1\n90,9,90,9\n",
            "affine",
            "needs at least 3 pairs of points but there are 2: add some, or choose similarity",
        ),
        ("1,1,1,1\n2,2,2,2\n3,3,3,3\n", "affine", "The points lie on one line"),
        ("1,1,1,1\n1,1,1,1\n", "auto", "The points lie in one place"),
        ("1,1,1,1\n9999,2,2,2\n", "auto", "lies outside the visible picture of 640x480 pixels"),
        ("1,1,1\n", "auto", "line 1: four numbers are needed"),
    ],
)
def test_wrong_points(bench: Bench, text: str, model: str, message: str) -> None:
    arguments = ("--points", bench.points(text), "--model", model)
    assert message in bench.refuses(bench.visible, bench.infrared, "-o", bench.rig, *arguments)


def test_without_opencv_the_install_line_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    said = bench.refuses(bench.visible, bench.infrared, "-o", bench.rig, status=1)
    assert said == "Alignment needs OpenCV, which is not installed: pip install 'distilfuse[align]'"
