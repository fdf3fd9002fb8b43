from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from distilfuse.errors import ModelError
from distilfuse.runtime import kept_graph, open_backend

PAIR = tuple(np.random.default_rng(5).random((2, 1, 1, 40, 56), np.float32))


@pytest.fixture(scope="module")
def weights(project: Path) -> bytes:
    return (project / "src/distilfuse/zoo/models/nano-ivif.onnx").read_bytes()


@pytest.fixture
def levels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every model is large, and what each session is told to optimise is written down."""
    monkeypatch.setenv("DISTILFUSE_CACHE", str(tmp_path))
    monkeypatch.setattr(kept_graph, "LARGE", 0)
    plain, told = onnxruntime.InferenceSession, []

    def session(weights: bytes, options: onnxruntime.SessionOptions, providers: list) -> object:
        opened = plain(weights, options, providers)
        told.append(options.graph_optimization_level)
        return opened

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    return told


NONE = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
ALL = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL


def run(weights: bytes) -> np.ndarray:
    return open_backend("onnxruntime", weights, threads=1).run(*PAIR)


def files(folder: Path) -> list[Path]:
    return sorted((folder / "onnxruntime").iterdir())


def test_a_large_graph_is_optimised_once(weights: bytes, levels: list[object], tmp_path: Path) -> None:
    first = run(weights)
    (kept,) = files(tmp_path)
    np.testing.assert_array_equal(run(weights), first)
    assert levels == [ALL, NONE]
    assert files(tmp_path) == [kept]


def test_a_small_one_is_not_kept(
    weights: bytes, levels: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_graph, "LARGE", 1_000_000)
    run(weights)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", ["cpu_name", "cpu_features"])
def test_it_is_kept_for_one_processor(
    what: str, weights: bytes, levels: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(weights)
    monkeypatch.setattr(kept_graph, what, lambda: "another")
    run(weights)
    assert levels == [ALL, ALL]


@pytest.mark.parametrize("damage", ["empty", "cut", "changed", "other model", "folder"])
def test_damage_is_as_if_nothing_was_kept(
    damage: str, weights: bytes, levels: list[object], project: Path, tmp_path: Path
) -> None:
    first = run(weights)
    (kept,) = files(tmp_path)
    content = kept.read_bytes()
    kept.unlink()
    if damage == "folder":
        kept.mkdir()
    else:
        other = (project / "tests/assets/maximum-luminance.onnx").read_bytes()
        changed = content[:-500] + bytes(400) + content[-100:]
        kept.write_bytes({"empty": b"", "cut": content[:-1], "changed": changed, "other model": other}[damage])
    np.testing.assert_array_equal(run(weights), first)
    assert levels == [ALL, ALL]


def test_a_kept_graph_that_does_not_load_is_no_error(weights: bytes, levels: list[object], tmp_path: Path) -> None:
    first = run(weights)
    (kept,) = files(tmp_path)
    kept.unlink()
    key = kept.stem.rpartition("-")[0]
    kept.with_name(f"{key}-{kept_graph._digest(b'no model')}.onnx").write_bytes(b"no model")
    np.testing.assert_array_equal(run(weights), first)
    assert levels == [ALL, ALL]


def test_a_cache_that_cannot_be_written_is_no_error(
    weights: bytes, levels: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("DISTILFUSE_CACHE", str(tmp_path / "file"))
    run(weights)
    monkeypatch.setattr(kept_graph, "made_folder", lambda name: tmp_path / "gone" / "away")
    run(weights)
    assert levels == [ALL, ALL]


def test_what_is_no_model_is_refused(levels: list[object], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot load the model"):
        open_backend("onnxruntime", b"no model at all")
    assert files(tmp_path) == []


def test_several_may_load_at_once(weights: bytes, levels: list[object], tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(run, [weights] * 8))
    for result in results:
        np.testing.assert_array_equal(result, results[0])
    # Those that found nothing each keep theirs; ONNX Runtime writes one graph in many orders.
    assert {path.suffix for path in files(tmp_path)} == {".onnx"}
