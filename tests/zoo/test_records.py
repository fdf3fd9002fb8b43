from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from pathlib import Path

import pytest

from distilfuse.errors import ModelError
from distilfuse.zoo import ModelRecord, catalogue, find_record, list_models, load_record, read_part, read_weights

TEXTS = ("name", "task", "summary", "licence", "data_terms", "recipe")


@pytest.fixture
def stored(project: Path) -> Path:
    return project / "tests" / "assets" / "maximum-luminance.json"


def changed(stored: Path, folder: Path, **changes: object) -> Path:
    fields = json.loads(stored.read_text(encoding="utf-8")) | changes
    path = folder / "record.json"
    path.write_text(json.dumps({key: value for key, value in fields.items() if value != "DROP"}))
    return path


def test_stored_and_loaded_again(stored: Path, tmp_path: Path) -> None:
    record = load_record(stored)
    (tmp_path / "again.json").write_text(record.to_json(), encoding="utf-8")
    assert load_record(tmp_path / "again.json") == record
    assert stored.read_text(encoding="utf-8") == record.to_json()


def test_records_are_frozen(stored: Path) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_record(stored).sha256 = ""  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"color": 1}, r"missing or unknown fields \(color\)"),
        ({"colour": {"file": "a.onnx"}}, "colour without file or sha256"),
        ({"sha256": "DROP"}, r"missing or unknown fields \(sha256\)"),
        ({"multiple": "4"}, "a wrong multiple"),
        ({"multiple": 0}, "it is at least 1"),
        ({"visible_input": "grey"}, "it is luminance or rgb"),
    ],
)
def test_broken_records_are_refused(stored: Path, tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        load_record(changed(stored, tmp_path, **changes))


@pytest.mark.parametrize("content", ["", "{", "[]", "\xff"])
def test_what_is_no_record_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ModelError, match=r"record\.json is not") as caught:
        load_record(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="cannot be read"):
        load_record(tmp_path / "missing.json")


def test_weights_are_checked(stored: Path, tmp_path: Path) -> None:
    record = load_record(stored)
    content = (stored.parent / record.file).read_bytes()
    assert read_weights(record, stored.parent / record.file) == content
    bad = tmp_path / record.file
    bad.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])  # one bit
    with pytest.raises(ModelError, match=r"weights of maximum-luminance .* are damaged .*: reinstall"):
        read_weights(record, bad)
    with pytest.raises(ModelError, match="cannot be read"):
        read_weights(record, tmp_path / "missing.onnx")


@pytest.fixture
def own_zoo(stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("nano-ivif", "student-ivif"):
        (tmp_path / f"{name}.json").write_text(stored.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(catalogue, "MODELS", tmp_path)
    find_record.cache_clear()
    yield tmp_path
    find_record.cache_clear()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("nano", r"no model named 'nano': did you mean nano-ivif"),
        ("Nano-IVIF", r"did you mean nano-ivif"),
        ("student", r"did you mean student-ivif"),
        ("zzz", r"choose one of nano-ivif, student-ivif"),
        ("../nano-ivif", r"no model named"),
    ],
)
def test_unknown_names_bring_near_ones(own_zoo: Path, asked: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        find_record(asked)


def test_an_empty_zoo_says_so(own_zoo: Path) -> None:
    for path in own_zoo.glob("*.json"):
        path.unlink()
    assert list_models() == []
    with pytest.raises(ModelError, match="this installation holds none"):
        find_record("nano-ivif")


# Every test below looks at what is released in this checkout.


def test_the_default_model_is_released() -> None:
    assert "nano-ivif" in list_models()


@pytest.mark.parametrize("name", list_models())
def test_released_models_are_as_recorded(name: str) -> None:
    record = find_record(name)
    assert record.name == name
    weights = read_weights(record)
    assert hashlib.sha256(weights).hexdigest() == record.sha256
    assert len(weights) == record.size
    assert record.flop_per_pixel > 0
    if record.gauge:
        assert hashlib.sha256(read_part(record, "gauge")).hexdigest() == record.gauge["sha256"]
    assert bool(record.colour) == (record.visible_input == "luminance")
    if record.colour:
        assert hashlib.sha256(read_part(record, "colour")).hexdigest() == record.colour["sha256"]
    assert record.parameters > 0
    assert record.training_data
    assert record.scores
    assert all(getattr(record, field) for field in TEXTS)
    assert "kind" in record.architecture


def test_no_weights_lie_around_without_a_record() -> None:
    records = [find_record(name) for name in list_models()]
    recorded = {record.file for record in records}
    recorded |= {part["file"] for record in records for part in (record.gauge, record.colour) if part}
    assert {path.name for path in catalogue.MODELS.glob("*") if path.suffix == ".onnx"} == recorded


def test_record_fields_are_what_the_exporter_writes() -> None:
    assert [field.name for field in dataclasses.fields(ModelRecord)] == [
        "name",
        "task",
        "summary",
        "architecture",
        "file",
        "sha256",
        "size",
        "parameters",
        "flop_per_pixel",
        "visible_input",
        "multiple",
        "halo",
        "gauge",
        "colour",
        "licence",
        "training_data",
        "data_terms",
        "scores",
        "recipe",
    ]


def test_scores_of_released_models_are_those_of_the_documents(project: Path) -> None:
    """A record and the measured tables may not drift apart."""
    compared = 0
    for name in list_models():
        for dataset, scores in find_record(name).scores.items():
            page = project / "docs" / "results" / f"{dataset}.md"
            if not page.is_file():  # a mean over degradations has no page of its own
                continue
            lines = page.read_text("utf-8").splitlines()
            head = next(line for line in lines if line.startswith("| method"))
            row = next((line for line in lines if re.match(rf"\| \W*{re.escape(name)}\W", line)), None)
            assert row is not None, f"{name} is not in {page}"
            columns = [re.sub(r"\W", "", cell) for cell in head.split("|")]
            for metric, value in scores.items():
                cell = row.split("|")[columns.index(metric)]
                assert float(re.search(r"\d+\.\d+", cell).group()) == pytest.approx(value, abs=6e-4), (page, metric)
                compared += 1
    assert compared > 8
