from __future__ import annotations

import pytest
import torch

from distilfuse.nets.config import CROSS_FUSIONS, CrossFusionName, StudentConfig
from distilfuse.nets.cross_fusion import CrossAttentionFusion, WeightedFusion, cross_fusion
from distilfuse.nets.fusion_variants import ConcatenationFusion, DynamicWeightFusion, UnlearnedWeightFusion

CONFIG = StudentConfig(channels=8)


@pytest.mark.parametrize("name", CROSS_FUSIONS)
@pytest.mark.parametrize("level", [0, 3])
def test_every_variant_fuses_every_level_and_hears_both_modalities(name: CrossFusionName, level: int) -> None:
    torch.manual_seed(0)
    config = StudentConfig(channels=8, cross_fusion=name)
    fusion = cross_fusion(config=config, level=level)
    shape = (2, config.widths[level], 9, 10)
    visible, infrared = (torch.randn(shape, requires_grad=True) for _ in range(2))
    fused = fusion(visible, infrared)
    assert fused.shape == shape
    fused.square().sum().backward()
    for source in (visible, infrared):
        assert source.grad is not None
        assert torch.isfinite(source.grad).all()
        assert source.grad.abs().amin(1).max() > 0
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in fusion.parameters())


def test_ours_is_cross_attention_at_the_lowest_level_only() -> None:
    kinds = [type(cross_fusion(config=CONFIG, level=level)) for level in range(4)]
    assert kinds == [WeightedFusion, WeightedFusion, WeightedFusion, CrossAttentionFusion]


def test_cross_attention_joins_each_spatial_with_the_other_channel_part() -> None:
    """Equations 6 to 8 written out."""
    torch.manual_seed(0)
    part = CrossAttentionFusion(config=CONFIG, channels=8, level=0)
    visible, infrared = torch.randn(1, 8, 8, 8), torch.randn(1, 8, 8, 8)
    crossed = torch.cat([part.visible_spatial(visible), part.infrared_channel(infrared)], 1)
    other = torch.cat([part.infrared_spatial(infrared), part.visible_channel(visible)], 1)
    first, second = part.visible_join(crossed), part.infrared_join(other)
    torch.testing.assert_close(part(visible, infrared), part.feed_forward(first + second))


def test_unlearned_weights_follow_activity() -> None:
    fusion = UnlearnedWeightFusion()
    assert sum(p.numel() for p in fusion.parameters()) == 0
    loud, silent = torch.full((1, 4, 5, 5), 3.0), torch.zeros(1, 4, 5, 5)
    torch.testing.assert_close(fusion(loud, silent), loud)
    torch.testing.assert_close(fusion(silent, loud), loud)
    # Three times as active: three quarters of the weight.
    torch.testing.assert_close(fusion(loud, -loud / 3), loud * (0.75 - 0.25 / 3))
    assert torch.equal(fusion(silent, silent), silent)


def test_dynamic_weights_with_equal_kernels_are_one_convolution() -> None:
    torch.manual_seed(0)
    dynamic, plain = DynamicWeightFusion(channels=4), ConcatenationFusion(channels=4)
    with torch.no_grad():
        dynamic.kernels.copy_(plain.join.weight.flatten(1).expand(4, -1, -1))
    pair = torch.randn(2, 4, 6, 7), torch.randn(2, 4, 6, 7)
    torch.testing.assert_close(dynamic(*pair), plain(*pair))


def test_dynamic_weights_differ_from_picture_to_picture() -> None:
    torch.manual_seed(0)
    dynamic = DynamicWeightFusion(channels=4)
    pair = torch.randn(1, 4, 6, 7), torch.randn(1, 4, 6, 7)
    brighter = pair[0] + 1, pair[1]
    step = dynamic(*brighter) - dynamic(*pair)
    assert step.std((2, 3)).max() > 1e-4  # one fixed 1x1 convolution would give a constant step
