from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distilfuse.errors import ConfigError, InputError, ModelError
from distilfuse.evaluation.methods import baseline, fused_folder
from distilfuse.evaluation.released import model
from distilfuse.imaging.pairs import Pair


def pairs(*stems: str) -> list[Pair]:
    return [Pair(stem, Path("vi") / f"{stem}.png", Path("ir") / f"{stem}.png") for stem in stems]


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("stem", "file"),
    [
        ("01", "01.png"),
        ("01", "01.jpg"),
        ("Scene_A", "scene_a.TIF"),
        ("01_vis", "01_vis.png"),
        ("01_vis", "01.png"),
        ("01", "01_fused.png"),
        ("01_vis", "fused-01.bmp"),
        ("01_vis", "01_ir.png"),
    ],
)
def test_fused_pictures_are_found_by_tolerant_names(stem: str, file: str, tmp_path: Path) -> None:
    method = fused_folder("m", fill(tmp_path, file, "zz.png"), pairs(stem, "other"))
    assert method.pictures == {stem: tmp_path / file}
    assert method.strays == (tmp_path / "zz.png",)


def test_two_files_of_one_name_belong_to_nobody(tmp_path: Path) -> None:
    method = fused_folder("m", fill(tmp_path, "01.png", "01.jpg", "02.png"), pairs("01", "02"))
    assert method.pictures == {"02": tmp_path / "02.png"}
    assert method.ambiguous == {"01": (tmp_path / "01.jpg", tmp_path / "01.png")}


def test_a_folder_of_other_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"has the name of a pair \(there are files such as x.png, but pairs such as 01"
    ):
        fused_folder("m", fill(tmp_path, "x.png"), pairs("01"))
    with pytest.raises(InputError, match="does not exist"):
        fused_folder("m", tmp_path / "missing", pairs("01"))


def test_a_model_is_named_by_its_record(project: Path) -> None:
    method = model(str(project / "tests/assets/maximum-luminance.json"), backend="onnxruntime", threads=1)
    assert method.name == "maximum-luminance"
    fused = method.fuse(np.full((8, 8), 10, np.uint8), np.full((8, 8), 20, np.uint8))
    assert fused.tolist() == [[20] * 8] * 8
    with pytest.raises(ModelError):
        model("no such model", backend="onnxruntime", threads=1)


def test_unknown_baselines_are_refused() -> None:
    assert baseline("max").name == "max"
    with pytest.raises(ConfigError, match="no baseline 'median': choose from max, mean, laplacian, msx"):
        baseline("median")
