from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from distilfuse.errors import ConfigError, DistilfuseError, InputError, OutputError
from distilfuse.imaging.transforms import project
from distilfuse.workflows.alignment.rig import CONVENTION, Rig

MATRIX = np.array([[0.5, 0.01, 40.0], [-0.01, 0.5, 30.0], [0, 0, 1]])


def rig() -> Rig:
    return Rig(MATRIX, (640, 480), (1000, 800), "similarity", 0.91, {"agreement": 0.8})


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    first = rig()
    first.write(tmp_path / "rig.json")
    second = Rig.read(tmp_path / "rig.json")
    np.testing.assert_array_equal(second.matrix, first.matrix)
    for name in ("visible_size", "infrared_size", "model", "confidence", "figures", "made_by", "date"):
        assert getattr(second, name) == getattr(first, name)
    content = json.loads((tmp_path / "rig.json").read_text("utf-8"))
    assert content["convention"] == CONVENTION
    assert [path.name for path in tmp_path.iterdir()] == ["rig.json"]


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        rig().write(tmp_path / "no" / "rig.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "has the version 2 but this distilfuse reads 1"),
        ({"matrix": [[1, 0], [0, 1]]}, "matrix must be 3 rows of 3 numbers"),
        ({"matrix": [[1, 0, "x"], [0, 1, 0], [0, 0, 1]]}, "matrix must be 3 rows of 3 numbers"),
        ({"matrix": [[1, 0, float("nan")], [0, 1, 0], [0, 0, 1]]}, "matrix must be 3 rows of 3 numbers"),
        ({"matrix": [[1, 2, 0], [2, 4, 0], [0, 0, 1]]}, r"unfit \(singular\)"),
        ({"matrix": [[1, 0, 0], [0, 1, 0], [0, 0, 0]]}, "unfit"),
        ({"matrix": [[1, 0, 0], [0, 1, 0], [-1, 0, 1]]}, "unfit"),
        ({"visible_size": [640]}, "visible_size must be"),
        ({"visible_size": [640, 0]}, "visible_size must be"),
        ({"infrared_size": [640.5, 480]}, "infrared_size must be"),
        ({"infrared_size": [True, True]}, "infrared_size must be"),
        ({"infrared_size": [10**400, 480]}, "infrared_size must be"),
        ({"matrix": [[10**400, 0, 0], [0, 1, 0], [0, 0, 1]]}, "matrix must be 3 rows of 3 numbers"),
        ({"figures": {"agreement": float("inf")}}, "figures must be"),
        ({"model": "elastic"}, "model must be one of similarity, affine, homography"),
        ({"confidence": 1.5}, "confidence must be"),
        ({"figures": [1]}, "figures must be"),
        ({"date": 5}, "date must be text"),
        ({"convention": "pixel corners"}, "convention must be"),
        ({"colour": "red"}, "has an unknown key 'colour'"),
        ({"model": None}, "model must be"),
    ],
)
def test_each_wrong_value_is_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = tmp_path / "rig.json"
    rig().write(path)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change))
    with pytest.raises(ConfigError, match=message) as refused:
        Rig.read(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("key", ["model", "figures", "visible_size"])
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    path = tmp_path / "rig.json"
    rig().write(path)
    content = json.loads(path.read_text("utf-8"))
    del content[key]
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match=f"lacks {key}"):
        Rig.read(path)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe\x00", b"[1]", b'{"a": 1}', b"[" * 100_000, b'{"matrix": ' + b"9" * 5000 + b"}"]
)
def test_what_is_no_rig(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rig.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"is not (JSON|a rig): name a"):
        Rig.read(path)


def test_a_file_that_is_missing_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist: make it with distilfuse align"):
        Rig.read(tmp_path / "rig.json")
    with pytest.raises(InputError, match="cannot be read"):
        Rig.read(tmp_path)


def test_other_sizes_of_the_same_cameras() -> None:
    matrix = rig().matrix_for((1280, 960), (500, 400))
    # The same place in the picture, measured from its edges in shares of it.
    before, after = project(MATRIX, [[499.5, 399.5], [0, 0]]), project(matrix, [[249.5, 199.5], [-0.25, -0.25]])
    np.testing.assert_allclose((after + 0.5) / [1280, 960], (before + 0.5) / [640, 480], atol=1e-12)


@pytest.mark.parametrize(
    ("visible", "infrared", "name"), [((640, 400), (1000, 800), "visible"), ((640, 480), (800, 800), "infrared")]
)
def test_cropped_pictures_are_refused(visible: tuple[int, int], infrared: tuple[int, int], name: str) -> None:
    with pytest.raises(
        InputError, match=rf"The {name} picture is .* another ratio of sides: align these pictures anew"
    ):
        rig().matrix_for(visible, infrared)


def test_a_pixel_of_rounding_is_not_another_ratio() -> None:
    rig().matrix_for((213, 160), (333, 267))


def test_warping_and_its_mask() -> None:
    pytest.importorskip("cv2", reason="OpenCV (extra align) is not installed")
    made = rig()
    moved, valid = made.warp(np.full((800, 1000), 77, np.uint8), (640, 480))
    assert moved.shape == valid.shape == (480, 640)
    assert (moved == 77).all()
    assert 0.55 < valid.mean() < 0.72
    assert made.warper((640, 480), (1000, 800)) is made.warper((640, 480), (1000, 800)), "kept for the next frame"
    with pytest.raises(DistilfuseError):
        made.warp(np.zeros((10, 10), np.uint8), (640, 480))


@pytest.mark.parametrize("channels", [(), (3,)])
def test_borders(channels: tuple[int, ...]) -> None:
    pytest.importorskip("cv2", reason="OpenCV (extra align) is not installed")
    visible, infrared = np.full((480, 640, *channels), 50, np.uint8), np.full((800, 1000), 200, np.uint8)
    cropped = rig().register(visible, infrared, "crop")
    assert (
        cropped.visible.shape[:2]
        == cropped.infrared.shape
        == cropped.cut(visible[..., 0] if channels else visible).shape
    )
    assert cropped.visible.shape[0] < 480
    assert cropped.finish(cropped.visible) is cropped.visible
    masked = rig().register(visible, infrared, "mask")
    assert masked.visible.shape == visible.shape
    fused = masked.finish(np.full_like(visible, 200))
    assert (fused[0] == 50).all(), "no black border, and no infrared made up"
    assert (fused[200:220, 300:320] == 200).all()
