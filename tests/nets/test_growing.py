from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from distilfuse.errors import ConfigError
from distilfuse.nets import FusionNet, StudentConfig
from distilfuse.nets.growing import grow_from, reduce_from
from distilfuse.nets.nano import NanoConfig, NanoNet

PATCHES = {"stride": 4, "stem": "patches", "width": 8, "deep_width": 12, "detail_layers": 1}


def test_a_network_begins_with_what_a_smaller_one_computes() -> None:
    torch.manual_seed(0)
    small = NanoNet(config=NanoConfig(**PATCHES)).eval()
    for parameter in small.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    large = NanoNet(config=NanoConfig(**PATCHES | {"width": 12, "deep_width": 20, "detail_layers": 3})).eval()
    grow_from(large, small)
    pair = torch.rand(2, 1, 48, 64), torch.rand(2, 1, 48, 64)
    torch.testing.assert_close(large(*pair), small(*pair), atol=1e-6, rtol=0)
    large.train()
    (large(*pair) ** 2).mean().backward()
    for name, parameter in large.named_parameters():  # what counts for nothing yet can come to count
        assert parameter.grad is not None, name
    head = large.head.weight.grad
    assert head is not None
    assert (head[:, 8:] != 0).any()


@pytest.mark.parametrize(
    "changes",
    [{"stride": 2}, {"stem": "overlapping"}, {"head_size": 1}, {"width": 7}, {"convolution": "separable"}],
)
def test_a_network_of_another_kind_cannot_grow(changes: dict[str, Any]) -> None:
    small, large = NanoNet(config=NanoConfig(**PATCHES)), NanoNet(config=NanoConfig(**PATCHES | changes))
    with pytest.raises(ConfigError, match="cannot grow into one of"):
        grow_from(large, small)


ATTENTIVE = {"channels": 4, "blocks": (1, 1), "refinement": 1, "channel_heads": (1, 1), "spatial_heads": (1, 1)}


@pytest.mark.parametrize("reduction", [2, 3])
def test_a_reduced_network_begins_with_what_the_whole_one_does_to_the_averaged_pair(reduction: int) -> None:
    torch.manual_seed(0)
    whole = FusionNet(config=StudentConfig(**ATTENTIVE)).eval()
    reduced = FusionNet(config=StudentConfig(**ATTENTIVE, reduction=reduction)).eval()
    reduce_from(reduced, whole)
    visible, infrared = (
        torch.rand(2, 3, 16 * reduction, 24 * reduction),
        torch.rand(2, 1, 16 * reduction, 24 * reduction),
    )
    small = [F.avg_pool2d(x, reduction) for x in (visible, infrared)]
    with torch.no_grad():
        change = whole(*small) - small[0]
        assert change.abs().max() > 0.01
        wanted = visible + F.interpolate(change, scale_factor=reduction)
        torch.testing.assert_close(reduced(visible, infrared), wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("changes", [{}, {"channels": 8, "reduction": 2}, {"norm": "post", "reduction": 2}])
def test_only_the_same_network_can_be_reduced(changes: dict[str, Any]) -> None:
    whole = FusionNet(config=StudentConfig(**ATTENTIVE))
    other = FusionNet(config=StudentConfig(**ATTENTIVE | changes))
    with pytest.raises(ConfigError, match="cannot be reduced to one of"):
        reduce_from(other, whole)
