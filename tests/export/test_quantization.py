"""Quantisation: what is changed on the way computes the same, and what comes out runs in integers and is near."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from distilfuse.errors import ConfigError, ModelError
from distilfuse.export.bfloat16 import rounded_to_bfloat16
from distilfuse.export.calibration import Feed, observe
from distilfuse.export.equalization import equalize, groups
from distilfuse.export.onnx import export_onnx
from distilfuse.export.quantization import Quantizer
from distilfuse.nets import build, config_from_dict
from distilfuse.runtime import open_backend


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    torch.manual_seed(0)
    network = build(config_from_dict({"kind": "nano", "width": 16, "deep_width": 16, "gauge_width": 8}))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        # Channels of very different sizes, as trained ones are.
        network.detail[0].main.weight.mul_(torch.logspace(-1, 1, 16)[:, None, None, None])
    path = tmp_path_factory.mktemp("nano") / "nano.onnx"
    export_onnx(network, path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def feeds() -> list[Feed]:
    rng = np.random.default_rng(0)
    shape = (1, 1, 64, 96)
    return [
        {
            "visible": rng.random(shape, np.float32),
            "infrared": rng.random(shape, np.float32),
            "reading": np.zeros((1, 16), np.float32),
        }
        for _ in range(3)
    ]


@pytest.fixture(scope="module")
def quantizer(weights: bytes, feeds: list[Feed]) -> Quantizer:
    return Quantizer(weights, feeds)


def fused(weights: bytes, feeds: list[Feed]) -> np.ndarray:
    backend = open_backend("onnxruntime", weights, threads=1)
    return np.concatenate([backend.run(feed["visible"], feed["infrared"]) for feed in feeds])


def kernels(weights: bytes) -> dict[str, int]:
    return {t.name: t.data_type for t in onnx.load_model_from_string(weights).graph.initializer}


def test_equalising_computes_the_same_with_channels_of_one_size(weights: bytes, feeds: list[Feed]) -> None:
    model = onnx.load_model_from_string(weights)
    inside = next(n.input[0] for n in model.graph.node if n.op_type == "Conv" and "detail.1" in n.input[1])
    before = observe(model, feeds, [inside])
    equalize(model, {inside: before[inside].reach})
    after = observe(model, feeds, [inside])
    np.testing.assert_allclose(fused(model.SerializeToString(), feeds), fused(weights, feeds), atol=1e-5)

    def spread(reach: np.ndarray) -> float:
        alive = reach[reach > 1e-4 * reach.max()]
        return float(alive.max() / alive.min())

    assert spread(after[inside].reach) < 0.5 * spread(before[inside].reach)


def test_groups_stop_where_a_channel_cannot_be_scaled(weights: bytes) -> None:
    found = list(groups(onnx.load_model_from_string(weights).graph))
    ends = [({node.input[1] for node in group.makers}, {node.input[1] for node in group.users}) for group in found]
    name = "network.{}.weight".format
    # Stem and context are added before the detail; the head, the modulated features and the sources are left alone.
    assert (
        {name("stem"), name("up")},
        {name("gauge.energy"), name("down"), name("detail.0.main")},
    ) in ends
    assert ({name("detail.1.main")}, {name("head")}) in ends
    assert all(name("head") not in makers and name("down") not in makers for makers, _ in ends)


def test_a_range_is_not_made_coarse_by_a_few_values(feeds: list[Feed]) -> None:
    one = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, "h", "w"])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1, "h", "w"])
    model = helper.make_model(
        helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [one], [out]),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=8,
    )
    picture = np.random.default_rng(0).random((1, 1, 70, 70), np.float32)
    even = observe(model, [{"x": picture}], ["y"])["y"]
    low, high = even.range()
    assert low == 0
    assert 0.99 <= high <= 1  # no value is cut off without need
    picture[0, 0, 0, 0] = 40
    low, high = observe(model, [{"x": picture}], ["y"])["y"].range()
    assert low == 0
    assert high < 41  # one value in 4,900 that is far out costs more to keep than to cut, or as much


def test_what_comes_out_runs_in_integers_and_is_near(quantizer: Quantizer, weights: bytes, feeds: list[Feed]) -> None:
    chosen = [one for one in quantizer.convolutions if one.weight.startswith(("deep", "detail"))]
    assert len(chosen) == 4
    assert sum(one.work for one in quantizer.convolutions) == pytest.approx(1)
    content = quantizer.quantize(chosen)
    types = kernels(content)
    for one in quantizer.convolutions:
        name = f"network.{one.weight}.weight"
        if one in chosen:
            assert types[f"{name}_quantized"] == TensorProto.INT8
            assert name not in types
        else:
            assert types[name] == TensorProto.FLOAT
    assert np.abs(fused(content, feeds) - fused(weights, feeds)).mean() < 0.01
    quantised = {t.name: t for t in onnx.load_model_from_string(content).graph.initializer}
    for one in chosen:  # 7 bits, or CPUs without VNNI overflow
        assert np.abs(numpy_helper.to_array(quantised[f"network.{one.weight}.weight_quantized"]).astype(int)).max() < 65


def test_nothing_chosen_changes_nothing(quantizer: Quantizer, weights: bytes, feeds: list[Feed]) -> None:
    np.testing.assert_allclose(fused(quantizer.quantize([]), feeds), fused(weights, feeds), atol=1e-5)


def test_biases_take_back_what_rounding_shifts(
    quantizer: Quantizer, weights: bytes, feeds: list[Feed], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = [one for one in quantizer.convolutions if one.weight.startswith(("deep", "detail", "head"))]
    shift = abs((fused(quantizer.quantize(chosen), feeds) - fused(weights, feeds)).mean())
    monkeypatch.setattr("distilfuse.export.quantization._ROUNDS", 0)
    without = abs((fused(quantizer.quantize(chosen), feeds) - fused(weights, feeds)).mean())
    assert shift <= without + 1e-4


def test_openvino_runs_it_too(quantizer: Quantizer, feeds: list[Feed]) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    content = quantizer.quantize([one for one in quantizer.convolutions if one.weight.startswith("d")])
    given = open_backend("openvino", content, threads=1).run(feeds[0]["visible"], feeds[0]["infrared"])
    # Each has its own way to round what lies between two steps.
    assert np.abs(given - fused(content, feeds[:1])).mean() < 0.01


def test_nncf_does_it_too(weights: bytes, feeds: list[Feed]) -> None:
    pytest.importorskip("nncf", reason="the extra quantize is not installed")
    other = Quantizer(weights, feeds, method="nncf")
    content = other.quantize([one for one in other.convolutions if one.weight.startswith(("deep", "detail"))])
    assert np.abs(fused(content, feeds) - fused(weights, feeds)).mean() < 0.01
    assert TensorProto.INT8 in kernels(content).values()


def test_what_cannot_be_quantised_is_refused(weights: bytes, feeds: list[Feed]) -> None:
    with pytest.raises(ConfigError, match="no method 'tensorrt' of quantising: choose onnxruntime or nncf"):
        Quantizer(weights, feeds, method="tensorrt")
    with pytest.raises(ModelError, match="no ONNX file"):
        Quantizer(b"no model at all", feeds)
    model = onnx.load_model_from_string(weights)
    del model.graph.node[:]
    with pytest.raises(ModelError, match="no convolution"):
        Quantizer(model.SerializeToString(), feeds)


@pytest.mark.parametrize("everywhere", [False, True])
def test_bfloat16_is_near_and_not_the_same(everywhere: bool, weights: bytes, feeds: list[Feed]) -> None:
    rounded = fused(rounded_to_bfloat16(weights, everywhere=everywhere), feeds)
    error = np.abs(rounded - fused(weights, feeds))
    assert error.max() > 0
    assert error.mean() < 0.02


def test_bfloat16_rounds_weights(weights: bytes) -> None:
    """A network of weights that bfloat16 can hold, on pictures that it can hold, is changed by features only."""
    model = onnx.load_model_from_string(rounded_to_bfloat16(weights))
    rounded = {node.input[0] for node in model.graph.node if node.op_type == "Cast"}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    assert all(node.input[1].endswith("_bfloat16") for node in convolutions)
    assert {"network.head.weight", "sub_3"} & rounded == {"network.head.weight", "sub_3"}


def test_files_are_equal_when_made_again(weights: bytes, feeds: list[Feed], tmp_path: Path) -> None:
    twice = [Quantizer(weights, feeds) for _ in range(2)]
    first, second = (one.quantize(one.convolutions[:4]) for one in twice)
    assert first == second
