"""``python interpreted.py PART``: a part of the network through the kernels and as written, asserted to be close."""

from __future__ import annotations

import sys

import torch
from torch import nn

from distilfuse.nets import FusionNet, StudentConfig
from distilfuse.nets.blocks import ChannelPart, SpatialPart
from distilfuse.nets.cuda.residuals import accelerated


def disturbed(network: nn.Module) -> nn.Module:
    """Every weight away from where it begins: norms with scale and shift, biases that are not zero."""
    for parameter in network.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    return network.eval().requires_grad_(False)


def part(name: str) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    torch.manual_seed(0)
    config = StudentConfig()
    x = torch.randn(2, 16, 11, 13)
    if name == "feed_forward":
        return ChannelPart(config=config, channels=16, level=0).feed_forward, (x,)
    if name == "channel":
        return ChannelPart(config=config, channels=32, level=1).attention, (torch.randn(2, 32, 11, 13),)
    if name == "spatial":
        return SpatialPart(config=config, channels=16, level=0).attention, (x,)
    if name == "wide":  # no power of two anywhere: the teacher's sizes
        config = StudentConfig(channels=24, expansion=2.66, overlap_window=10)
        return SpatialPart(config=config, channels=48, level=1), (torch.randn(1, 48, 9, 10),)
    assert name == "network"
    config = StudentConfig(blocks=(1, 1), refinement=0, channel_heads=(1, 2), spatial_heads=(1, 2))
    return FusionNet(config=config), (torch.rand(1, 3, 6, 10), torch.rand(1, 1, 6, 10))


def main() -> None:
    network, inputs = part(sys.argv[1])
    disturbed(network)
    holder = network if isinstance(network, FusionNet) else nn.Sequential(network)
    with torch.inference_mode():
        wanted = network(*inputs)
        fast = accelerated(holder)  # type: ignore[arg-type]  # whatever holds residual parts will do
        kinds = {type(module).__name__ for module in fast.modules()}
        assert "Residual" not in kinds, kinds
        found = fast(*(inputs if isinstance(network, FusionNet) else [x.half() for x in inputs]))
    worst = float((found.float() - wanted).abs().max() / wanted.abs().max())
    assert worst < 3e-3, worst
    # What was given is untouched, and still in float32.
    assert all(parameter.dtype == torch.float32 for parameter in network.parameters())


if __name__ == "__main__":
    main()
