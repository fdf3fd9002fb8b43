"""Networks that begin with what another computes: a nano network with a smaller one, a reduced one with a whole one."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from distilfuse.errors import ConfigError
from distilfuse.nets.fusion_net import FusionNet
from distilfuse.nets.nano import NanoNet, RepConv

__all__ = ["grow_from", "reduce_from"]


@torch.no_grad()
def grow_from(network: NanoNet, smaller: NanoNet) -> None:
    """Give a network weights with which it computes exactly what a smaller one does (after Net2Net, Chen et al., 2016).

    The smaller one's channels are the first of its own. What the others give is random, and counts for nothing yet: the
    weights from them to the first ones are zero. Layers that the smaller one lacks pass on what they are given.

    Args:
        network: changed in place.
        smaller: the same but for its channels and detail layers, of which it has no more.

    Raises:
        ConfigError: a network that this one cannot begin with.
    """
    ours, theirs = network.config, smaller.config
    alike = replace(ours, width=theirs.width, deep_width=theirs.deep_width, detail_layers=theirs.detail_layers)
    larger = (getattr(theirs, name) > getattr(ours, name) for name in ("width", "deep_width", "detail_layers"))
    if alike != theirs or any(larger):
        raise ConfigError(f"A nano network of {theirs} cannot grow into one of {ours}.")
    for layer in network.detail[theirs.detail_layers :]:
        if not isinstance(layer, RepConv) or layer.point is None:
            raise ConfigError("Only full convolutions, not merged yet, can be added as layers that change nothing.")
        nn.init.zeros_(layer.main.weight)
        nn.init.zeros_(layer.main.bias)  # type: ignore[arg-type]  # it has one
        nn.init.dirac_(layer.point.weight)  # what comes in is not negative, so nor does the ReLU change it
    mine = network.state_dict()
    for name, tensor in smaller.state_dict().items():
        # Of the gauge's answers, a part for each gamma and beta; of all else, one part.
        parts = 2 * len(network.gauge.modulated) if name.startswith("gauge.out.") else 1
        for before, after in zip(tensor.chunk(parts), mine[name].chunk(parts), strict=True):
            rows = after[: len(before)]
            rows.zero_()
            rows[tuple(slice(size) for size in before.shape)].copy_(before)


@torch.no_grad()
def reduce_from(network: FusionNet, whole: FusionNet) -> None:
    """Give a reduced network weights with which it computes what one on whole pictures does of the averaged pair.

    The change that it makes to the visible picture is the same for all pixels of a feature; that each has its own, and
    what comes from the infrared picture at full size, is left to training.

    Args:
        network: changed in place.
        whole: the same but for its ``reduction``, which is 1.

    Raises:
        ConfigError: a network that this one cannot begin with.
    """
    cells = network.config.reduction**2
    if replace(network.config, reduction=1) != whole.config or cells == 1:
        raise ConfigError(f"A network of {whole.config} cannot be reduced to one of {network.config}.")
    given = whole.state_dict()
    for name in ("visible_encoder.embed.weight", "infrared_encoder.embed.weight"):
        for axis in (2, 3):
            given[name] = given[name].repeat_interleave(network.config.reduction, dim=axis)
        given[name] = given[name] / cells
    change = given["output.weight"].repeat_interleave(cells, dim=0)
    given["output.weight"] = torch.cat([change, torch.zeros_like(change[:cells])])
    network.load_state_dict(given)
