"""NanoNet: sizes, colour, and what its first step computes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from distilfuse.errors import ConfigError
from distilfuse.nets.luminance import grey
from distilfuse.nets.nano import Convolution, NanoConfig, NanoNet, Stem, Upsampling

SMALL = NanoConfig(width=8, deep_width=8, gauge_width=4)


@settings(deadline=None, max_examples=25)
@given(height=st.integers(1, 40), width=st.integers(1, 40), channels=st.sampled_from([1, 3]))
def test_any_size_in_the_same_size_out(height: int, width: int, channels: int) -> None:
    network = NanoNet(config=SMALL)
    fused = network(torch.rand(2, channels, height, width), torch.rand(2, 1, height, width))
    assert fused.shape == (2, channels, height, width)
    assert torch.isfinite(fused).all()


def test_untrained_it_is_the_mean_of_both_luminances() -> None:
    visible, infrared = torch.rand(1, 3, 24, 40), torch.rand(1, 1, 24, 40)
    fused = NanoNet(config=SMALL)(visible, infrared)
    assert torch.allclose(grey(fused), (grey(visible) + infrared) / 2, atol=1e-5)


def test_colour_differences_stay() -> None:
    torch.manual_seed(0)
    network = NanoNet(config=SMALL)
    torch.nn.init.normal_(network.head.weight, std=0.1)
    visible = torch.rand(1, 3, 16, 16)
    fused = network(visible, torch.rand(1, 1, 16, 16))
    assert not torch.allclose(fused, visible)
    assert torch.allclose(fused[:, 0] - fused[:, 1], visible[:, 0] - visible[:, 1], atol=1e-5)
    assert torch.allclose(fused[:, 2] - fused[:, 1], visible[:, 2] - visible[:, 1], atol=1e-5)


def test_the_gauge_sees_the_whole_pair() -> None:
    """A change in one corner reaches the opposite one, beyond any receptive field."""
    torch.manual_seed(0)
    network = NanoNet(config=SMALL)
    torch.nn.init.normal_(network.head.weight, std=0.1)
    torch.nn.init.normal_(network.gauge.out.weight, std=0.5)
    visible, infrared = torch.rand(1, 1, 128, 128), torch.rand(1, 1, 128, 128)
    changed = visible.clone()
    changed[..., :16, :16] = 1
    difference = (network(visible, infrared) - network(changed, infrared)).abs()
    assert difference[..., -8:, -8:].max() > 0


@pytest.mark.parametrize("upsampling", ["shuffle", "smooth"])
@pytest.mark.parametrize("convolution", ["full", "separable"])
@pytest.mark.parametrize("stride", [2, 4])
@pytest.mark.parametrize(("stem", "head_size"), [("overlapping", 3), ("half", 3), ("patches", 1)])
def test_each_way_to_build_it(
    stem: Stem, head_size: int, stride: int, convolution: Convolution, upsampling: Upsampling
) -> None:
    torch.manual_seed(0)
    config = NanoConfig(
        width=8,
        deep_width=8,
        gauge_width=4,
        stride=stride,
        stem=stem,
        head_size=head_size,
        convolution=convolution,
        upsampling=upsampling,
    )
    network = NanoNet(config=config)
    visible, infrared = torch.rand(1, 3, 37, 50), torch.rand(1, 1, 37, 50)
    fused, features = network(visible, infrared, return_features=True)
    assert torch.allclose(grey(fused), (grey(visible) + infrared) / 2, atol=1e-5)  # untrained
    assert network.multiple == 4 * stride
    height, width = -(-37 // network.multiple) * network.multiple, -(-50 // network.multiple) * network.multiple
    assert [tuple(feature.shape) for feature in features] == [
        (1, channels, height // step, width // step)
        for channels, step in zip(network.feature_channels, network.feature_strides, strict=True)
    ]
    torch.nn.init.normal_(network.head.weight, std=0.1)
    trained = network(visible, infrared)
    assert not torch.allclose(trained, fused, atol=1e-3)
    assert torch.allclose(network.merge()(visible, infrared), trained, atol=1e-5)


def test_a_separable_network_has_fewer_weights() -> None:
    full, separable = (NanoNet(config=NanoConfig(convolution=kind)).merge() for kind in ("full", "separable"))
    sizes = [sum(weight.numel() for weight in network.parameters()) for network in (full, separable)]
    assert sizes[1] < sizes[0] / 2


@pytest.mark.parametrize(
    "bad",
    [
        {"deep_layers": 3},
        {"deep_layers": 0},
        {"width": 0},
        {"detail_layers": -1},
        {"stride": 3},
        {"convolution": "wide"},
        {"upsampling": "nearest"},
        {"stem": "overlap"},
        {"head_size": 2},
    ],
)
def test_sizes_that_make_no_network(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        NanoConfig(**bad)


@pytest.mark.parametrize(
    "sizes",
    [{}, {"stride": 4, "stem": "patches"}, {"stem": "half"}, {"stem": "patches", "head_size": 1, "deep_layers": 4}],
)
def test_no_pixel_sees_further_than_the_halo(sizes: dict[str, Any]) -> None:
    torch.manual_seed(0)
    network = NanoNet(config=NanoConfig(width=8, deep_width=8, gauge_width=4, **sizes))
    torch.nn.init.normal_(network.head.weight, std=0.1)
    reading = torch.rand(1, network.reading_channels)
    side = 2 * network.halo + 2 * network.multiple
    pair = [torch.rand(1, 1, side, side) for _ in range(2)]
    changed = [picture.clone() for picture in pair]
    for picture in changed:
        picture[..., : network.multiple, :] = 1
    outputs = [network.fuse_padded(*pictures, reading=reading)[0] for pictures in (pair, changed)]
    below = network.multiple + network.halo
    assert torch.equal(outputs[0][..., below:, :], outputs[1][..., below:, :])
    within = below - network.multiple
    assert not torch.equal(outputs[0][..., :within, :], outputs[1][..., :within, :])
