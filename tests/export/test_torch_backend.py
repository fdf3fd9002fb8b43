from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import numpy as np
import pytest
import torch

from distilfuse.errors import ConfigError, DistilfuseError, MissingDependencyError, ModelError
from distilfuse.fuser import Fuser
from distilfuse.runtime import BACKENDS, Backend, find_devices, open_backend
from distilfuse.zoo import ModelRecord, find_record, list_models, read_weights

OTHERS = [name for name in BACKENDS if not name.startswith("torch") and find_devices(name)]


def load(name: str, record: ModelRecord, threads: int = 1) -> Backend:
    return open_backend(name, read_weights(record), threads=threads, architecture=record.architecture)


@pytest.fixture(scope="module")
def record() -> ModelRecord:
    return find_record("nano-ivif")


@pytest.fixture(scope="module")
def backend(record: ModelRecord) -> Backend:
    return load("torch", record)


def pair(height: int, width: int, count: int = 1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = (count, 1, height, width)
    return rng.random(shape, np.float32), rng.random(shape, np.float32)


def test_it_says_what_it_is(backend: Backend) -> None:
    assert (backend.name, backend.device, backend.threads, backend.chosen) == ("torch", "CPU", 1, "")
    assert find_devices("torch")[0] == "CPU"


@pytest.mark.parametrize("name", list_models())
def test_all_backends_agree_on_released_models(name: str) -> None:
    record = find_record(name)
    backends = [load(other, record) for other in ("torch", *OTHERS)]
    for height, width, count in ((16, 16, 1), (48, 64, 2), (112, 80, 1), (16, 144, 1)):
        both = pair(height, width, count)
        results = [backend.run(*both) for backend in backends]
        for result in results:
            assert result.dtype == np.float32
            np.testing.assert_allclose(result, results[0], atol=1e-3)


def test_pictures_of_odd_sizes(record: ModelRecord) -> None:
    fusers = [Fuser.from_pretrained(record.name, backend=name, threads=1) for name in ("torch", *OTHERS)]
    rng = np.random.default_rng(3)
    for height, width in ((1, 1), (37, 53), (61, 24)):
        visible = rng.integers(0, 256, (height, width, 3), np.uint8)
        infrared = rng.integers(0, 256, (height, width), np.uint8)
        first, *others = (fuser(visible / 255, infrared / 255) for fuser in fusers)
        for other in others:
            assert np.abs(other - first).max() <= 1e-3


def test_neither_inputs_nor_earlier_results_are_changed(backend: Backend) -> None:
    visible, infrared = pair(16, 24)
    visible.setflags(write=False)
    kept = visible.copy(), infrared.copy()
    first = backend.run(visible, infrared)
    copy = first.copy()
    backend.run(*pair(16, 24, seed=1))
    np.testing.assert_array_equal(first, copy)
    np.testing.assert_array_equal(visible, kept[0])
    np.testing.assert_array_equal(infrared, kept[1])


def test_several_threads_may_call_at_once(backend: Backend) -> None:
    pairs = [pair(32, 40, seed=k) for k in range(16)]
    alone = [backend.run(*both) for both in pairs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda both: backend.run(*both), pairs))
    for first, second in zip(alone, together, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-6)


def test_threads_are_borrowed_for_a_call(record: ModelRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    backend = load("torch", record, threads=before + 1)
    inside: list[int] = []
    fuse = backend._fuse
    monkeypatch.setattr(backend, "_fuse", lambda *both: inside.append(torch.get_num_threads()) or fuse(*both))
    backend.run(*pair(16, 16))
    assert (inside, torch.get_num_threads()) == ([before + 1], before)


def test_a_failing_run_names_the_size(backend: Backend) -> None:
    with pytest.raises(ModelError, match="PyTorch failed on a 7x5 pair") as caught:
        backend.run(*pair(5, 7))
    assert "\n" not in str(caught.value)


def test_what_is_no_model_is_refused(record: ModelRecord) -> None:
    with pytest.raises(ModelError, match="PyTorch cannot load the model") as caught:
        open_backend("torch", b"no model at all", architecture=record.architecture)
    assert "\n" not in str(caught.value)


def test_weights_of_another_network_are_refused(record: ModelRecord) -> None:
    weights = read_weights(record)
    with pytest.raises(ModelError, match=r"its file holds no deep\.2\.main\.bias, nor 3 more of"):
        open_backend("torch", weights, architecture=record.architecture | {"deep_layers": 4})
    with pytest.raises(ModelError, match="PyTorch cannot load the model"):
        open_backend("torch", weights, architecture=record.architecture | {"width": 16})
    with pytest.raises(ConfigError, match="no network of kind 'maximum'"):
        open_backend("torch", weights, architecture={"kind": "maximum"})
    with pytest.raises(ConfigError, match="has no 'kind'"):
        open_backend("torch", weights)


def test_an_architecture_that_fits_but_computes_otherwise_is_refused(
    record: ModelRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distilfuse.nets.nano import NanoNet

    plain = NanoNet.fuse_padded

    def otherwise(self: NanoNet, *pair: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        fused, features = plain(self, *pair)
        return fused + 0.01, features

    monkeypatch.setattr(NanoNet, "fuse_padded", otherwise)
    with pytest.raises(ModelError, match="its record names another network"):
        load("torch", record)


def test_devices_that_are_not_there_are_refused(record: ModelRecord) -> None:
    with pytest.raises(ConfigError, match="PyTorch has no device 'abacus'"):
        load("torch:abacus", record)
    if not torch.cuda.is_available():
        with pytest.raises(DistilfuseError, match="PyTorch cannot use the device 'cuda'") as caught:
            load("torch:cuda", record)
        assert "\n" not in str(caught.value)


def test_half_precision_wants_a_card(record: ModelRecord) -> None:
    with pytest.raises(ConfigError, match="'torch-half' runs on NVIDIA cards, not on cpu: take 'torch' there"):
        load("torch-half:cpu", record)
    if not torch.cuda.is_available():
        assert find_devices("torch-half") == []
        with pytest.raises(DistilfuseError, match="PyTorch cannot use the device 'cuda'"):
            load("torch-half", record)


def test_recordings_are_kept_for_the_shapes_used_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the card: what is replayed is computed from the inputs that stand there."""
    from distilfuse.export import torch_backend

    made: list[torch.Size] = []

    class Replayed:
        def __init__(self, function: Callable[..., torch.Tensor], *inputs: torch.Tensor) -> None:
            self.inputs = [tensor.clone() for tensor in inputs]
            self.function = function
            self.result = torch.empty_like(inputs[0])
            made.append(inputs[0].shape)

        def replay(self) -> torch.Tensor:
            return self.result.copy_(self.function(*self.inputs))

    monkeypatch.setattr(torch_backend, "Recording", Replayed)
    monkeypatch.setattr(torch.cuda, "device", lambda _: nullcontext())
    recorded = torch_backend._Recorded(torch.add, torch.device("cuda"))
    sizes = [1, 2, 1, *range(3, 10), 1, 2]  # 2 is the one that makes room for 9
    results = [recorded(torch.full((size,), 1.0), torch.full((size,), float(k))) for k, size in enumerate(sizes)]
    for k, result in enumerate(results):  # none was overwritten by a later one
        assert result.tolist() == [1.0 + k] * sizes[k]
    assert [shape[0] for shape in made] == [1, *range(2, 10), 2]


@pytest.mark.parametrize("package", ["torch", "onnx"])
def test_a_missing_package_gives_the_install_line(
    package: str, record: ModelRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "distilfuse.export.torch_backend")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=r"'torch' is not installed: pip install 'distilfuse\[train\]'"):
        load("torch", record)
    assert find_devices("torch") is None


@pytest.mark.slow
def test_compiled(record: ModelRecord, backend: Backend) -> None:
    """Sizes never seen before come from several threads at once."""
    compiled = load("torch-compile", record)
    pairs = [pair(height, width) for height, width in ((48, 64), (64, 48), (16, 16), (128, 32))]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda both: compiled.run(*both), pairs))
    for both, result in zip(pairs, results, strict=True):
        np.testing.assert_allclose(result, backend.run(*both), atol=1e-4)


@pytest.mark.gpu
@pytest.mark.parametrize(("name", "off"), [("torch:cuda", 1e-3), ("torch-compile:cuda", 1e-3), ("torch-half", 1e-2)])
def test_on_a_card(name: str, off: float, record: ModelRecord, backend: Backend) -> None:
    on_card = load(name, record)
    assert on_card.device.startswith("CUDA (")
    for height, width in ((48, 64), (112, 80), (48, 64)):
        both = pair(height, width)
        np.testing.assert_allclose(on_card.run(*both), backend.run(*both), atol=off)
