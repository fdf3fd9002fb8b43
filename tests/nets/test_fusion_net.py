from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from distilfuse.errors import InputError
from distilfuse.nets import FusionNet, StudentConfig, TeacherConfig, build
from distilfuse.nets.config import CROSS_FUSIONS, CrossFusionName, FusionConfig, NormPlacement

SMALL = {
    "channels": 4,
    "blocks": (1, 1, 1, 1),
    "refinement": 1,
    "channel_heads": (1, 1, 2, 2),
    "spatial_heads": (1, 1, 1, 2),
    "head_dim": 4,
}


def student(**changes: object) -> FusionNet:
    torch.manual_seed(0)
    return FusionNet(config=StudentConfig(**{**SMALL, **changes})).eval()


def teacher(**changes: object) -> FusionNet:
    torch.manual_seed(0)
    sizes = {**SMALL, "text_channels": 12, "text_hidden": 8, **changes}
    return FusionNet(config=TeacherConfig(**sizes)).eval()


def pair(height: int, width: int, batch: int = 1) -> tuple[Tensor, Tensor]:
    return torch.rand(batch, 3, height, width), torch.rand(batch, 1, height, width)


def millions(module: nn.Module) -> float:
    return sum(p.numel() for p in module.parameters()) / 1e6


def built(config: FusionConfig) -> nn.Module:
    with torch.device("meta"):
        return build(config)


def test_teacher_has_the_papers_parameters() -> None:
    assert millions(built(TeacherConfig())) == pytest.approx(40.3, rel=0.01)


def test_student_has_at_most_the_papers_parameters() -> None:
    count = millions(built(StudentConfig()))
    assert count <= 4.10
    assert count == pytest.approx(4.10, rel=0.03)


def test_wider_students_are_near_the_papers() -> None:
    # 15.8 M in the paper. From 16 to 32 channels ours grows 3.70 times, the paper's 3.85 times: the
    # spatial attention's inner width is set by its heads and does not grow with the channels.
    assert millions(built(StudentConfig(channels=32))) == pytest.approx(15.8, rel=0.07)
    # 39.1 M in the paper, 9.5 times its student of 16: more than any growth with the square of the
    # width (9 times) can give. It is the teacher's count less its text, and so is ours.
    textless = TeacherConfig(text_channels=None)
    assert millions(built(textless)) == pytest.approx(39.1, rel=0.01)
    deep = StudentConfig(channels=48, expansion=2.66, refinement=4)
    assert millions(built(deep)) == millions(built(textless))
    # With the student's own depth and expansion it is lighter.
    assert millions(built(StudentConfig(channels=48))) == pytest.approx(32.3, rel=0.01)


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), grey=st.booleans(), reduction=st.integers(1, 3))
def test_any_size_comes_back(height: int, width: int, grey: bool, reduction: int) -> None:
    net = student(reduction=reduction)
    visible, infrared = pair(height, width)
    visible = visible[:, :1] if grey else visible
    with torch.no_grad():
        fused = net(visible, infrared)
    assert fused.shape == (1, 3, height, width)
    assert torch.isfinite(fused).all()


def test_padding_outside_equals_padding_inside() -> None:
    net = student()
    visible, infrared = pair(13, 30)
    widened = [F.pad(x, (0, 2, 0, 3), mode="replicate") for x in (visible, infrared)]
    with torch.no_grad():
        torch.testing.assert_close(net(visible, infrared), net(*widened)[:, :, :13, :30])


def test_a_size_that_fits_is_not_padded(monkeypatch: pytest.MonkeyPatch) -> None:
    net = student()
    seen: list[torch.Size] = []
    whole = net.fuse_padded
    monkeypatch.setattr(net, "fuse_padded", lambda v, i, t=None: (seen.append(v.shape), whole(v, i, t))[1])
    with torch.no_grad():
        net(*pair(24, 40))
        net(*pair(25, 40))
    assert seen == [(1, 3, 24, 40), (1, 3, 32, 40)]


def test_grey_visible_is_replicated() -> None:
    net = student()
    visible, infrared = pair(16, 16)
    grey = visible[:, :1]
    with torch.no_grad():
        torch.testing.assert_close(net(grey, infrared), net(grey.repeat(1, 3, 1, 1), infrared))


def test_pairs_of_a_batch_do_not_touch_each_other() -> None:
    net = student()
    visible, infrared = pair(17, 24, batch=3)
    with torch.no_grad():
        together = net(visible, infrared)
        alone = torch.cat([net(visible[n : n + 1], infrared[n : n + 1]) for n in range(3)])
    torch.testing.assert_close(together, alone)


def test_inference_equals_training_mode_arithmetic() -> None:
    """Without gradients the network works in strips and with fused kernels; the numbers are the same."""
    net = student()
    visible, infrared = pair(72, 40)
    with torch.no_grad():
        quick = net(visible, infrared)
    torch.testing.assert_close(quick, net(visible, infrared).detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("norm", "reduction"), [("pre", 1), ("post", 1), ("pre", 2)])
def test_what_is_exported_equals_what_is_trained(
    norm: NormPlacement, reduction: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = student(
        norm=norm, reduction=reduction
    ).double()  # in float32 'post' enlarges every rounding, however it is computed
    visible, infrared = (x.double() for x in pair(64 * reduction, 128, batch=2))
    trained = net(visible, infrared).detach()
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    with torch.no_grad():
        torch.testing.assert_close(net.fuse_padded(visible, infrared)[0], trained, rtol=1e-8, atol=1e-9)


def test_residual_passes_the_visible_picture() -> None:
    net = student()
    nn.init.zeros_(net.output.weight)
    visible, infrared = pair(19, 23)
    with torch.no_grad():
        assert torch.equal(net(visible, infrared), visible)


def test_features_are_the_decoders_levels() -> None:
    net = student()
    with torch.no_grad():
        fused, features = net(*pair(30, 41), return_features=True)
    assert fused.shape == (1, 3, 30, 41)
    assert [tuple(f.shape[1:]) for f in features] == [(8, 32, 48), (8, 16, 24), (16, 8, 12), (32, 4, 6)]


def test_a_reduced_network_brings_the_sources_detail_back() -> None:
    net = student(reduction=2)
    visible, infrared = pair(32, 48)
    # Of the 16 planes behind the last convolution the first twelve are residuals, the last four weights of infrared.
    net.refinement = nn.Sequential()  # type: ignore[assignment]
    nn.init.zeros_(net.output.weight)
    luminance = 0.299 * visible[:, :1] + 0.587 * visible[:, 1:2] + 0.114 * visible[:, 2:]
    for first, last, wanted in ((0, 12, visible + 0.5), (12, 16, visible + 0.5 * (infrared - luminance))):
        with torch.no_grad():
            net.output.weight.zero_()
            net.output.weight[first:last, 0, 1, 1] = 0.5
            net.decoder.forward = lambda levels: [torch.ones(1, 8, 16, 24), *levels[1:]]  # type: ignore[method-assign]
            torch.testing.assert_close(net(visible, infrared), wanted)


def test_features_of_a_reduced_network_stand_for_more_pixels() -> None:
    net = student(reduction=2)
    assert (net.feature_strides, net.multiple) == ((2, 4, 8, 16), 16)
    with torch.no_grad():
        _, features = net(*pair(30, 41), return_features=True)
    assert [tuple(f.shape[1:]) for f in features] == [(8, 16, 24), (8, 8, 12), (16, 4, 6), (32, 2, 3)]
    assert millions(net) == pytest.approx(millions(student()), rel=0.15)  # this one is of 4 channels


def test_untrained_text_changes_nothing_and_trained_text_does() -> None:
    net = teacher()
    visible, infrared = pair(16, 24, batch=2)
    text = torch.randn(2, 12)
    with torch.no_grad():
        without = net(visible, infrared)
        assert torch.equal(net(visible, infrared, text), without)
        for modulation in net.modulations:
            nn.init.normal_(modulation.gamma_beta.weight)
        assert not torch.allclose(net(visible, infrared, text), without)
        torch.testing.assert_close(net(visible, infrared, None), without)


def test_text_modulates_every_level() -> None:
    net = teacher()
    net(*pair(16, 16), torch.randn(1, 12)).square().sum().backward()
    assert len(net.modulations) == 4
    for modulation in net.modulations:
        assert modulation.gamma_beta.weight.grad is not None
        assert modulation.gamma_beta.weight.grad.abs().max() > 0


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("cross_fusion", CROSS_FUSIONS)
def test_every_parameter_of_every_variant_learns(norm: NormPlacement, cross_fusion: CrossFusionName) -> None:
    net = student(norm=norm, cross_fusion=cross_fusion).train()
    net(*pair(24, 16, batch=2)).square().mean().backward()
    idle = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert idle == []


def test_norm_placements_differ() -> None:
    pre, post = student(norm="pre"), student(norm="post")
    post.load_state_dict(pre.state_dict())
    visible, infrared = pair(16, 16)
    with torch.no_grad():
        assert not torch.allclose(pre(visible, infrared), post(visible, infrared))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_mixed_precision_is_finite_and_close(dtype: torch.dtype) -> None:
    net = teacher()
    visible, infrared = pair(40, 24)
    text = torch.randn(1, 12)
    with torch.no_grad():
        full = net(visible, infrared, text)
        with torch.autocast("cpu", dtype=dtype):
            half = net(visible, infrared, text)
    assert torch.isfinite(half).all()
    assert (half.float() - full).abs().max() < 0.05


def test_trains_in_bfloat16() -> None:
    net = student().train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = net(*pair(16, 16)).float().square().mean()
    loss.backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())


@pytest.mark.parametrize(
    ("visible", "infrared", "text", "message"),
    [
        ((1, 2, 8, 8), (1, 1, 8, 8), None, "visible has shape"),
        ((3, 8, 8), (1, 1, 8, 8), None, "visible has shape"),
        ((1, 3, 0, 8), (1, 1, 0, 8), None, "visible has shape"),
        ((1, 3, 8, 8), (1, 1, 8, 9), None, "infrared has shape"),
        ((1, 3, 8, 8), (1, 3, 8, 8), None, "infrared has shape"),
        ((2, 3, 8, 8), (1, 1, 8, 8), None, "infrared has shape"),
        ((1, 3, 8, 8), (1, 1, 8, 8), (1, 7), "text has shape"),
        ((2, 3, 8, 8), (2, 1, 8, 8), (1, 12), "text has shape"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    visible: tuple[int, ...], infrared: tuple[int, ...], text: tuple[int, ...] | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        teacher()(torch.zeros(visible), torch.zeros(infrared), None if text is None else torch.zeros(text))


def test_a_student_refuses_text() -> None:
    with pytest.raises(InputError, match="student has no text modulation"):
        student()(*pair(8, 8), torch.zeros(1, 12))
