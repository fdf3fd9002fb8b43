"""Networks on an NVIDIA card: pictures a second, what bounds them, and how far half precision is from single.

    python benchmarks/gpu.py [--weights NAME.safetensors ...] [--data DIR] [--width 640] [--height 480]
                             [--batches 1 8 32] [--profile] [--out FILE.json]

Released nano networks and a student with random weights, or those of `--weights`, the results of training runs. Each is
run in every way, float32 pictures on the card in and out:

    float32    as it is written (cuDNN may use TF32)
    half       in float16, recorded as a CUDA graph
    kernels    the paper's network only: float16, its residual parts as Triton kernels, recorded

Times are of CUDA events around replays, after warm-up; the median of several rounds. `share of copy`: the bytes that
the operations of a picture have to read and write, once each, over the time, over what a copy on the card reaches in
the same run; `share of product`: arithmetic over a float16 matrix product's. With `--data` every way is scored on the
first RoadScene validation pairs. `--profile` prints the kernels that take longest.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from distilfuse.datasets.pairs import Pair, load_pairs
from distilfuse.evaluation.speed.machine import commit
from distilfuse.export.torch_backend import read_network
from distilfuse.metrics import score
from distilfuse.nets import FusionNet, StudentConfig
from distilfuse.nets.cuda import residuals
from distilfuse.nets.cuda.recording import Recording
from distilfuse.training.trained import load_trained
from distilfuse.training.validation import fuse_arrays
from distilfuse.zoo import find_record, list_models, read_weights

Fuse = Callable[[Tensor, Tensor], Tensor]

PAIRS = 8
_KERNELS = ("norm_pointwise", "gated_project", "depthwise_project", "channel_mixing", "window_attention")
_VIEWS = ("view", "permute", "transpose", "expand", "slice", "select", "split", "chunk", "unsqueeze", "as_strided", "t")


class Traffic(TorchDispatchMode):
    """Bytes that operations read and write, each tensor once an operation."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.__name__.split(".")[0].strip("_")
        if name not in _VIEWS and not name.startswith(("empty", "new_empty", "unsafe_view")):
            self.add(args, kwargs, result)
        return result

    def add(self, *values: Any) -> None:
        self.bytes += sum(leaf.numel() * leaf.element_size() for leaf in tree_leaves(values) if _is_tensor(leaf))


def _is_tensor(value: object) -> bool:
    return isinstance(value, Tensor)


def traffic(fuse: Fuse, *inputs: Tensor) -> int:
    """Bytes of one call; a kernel of ours counts as its arguments and its result."""
    counter = Traffic()
    originals = {name: getattr(residuals, name) for name in _KERNELS}

    def counted(original: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def call(*args: Any) -> Tensor:
            result = original(*args)
            counter.add(args, result)
            return result

        return call

    try:
        for name, original in originals.items():
            setattr(residuals, name, counted(original))
        with torch.inference_mode(), counter:
            fuse(*inputs)
    finally:
        for name, original in originals.items():
            setattr(residuals, name, original)
    return counter.bytes


def arithmetic(network: nn.Module, visible: Tensor, infrared: Tensor) -> int:
    """Floating-point operations of one call."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.fuse_padded(visible, infrared)  # type: ignore[operator]
    return counter.get_total_flops()


def milliseconds(run: Callable[[], object], rounds: int = 7) -> float:
    """Median of rounds of at least 60 ms each."""

    def once(times: int) -> float:
        first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        first.record()
        for _ in range(times):
            run()
        last.record()
        last.synchronize()
        return first.elapsed_time(last) / times

    once(2)
    times = max(3, round(60 / once(3)))
    return statistics.median(once(times) for _ in range(rounds))


def peaks() -> dict[str, float]:
    source = torch.randn(1 << 29, dtype=torch.float16, device="cuda")
    target = torch.empty_like(source)
    a, b = (torch.randn(8192, 8192, dtype=torch.float16, device="cuda") for _ in range(2))
    return {
        "copy_gbs": 2 * source.numel() * 2 / milliseconds(lambda: target.copy_(source)) / 1e6,
        "product_tflops": 2 * 8192**3 / milliseconds(lambda: torch.matmul(a, b)) / 1e9,
    }


def networks(weights: list[Path]) -> dict[str, nn.Module]:
    found: dict[str, nn.Module] = {}
    for path in weights:
        trained = load_trained(path)
        found[trained.name] = trained.network
    if not weights:
        for record in map(find_record, list_models()):
            if record.architecture["kind"] == "nano":
                found[record.name] = read_network(read_weights(record), record.architecture)
        torch.manual_seed(0)
        found["student"] = FusionNet(config=StudentConfig())
        for parameter in found["student"].parameters():
            parameter.data.add_(0.05 * torch.randn_like(parameter))
    return {name: network.cuda().eval().requires_grad_(False) for name, network in found.items()}


def quality(network: nn.Module, pairs: list[Pair]) -> dict[str, float]:
    """Mean scores; what half precision costs beside single."""
    scores = []
    for pair in pairs:
        fused = fuse_arrays(network, pair.visible / np.float32(255), pair.infrared / np.float32(255))
        scores.append(score(pair.visible, pair.infrared, fused, metrics=("Qabf", "VIF", "SSIM")))
    return {name: round(statistics.fmean(each[name] for each in scores), 5) for name in scores[0]}


def ways(network: nn.Module) -> dict[str, nn.Module]:
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    found = {"float32": network, "half": deepcopy(network).half()}
    if isinstance(network, FusionNet):
        found["kernels"] = residuals.accelerated(network)
    return found


def measure(
    name: str, network: nn.Module, asked: argparse.Namespace, peak: dict[str, float]
) -> list[dict[str, object]]:
    """A row for every batch and way."""
    channels = 1 if network.visible_input == "luminance" else 3
    sides = [-(-side // network.multiple) * network.multiple for side in (asked.height, asked.width)]  # type: ignore[operator]
    generator = torch.Generator().manual_seed(0)
    rows = []
    for batch in asked.batches:
        visible, infrared = (
            torch.rand(batch, count, *sides, generator=generator).cuda().contiguous(memory_format=torch.channels_last)
            for count in (channels, 1)
        )
        flop = arithmetic(network, visible, infrared)
        wanted = None
        for way, part in ways(network).items():
            if way != "kernels" and batch > 1 and isinstance(network, FusionNet):
                continue  # slower than it is worth

            def fuse(visible: Tensor, infrared: Tensor, part: nn.Module = part) -> Tensor:
                return part.fuse_padded(visible, infrared)[0]  # type: ignore[operator]

            with torch.inference_mode():
                if way == "float32":
                    wanted = fuse(visible, infrared)
                    spent = milliseconds(lambda: fuse(visible, infrared))  # noqa: B023
                    difference = 0.0
                else:
                    recording = Recording(fuse, visible, infrared)
                    spent = milliseconds(recording.replay)
                    difference = float((recording.replay() - wanted).abs().max()) if wanted is not None else None
            moved = traffic(fuse, visible, infrared)
            row = {
                "network": name, "way": way, "batch": batch, "ms": round(spent, 4),
                "fps": round(1000 * batch / spent, 1),
                "largest_difference": difference,
                "share_of_copy": round(moved / spent / 1e6 / peak["copy_gbs"], 4),
                "share_of_product": round(flop / spent / 1e9 / peak["product_tflops"], 5),
            }  # fmt: skip
            print(json.dumps(row), flush=True)
            rows.append(row)
            if asked.profile and way == "kernels":
                profile(lambda: fuse(visible, infrared))  # noqa: B023
            torch.cuda.empty_cache()
    return rows


def profile(run: Callable[[], object]) -> None:
    with (
        torch.inference_mode(),
        torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as taken,
    ):
        run()
        torch.cuda.synchronize()
    print(taken.key_averages().table(sort_by="self_cuda_time_total", row_limit=24, max_name_column_width=70))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, nargs="+", default=[])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("PyTorch sees no NVIDIA card here.")
    peak = peaks()
    print(json.dumps(peak), flush=True)
    rows = []
    pairs = load_pairs(asked.data, "roadscene", "validation")[:PAIRS] if asked.data else []
    scores = {}
    for name, network in networks(asked.weights).items():
        rows += measure(name, network, asked, peak)
        if pairs:
            scores[name] = {way: quality(part, pairs) for way, part in ways(network).items()}
            print(json.dumps({name: scores[name]}), flush=True)
    if asked.out:
        report = {
            "benchmark": "gpu",
            "commit": commit(),
            "card": torch.cuda.get_device_name(),
            "versions": {"torch": torch.__version__, "triton": __import__("triton").__version__},
            "size": [asked.width, asked.height],
            "peaks": peak,
            "rows": rows,
            "validation_pairs": len(pairs),
            "quality": scores,
        }
        asked.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
