from __future__ import annotations

import builtins
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from distilfuse.errors import ConfigError, DistilfuseError, MissingDependencyError, ModelError
from distilfuse.runtime import BACKENDS, backend_devices, check_threads, open_backend, usable_cpus

HERE = [name for name, devices in backend_devices().items() if devices]


@pytest.fixture(scope="module")
def weights(project: Path) -> bytes:
    return (project / "tests" / "assets" / "maximum-luminance.onnx").read_bytes()


def pair(height: int = 8, width: int = 12, count: int = 1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = (count, 1, height, width)
    return rng.random(shape, dtype=np.float32), rng.random(shape, dtype=np.float32)


def test_the_default_backend_is_here() -> None:
    assert "onnxruntime" in HERE
    assert BACKENDS[0] == "onnxruntime"
    assert set(backend_devices()) == set(BACKENDS)


@pytest.mark.parametrize("name", HERE)
def test_runs_any_size_and_says_where(name: str, weights: bytes) -> None:
    backend = open_backend(name, weights, threads=1)
    assert backend.name == name
    assert backend.threads == 1
    assert backend.device.split()[0] in ("CPU", "CUDA")
    for height, width, count in ((4, 4, 1), (8, 12, 1), (16, 4, 3)):
        visible, infrared = pair(height, width, count)
        fused = backend.run(visible, infrared)
        assert fused.dtype == np.float32
        np.testing.assert_allclose(fused, np.maximum(visible, infrared), atol=1e-6)


@pytest.mark.parametrize("name", HERE)
def test_results_are_kept_when_the_backend_runs_again(name: str, weights: bytes) -> None:
    backend = open_backend(name, weights)
    first = backend.run(*pair(seed=1))
    copy = first.copy()
    backend.run(*pair(seed=2))
    np.testing.assert_array_equal(first, copy)


@pytest.mark.parametrize("name", HERE)
def test_several_threads_may_call_at_once(name: str, weights: bytes) -> None:
    backend = open_backend(name, weights, threads=1)
    pairs = [pair(32, 32, seed=k) for k in range(40)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda both: backend.run(*both), pairs))
    for (visible, infrared), fused in zip(pairs, results, strict=True):
        np.testing.assert_allclose(fused, np.maximum(visible, infrared), atol=1e-6)


@pytest.mark.parametrize("name", HERE)
def test_what_is_no_model_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match="cannot load the model") as caught:
        open_backend(name, b"no model at all")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", HERE)
def test_a_failing_run_names_the_size(name: str, weights: bytes) -> None:
    with pytest.raises(ModelError, match="failed on a 7x5 pair") as caught:
        open_backend(name, weights).run(*pair(5, 7))
    assert "\n" not in str(caught.value)


def test_unknown_backends_name_the_known_ones(weights: bytes) -> None:
    with pytest.raises(ConfigError, match="no backend named 'tensorrt': choose onnxruntime, openvino, cuda"):
        open_backend("tensorrt", weights)


@pytest.mark.parametrize("threads", [0, -3, 1.5, "2", True])
def test_impossible_threads_are_refused(threads: object) -> None:
    with pytest.raises(ConfigError, match="threads must be a whole number from 1 up"):
        check_threads(threads)


def test_threads_default_to_the_usable_cpus() -> None:
    assert check_threads(None) == usable_cpus() >= 1
    assert check_threads(3) == 3


def test_missing_openvino_gives_the_install_line(weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'distilfuse\[openvino\]'"):
        open_backend("openvino", weights)
    assert backend_devices()["openvino"] == []


def test_openvino_is_not_touched_by_the_default(weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = builtins.__import__

    def refuse(name: str, *args: object, **kwargs: object) -> object:
        assert not name.startswith("openvino")
        return plain(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    open_backend("onnxruntime", weights).run(*pair())


def test_missing_cuda_build_gives_the_install_line(weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(MissingDependencyError, match=r"pip install 'distilfuse\[gpu\]'"):
        open_backend("cuda", weights)


def test_no_silent_fallback_from_cuda_to_the_cpu(weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    if "cuda" in HERE:
        pytest.skip("this machine has a CUDA build of ONNX Runtime; the test is for those that have not")
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    with (
        pytest.warns(UserWarning, match="CUDAExecutionProvider"),
        pytest.raises(DistilfuseError, match="no usable"),
    ):
        open_backend("cuda", weights)


def test_a_model_given_up_in_another_thread_leaves_signals_alone(project: Path) -> None:
    """OpenVINO lends its first thread a signal stack; without care it goes with the last model, and a signal kills."""
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    path = str(project / "tests" / "assets" / "maximum-luminance.onnx")
    code = f"""
import gc, os, signal, threading
from pathlib import Path
from distilfuse.runtime import open_backend
signal.signal(signal.SIGUSR1, lambda number, frame: print("handled"))
held = [open_backend("openvino", Path({path!r}).read_bytes(), threads=1)]
thread = threading.Thread(target=lambda: (held.clear(), gc.collect()))
thread.start()
thread.join()
os.kill(os.getpid(), signal.SIGUSR1)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "handled"), done.stderr
