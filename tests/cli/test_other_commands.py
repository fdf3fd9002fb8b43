from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from distilfuse import samples
from distilfuse.cli.main import main
from distilfuse.runtime import INSTALL, backend_devices
from distilfuse.workflows.demo import METRICS
from distilfuse.zoo import catalogue, find_record, list_models


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["distilfuse", *map(str, arguments)])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


@pytest.fixture
def own_zoo(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zoo whose only model is the throw-away one, under the name of the default."""
    assets = project / "tests" / "assets"
    fields = json.loads((assets / "maximum-luminance.json").read_text(encoding="utf-8"))
    fields |= {"name": "nano-ivif", "scores": {"msrs": {"EN": 6.5, "VIF": 1.0}}}
    (tmp_path / "nano-ivif.json").write_text(json.dumps(fields), encoding="utf-8")
    (tmp_path / fields["file"]).write_bytes((assets / fields["file"]).read_bytes())
    monkeypatch.setattr(catalogue, "MODELS", tmp_path)
    find_record.cache_clear()
    yield tmp_path
    find_record.cache_clear()


def test_models_as_table(own_zoo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "models") == 0
    said = capsys.readouterr().out
    for text in (
        "nano-ivif",
        "ivif",
        "268 B",
        "luminance + infrared",
        "Apache-2.0",
    ):
        assert text in said
    rows = [line.split() for line in said.splitlines()]
    assert ["test", "set", "EN", "VIF"] in rows
    assert ["msrs", "6.500", "1.000"] in rows


def test_models_as_json(own_zoo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "models", "--json") == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record == json.loads((own_zoo / "nano-ivif.json").read_text(encoding="utf-8"))


def test_demo(
    own_zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "deep" / "demo"
    assert run(monkeypatch, "demo", "-o", folder) == 0
    said = capsys.readouterr().out
    written = {path.stem: path for path in folder.iterdir()}
    assert len(written) == 3
    for name, path in written.items():
        row = next(line for line in said.splitlines() if line.startswith(name))
        assert " ms " in row
        assert len([word for word in row.split() if word.replace(".", "", 1).isdigit()]) >= len(METRICS)
        visible, infrared = (Image.open(file) for file in samples.paths(name))
        with Image.open(path) as picture:
            width, height = visible.size
            assert picture.size == (3 * width + 2 * 4, height)
            assert picture.crop((0, 0, width, height)).tobytes() == visible.convert("RGB").tobytes()
            second = picture.crop((width + 4, 0, 2 * width + 4, height))
            assert second.convert("L").tobytes() == infrared.convert("L").tobytes()
    assert "Fused by nano-ivif on " in said
    assert run(monkeypatch, "demo", "-o", folder) == 0, "a second demo goes over the first"


def test_demo_where_nothing_can_be_written(
    own_zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert run(monkeypatch, "demo", "-o", tmp_path / "file" / "demo") == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "cannot be made" in said.err


def test_doctor_finds_all_well(
    own_zoo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "doctor") == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "BROKEN" not in said.out
    for subject in ("distilfuse", "python", "numpy", "Pillow", "onnxruntime", "openvino", "torch", "cpu"):
        assert f"\nok     {subject} " in f"\n{said.out}"
    for backend, devices in backend_devices().items():
        line = next(line for line in said.out.splitlines() if line.startswith(f"ok     backend {backend} "))
        assert (f"not installed: {INSTALL[backend]}" in line) == (devices is None)
        assert all(device in line for device in devices or [])
        assert (f"self-test {backend} " in said.out) == (bool(devices) and not backend.startswith("torch"))
    assert "sha256 " in said.out


def test_doctor_says_of_each_extra_what_it_is_for_and_how_to_get_it(
    own_zoo: Path, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uses = {"align": "align", "video": "video", "medical": "volume", "deep": "16 bits", "bulk": "bulk"}
    missing = {"align": "cv2", "video": "av", "medical": "pydicom", "deep": "cv2", "bulk": "fsspec, ray"}
    settings = (project / "pyproject.toml").read_text("utf-8")
    for there in (True, False):
        absent = () if there else ("cv2", "av", "pydicom", "fsspec", "ray")
        monkeypatch.setattr(
            "distilfuse.workflows.checkup.installed", lambda module, absent=absent: module not in absent
        )
        assert run(monkeypatch, "doctor") == 0, "an extra that is not there is not a fault"
        said = capsys.readouterr().out.splitlines()
        lines = {line.split()[2]: line for line in said if line.startswith("ok     extra ")}
        assert lines.keys() == uses.keys()
        for extra, line in lines.items():
            assert f"\n{extra} = [" in settings
            assert uses[extra] in line
            assert line.endswith(
                "; installed" if there else f"; {missing[extra]} not installed: pip install 'distilfuse[{extra}]'"
            )


def test_doctor_finds_damaged_weights(
    own_zoo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (own_zoo / "maximum-luminance.onnx").write_bytes(b"damaged")
    assert run(monkeypatch, "doctor") == 1
    said = capsys.readouterr()
    assert "BROKEN model nano-ivif" in said.out
    assert "BROKEN self-test onnxruntime" in said.out
    assert "are damaged" in said.out
    assert "broken: pip install --force-reinstall" in said.err


def test_doctor_finds_a_backend_that_computes_nonsense(
    own_zoo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("distilfuse.fuser.Fuser.__call__", lambda self, visible, infrared: 255 - visible)
    assert run(monkeypatch, "doctor") == 1
    assert "does not resemble the input" in capsys.readouterr().out


def test_doctor_finds_an_empty_zoo(
    own_zoo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (own_zoo / "nano-ivif.json").unlink()
    assert run(monkeypatch, "doctor") == 1
    assert "BROKEN models" in capsys.readouterr().out


def test_doctor_does_not_load_torch(
    own_zoo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run(monkeypatch, "doctor") == 0


def test_released_models_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    find_record.cache_clear()
    assert run(monkeypatch, "models", "--json") == 0
    assert [record["name"] for record in json.loads(capsys.readouterr().out)] == list_models()
