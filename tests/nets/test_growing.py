from __future__ import annotations

from typing import Any

import pytest
import torch

from distilfuse.errors import ConfigError
from distilfuse.nets.growing import grow_from
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
