from __future__ import annotations

import gc
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import distilfuse
from distilfuse import samples
from distilfuse.errors import InputError, ModelError
from distilfuse.fuser import Fuser, fuse
from distilfuse.fuser.model import LoadedModel
from distilfuse.imaging.colour import luminance
from distilfuse.imaging.scaling import PictureWarning, full_scale, to_unit
from distilfuse.imaging.tiles import blend, tiles
from distilfuse.zoo import MODELS, find_record, list_models, load_record

ASSETS = Path(__file__).parent / "assets"
TYPES = (np.uint8, np.uint16, np.float32, np.float64)
RNG = np.random.default_rng(11)


def picture(shape: tuple[int, ...], dtype: type = np.uint8) -> np.ndarray:
    values = RNG.random(shape)
    return (values * full_scale(dtype)).astype(dtype)


@pytest.fixture(scope="module", params=["maximum-luminance", "maximum-rgb"])
def fuser(request: pytest.FixtureRequest) -> Fuser:
    return Fuser.from_pretrained(str(ASSETS / f"{request.param}.json"), threads=1)


@pytest.fixture(scope="module")
def luminance_fuser() -> Fuser:
    return Fuser.from_pretrained(str(ASSETS / "maximum-luminance.json"), threads=1)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("tail", [(), (1,), (3,), (4,)])
@pytest.mark.parametrize("infrared_tail", [(), (1,), (3,), (4,)])
def test_what_comes_out_is_what_the_visible_picture_was(
    fuser: Fuser, dtype: type, tail: tuple[int, ...], infrared_tail: tuple[int, ...]
) -> None:
    visible, infrared = picture((13, 10, *tail), dtype), picture((13, 10, *infrared_tail), np.uint8)
    kept = visible.copy(), infrared.copy()
    fused = fuser(visible, infrared)
    assert isinstance(fused, np.ndarray)
    assert fused.shape == visible.shape
    assert fused.dtype == visible.dtype
    assert not np.shares_memory(fused, visible)
    np.testing.assert_array_equal(visible, kept[0])
    np.testing.assert_array_equal(infrared, kept[1])
    if tail == (4,):
        np.testing.assert_array_equal(fused[..., 3], visible[..., 3])


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16", "F"])
def test_pillow_in_pillow_out(fuser: Fuser, mode: str) -> None:
    pixels = {
        "I;16": picture((7, 9), np.uint16),
        "F": picture((7, 9), np.float32),
    }.get(mode, picture((7, 9, 3)))
    visible = Image.fromarray(pixels)
    visible = visible if visible.mode == mode else visible.convert(mode)
    visible.info["icc_profile"] = b"profile"
    fused = fuser(visible, Image.fromarray(picture((7, 9))))
    assert isinstance(fused, Image.Image)
    assert (fused.mode, fused.size) == (mode, visible.size)
    assert fused.info["icc_profile"] == b"profile"


def test_pillow_modes_without_arithmetic_come_back_as_colour(fuser: Fuser) -> None:
    visible = Image.fromarray(picture((7, 9, 3))).quantize(16)
    assert fuser(visible, Image.fromarray(picture((7, 9)))).mode == "RGB"


def test_kinds_may_be_mixed(fuser: Fuser) -> None:
    visible, infrared = picture((7, 9, 3)), picture((7, 9))
    fused = fuser(visible, infrared)
    np.testing.assert_array_equal(fuser(visible, Image.fromarray(infrared)), fused)
    np.testing.assert_array_equal(np.asarray(fuser(Image.fromarray(visible), infrared)), fused)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("infrared_dtype", TYPES)
def test_values_are_scaled_by_type_and_by_nothing_else(dtype: type, infrared_dtype: type, fuser: Fuser) -> None:
    # Low contrast on purpose: a stretch by minimum and maximum would show.
    visible = (full_scale(dtype) * np.linspace(0.30, 0.40, 80).reshape(8, 10)).astype(dtype)
    infrared = np.full((8, 10), full_scale(infrared_dtype) * 0.35).astype(infrared_dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PictureWarning)
        fused = fuser(visible, infrared)
    expected = np.maximum(to_unit(visible), to_unit(infrared))
    np.testing.assert_allclose(
        to_unit(fused), expected, atol=0.6 / full_scale(dtype) + 2e-6 if dtype in TYPES[:2] else 2e-6
    )


def test_luminance_models_keep_the_chroma(luminance_fuser: Fuser) -> None:
    visible, infrared = picture((12, 12, 3)), picture((12, 12))
    fused = luminance_fuser(visible, infrared)
    expected = np.maximum(luminance(visible), to_unit(infrared))
    np.testing.assert_allclose(luminance(fused), expected, atol=0.51 / 255)


def test_rgb_models_fuse_each_channel() -> None:
    fuser = Fuser.from_pretrained(str(ASSETS / "maximum-rgb.json"))
    visible, infrared = picture((12, 12, 3)), picture((12, 12))
    np.testing.assert_array_equal(fuser(visible, infrared), np.maximum(visible, infrared[..., None]))


def test_infrared_in_colour_is_turned_grey(fuser: Fuser) -> None:
    visible, infrared = picture((12, 12, 3)), picture((12, 12))
    as_colour = np.repeat(infrared[..., None], 3, axis=2)
    difference = fuser(visible, as_colour).astype(int) - fuser(visible, infrared)
    assert np.abs(difference).max() <= 1


@given(st.integers(1, 37), st.integers(1, 37))
@settings(deadline=None, max_examples=60)
def test_every_size_from_one_pixel_up(height: int, width: int) -> None:
    fuser = SIZES.setdefault("fuser", Fuser.from_pretrained(str(ASSETS / "maximum-luminance.json"), threads=1))
    visible = np.random.default_rng(height).integers(0, 256, (height, width), dtype=np.uint8)
    infrared = np.random.default_rng(width).integers(0, 256, (height, width), dtype=np.uint8)
    np.testing.assert_array_equal(fuser(visible, infrared), np.maximum(visible, infrared))


SIZES: dict[str, Fuser] = {}


def test_views_and_foreign_byte_order(fuser: Fuser) -> None:
    base, infrared = picture((16, 24, 4), np.uint16), picture((8, 8), np.uint16)
    view = base[::-2, ::3, :3]
    fused = fuser(np.ascontiguousarray(view), infrared)
    np.testing.assert_array_equal(fuser(view, infrared), fused)
    foreign = fuser(view.astype(view.dtype.newbyteorder()), infrared.astype(infrared.dtype.newbyteorder()))
    assert foreign.dtype == view.dtype.newbyteorder()
    np.testing.assert_array_equal(foreign, fused)


def test_read_only_arrays(fuser: Fuser) -> None:
    visible, infrared = picture((8, 8, 3)), picture((8, 8))
    visible.setflags(write=False)
    infrared.setflags(write=False)
    assert fuser(visible, infrared).flags.writeable


def test_one_fuser_for_several_threads(fuser: Fuser) -> None:
    pairs = [(picture((40, 30, 3)), picture((40, 30))) for _ in range(24)]
    alone = [fuser(*both) for both in pairs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda both: fuser(*both), pairs))
    for first, second in zip(alone, together, strict=True):
        np.testing.assert_array_equal(first, second)


def test_raw_thermal_counts_draw_a_warning(fuser: Fuser) -> None:
    counts = picture((8, 8), np.uint16) // 32 + 7000
    with pytest.warns(PictureWarning, match="The infrared picture uses") as caught:
        fuser(picture((8, 8)), counts)
    assert caught[0].filename == __file__, "the warning must point at the caller"


def test_a_model_that_gives_nan_is_refused(luminance_fuser: Fuser, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = np.full((1, 1, 8, 8), np.nan, np.float32)
    monkeypatch.setattr(luminance_fuser._model.backend, "run", lambda visible, infrared, reading: nothing)
    with pytest.raises(ModelError, match="maximum-luminance gave NaN on a 8x8 pair"):
        luminance_fuser(picture((8, 8)), picture((8, 8)))


def test_it_says_what_it_is() -> None:
    fuser = Fuser.from_pretrained(str(ASSETS / "maximum-rgb.json"), backend="onnxruntime", threads=1)
    assert repr(fuser) == "Fuser('maximum-rgb', backend='onnxruntime', threads=1) on CPU"
    assert (fuser.backend, fuser.device, fuser.threads) == ("onnxruntime", "CPU", 1)
    assert fuser.record == load_record(ASSETS / "maximum-rgb.json")


def test_fuse_keeps_its_model() -> None:
    model = str(ASSETS / "maximum-rgb.json")
    visible, infrared = picture((5, 6, 3)), picture((5, 6))
    expected = np.maximum(visible, infrared[..., None])
    np.testing.assert_array_equal(fuse(visible, infrared, model=model), expected)
    assert distilfuse.fuse is fuse


# Every test below runs with what is released in this checkout.


@pytest.fixture(scope="module", params=list_models())
def released(request: pytest.FixtureRequest) -> Fuser:
    return Fuser.from_pretrained(request.param, backend="onnxruntime", threads=2)


def scene(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Smooth colours, and a warm body that the visible picture does not show."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    visible = np.stack([90 + 60 * x, 80 + 50 * y, 100 - 40 * x], axis=-1).astype(np.uint8)
    infrared = np.where((x - 0.4) ** 2 + (y - 0.4) ** 2 < 0.02, 230, 40).astype(np.uint8)
    return visible, infrared


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 17), (2, 3), (7, 5), (31, 33), (48, 64)])
def test_released_models_take_every_size(released: Fuser, height: int, width: int) -> None:
    visible, infrared = scene(height, width)
    assert released(visible, infrared).shape == visible.shape
    assert released(visible[..., 0], infrared).shape == infrared.shape


def test_released_models_show_what_only_the_infrared_shows(released: Fuser) -> None:
    if find_record(released.record.name).task != "ivif":
        pytest.skip("the scene is one for infrared and visible models")
    visible, infrared = scene(96, 128)
    fused = luminance(released(visible, infrared))
    warm = infrared > 200
    before = luminance(visible)
    assert fused[warm].mean() - fused[~warm].mean() > before[warm].mean() - before[~warm].mean() + 0.1


def test_released_models_agree_on_bit_depth(released: Fuser) -> None:
    visible, infrared = scene(48, 64)
    eight = released(visible, infrared) / 255
    sixteen = released(visible.astype(np.uint16) * 257, infrared.astype(np.uint16) * 257) / 65535
    floats = released(visible / 255, infrared / 255)
    difference = np.abs(eight - sixteen)
    # Rounding, half a level; where a channel just reaches the gamut's end, 8 bits round to its inside and keep
    # the chroma that the finer kinds scale a little.
    assert np.quantile(difference, 0.98) <= 0.51 / 255
    assert difference.max() <= 2.5 / 255
    assert np.abs(floats - sixteen).max() <= 1e-4


def test_released_models_agree_on_backends(released: Fuser) -> None:
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    visible, infrared = scene(61, 83)
    other = Fuser.from_pretrained(released.record.name, backend="openvino")(visible, infrared)
    assert np.abs(other.astype(int) - released(visible, infrared)).max() <= 1


@pytest.mark.parametrize("bad", [None, [[1, 2], [3, 4]], "visible.png"])
def test_other_things_than_pictures_are_refused(fuser: Fuser, bad: object) -> None:
    with pytest.raises(InputError, match="must be a numpy array or a Pillow image"):
        fuser(bad, picture((2, 2)))  # type: ignore[type-var]


@pytest.mark.parametrize("side", [64, 200])
@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_a_picture_in_tiles_is_the_picture_in_one_piece(side: int, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that measures the whole picture first, and a size that is no multiple of anything."""
    fuser = Fuser.from_pretrained("nano-ivif", backend="onnxruntime", threads=1)
    visible, infrared = (picture[:301, :413] for picture in samples.load("smoke-yard"))
    rng = np.random.default_rng(0)
    visible = np.clip(visible + rng.normal(0, 25, visible.shape), 0, 255).astype(np.uint8)
    if kind == "float32":
        visible, infrared = visible / np.float32(255), infrared / np.float32(255)
    whole = fuser(visible, infrared)
    monkeypatch.setattr("distilfuse.fuser.model.WHOLE", 0)
    monkeypatch.setattr("distilfuse.fuser.model.TILE", side)
    tiled = fuser(visible, infrared)
    assert tiled.dtype == whole.dtype
    apart = np.abs(tiled.astype(np.float64) - whole).max()
    assert apart <= (1 if kind == "uint8" else 1e-5)
    corner = fuser(visible[:64, :64], infrared[:64, :64])
    assert np.abs(corner[:32, :32].astype(np.float64) - whole[:32, :32]).max() > apart  # so the gauge did matter


@pytest.mark.parametrize("name", ["maximum-luminance", "maximum-rgb"])
@pytest.mark.parametrize("shape", [(90, 131), (90, 131, 3), (90, 131, 4)])
def test_tiles_cover_the_picture_of_any_model(
    name: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The greater of two is local: whether cut off or blended at their borders, tiles change nothing."""
    fuser = Fuser.from_pretrained(str(ASSETS / f"{name}.json"), threads=1)
    rng = np.random.default_rng(0)
    visible, infrared = rng.integers(0, 256, shape, np.uint8), rng.integers(0, 256, shape[:2], np.uint8)
    whole = fuser(visible, infrared)
    monkeypatch.setattr("distilfuse.fuser.model.WHOLE", 0)
    monkeypatch.setattr("distilfuse.fuser.model.TILE", 32)
    assert np.array_equal(fuser(visible, infrared), whole)


def test_blended_tiles_pass_into_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between a tile of zeros and one of ones there is a ramp, in both directions, and no corner is left out."""
    fused = np.full((48, 64), np.nan, np.float32)
    monkeypatch.setattr("distilfuse.fuser.model._BLENDED", 8)
    for number, tile in enumerate(tiles(48, 64, side=32, halo=8, multiple=8)):
        part = np.full(fused[tile.whole].shape, number, np.float32)
        if number == 0:
            fused[tile.whole] = 0
        else:
            fused[tile.whole] = np.nan_to_num(fused[tile.whole], nan=number)
            blend(fused[tile.whole], part, tile)
    assert np.isfinite(fused).all()
    assert (np.diff(fused[0]) >= 0).all()
    assert np.diff(fused[0]).max() <= 1 / 16
    assert (fused[0, 0], fused[0, -1], fused[-1, 0], fused[-1, -1]) == (0, 1, 2, 3)


def test_a_damaged_gauge_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in ("nano-ivif.json", "nano-ivif.onnx", "nano-ivif.gauge.onnx"):
        (tmp_path / file).write_bytes((MODELS / file).read_bytes())
    gauge = tmp_path / "nano-ivif.gauge.onnx"
    gauge.write_bytes(gauge.read_bytes()[:-1])
    fuser = Fuser.from_pretrained(str(tmp_path / "nano-ivif.json"), threads=1)
    picture = np.zeros((40, 40), np.uint8)
    fuser(picture, picture)  # it is read when a large picture comes
    monkeypatch.setattr("distilfuse.fuser.model.WHOLE", 0)
    with pytest.raises(ModelError, match="damaged"):
        fuser(picture, picture)


def test_a_batch_is_its_pairs_one_by_one(fuser: Fuser) -> None:
    shapes = [(33, 41), (33, 41, 3), (33, 41, 4), (33, 41, 1)]
    visible, infrared = [picture(shape) for shape in shapes], [picture((33, 41)) for _ in shapes]
    together = fuser.batch(visible, infrared)
    assert len(together) == len(shapes)
    for fused, first, second in zip(together, visible, infrared, strict=True):
        assert np.array_equal(fused, fuser(first, second))
    assert fuser.batch([], []) == []
    stacked = fuser.batch(np.stack(visible[1:2] * 3), np.stack(infrared[1:2] * 3))
    assert all(np.array_equal(fused, together[1]) for fused in stacked)


def test_a_batch_has_pairs_of_one_size(fuser: Fuser) -> None:
    with pytest.raises(InputError, match=r"list of visible pictures, not one Image: give \[picture"):
        fuser.batch(Image.new("L", (8, 8)), [picture((8, 8))])
    with pytest.raises(InputError, match="list of infrared pictures, not one ndarray"):
        fuser.batch([picture((8, 8))], picture((8, 8)))
    with pytest.raises(InputError, match="2 visible pictures but 1 infrared"):
        fuser.batch([picture((8, 8))] * 2, [picture((8, 8))])
    with pytest.raises(InputError, match="8x8 and 9x8"):
        fuser.batch([picture((8, 8)), picture((8, 9))], [picture((8, 8)), picture((8, 9))])


@pytest.mark.filterwarnings("ignore:The infrared picture uses")  # of one pixel
@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("name", list_models())
@pytest.mark.parametrize("shape", [(64, 96), (37, 51), (1, 1)])
def test_colours_as_bytes_are_colours_in_planes(name: str, backend: str, shape: tuple[int, int]) -> None:
    if backend == "openvino":
        pytest.importorskip("openvino", reason="the extra openvino is not installed")
    fuser = Fuser.from_pretrained(name, backend=backend, threads=1)
    in_planes = Fuser(replace(fuser.record, colour={}), backend=backend, threads=1)
    visible, infrared = (np.ascontiguousarray(picture[: shape[0], : shape[1]]) for picture in samples.load("day-road"))
    for heat in (infrared, infrared.astype(np.uint16) * 257, infrared / 255):
        given = in_planes(visible, heat)
        for colours in (visible, Image.fromarray(visible), np.dstack([visible, visible[..., 0]])):
            fused = np.asarray(fuser(colours, heat))
            difference = np.abs(fused[..., :3].astype(int) - given)
            assert difference.max() <= 1
            assert difference.mean() < 0.01
    assert "_in_colour" in vars(fuser._model)
    assert "_in_colour" not in vars(in_planes._model)


def test_a_batch_of_colours_and_a_reading() -> None:
    fuser = Fuser.from_pretrained("nano-s-ivif", backend="onnxruntime", threads=1)
    rng = np.random.default_rng(6)
    visible, infrared = rng.integers(0, 256, (3, 21, 40, 3), np.uint8), rng.integers(0, 256, (3, 21, 40), np.uint8)
    for one, both in zip(fuser.batch(visible, infrared), zip(visible, infrared, strict=True), strict=True):
        np.testing.assert_array_equal(one, fuser(*both))
    dark = fuser.measure(np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8))
    other = fuser(visible[0], infrared[0], reading=dark)
    assert np.abs(other.astype(int) - fuser(visible[0], infrared[0])).max() > 1
    mixed = fuser.batch([visible[0], visible[1].astype(np.float32) / 255], infrared[:2])
    assert [picture.dtype.name for picture in mixed] == ["uint8", "float32"]


def test_a_damaged_model_for_colours_is_refused(tmp_path: Path) -> None:
    record = find_record("nano-s-ivif")
    for file in (record.file, record.gauge["file"], record.colour["file"]):
        (tmp_path / file).write_bytes((MODELS / file).read_bytes())
    with (tmp_path / record.colour["file"]).open("ab") as file:
        file.write(b"x")
    fuser = Fuser(record, tmp_path, backend="onnxruntime", threads=1)
    grey = np.zeros((16, 16), np.uint8)
    fuser(grey, grey)
    with pytest.raises(ModelError, match="damaged"):
        fuser(np.zeros((16, 16, 3), np.uint8), grey)


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_on_a_cpu_the_pairs_of_a_batch_go_side_by_side(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if backend == "openvino":
        pytest.importorskip("openvino", reason="the extra openvino is not installed")
    fuser = Fuser.from_pretrained("nano-s-ivif", backend=backend, threads=3)
    rng = np.random.default_rng(7)
    visible, infrared = rng.integers(0, 256, (7, 64, 48, 3), np.uint8), rng.integers(0, 256, (7, 64, 48), np.uint8)
    expected = [fuser(*pair) for pair in zip(visible, infrared, strict=True)]
    met, seen = threading.Barrier(3, timeout=20), set()
    fuse_planes = LoadedModel.fuse

    def spy(model: LoadedModel, *planes: np.ndarray) -> np.ndarray:
        assert model.backend.threads == 1
        if threading.current_thread() not in seen:
            seen.add(threading.current_thread())
            met.wait()  # three at once, or none goes on
        return fuse_planes(model, *planes)

    monkeypatch.setattr(LoadedModel, "fuse", spy)
    for one, other in zip(fuser.batch(visible, infrared), expected, strict=True):
        assert np.abs(one.astype(int) - other).max() <= 1
    assert len(seen) == 3
    workers = [thread for thread in seen if thread.is_alive()]
    del fuser
    gc.collect()
    for thread in workers:
        thread.join(10)
    assert not any(thread.is_alive() for thread in workers)


def test_a_batch_of_large_pictures_goes_in_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    fuser = Fuser.from_pretrained("nano-s-ivif", backend="onnxruntime", threads=2)
    rng = np.random.default_rng(8)
    visible, infrared = rng.integers(0, 256, (2, 130, 200, 3), np.uint8), rng.integers(0, 256, (2, 130, 200), np.uint8)
    whole = fuser.batch(visible, infrared)
    monkeypatch.setattr("distilfuse.fuser.model.WHOLE", 0)
    monkeypatch.setattr("distilfuse.fuser.model.TILE", 64)
    for one, other in zip(fuser.batch(visible, infrared), whole, strict=True):
        assert np.abs(one.astype(int) - other).max() <= 2


def test_what_fails_in_a_batch_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    fuser = Fuser.from_pretrained("nano-s-ivif", backend="onnxruntime", threads=2)
    dark = np.zeros((5, 16, 16), np.uint8)
    fuser.batch(dark, dark)

    def fail(model: LoadedModel, *planes: np.ndarray) -> np.ndarray:
        raise ModelError("no")

    with monkeypatch.context() as patch:
        patch.setattr(LoadedModel, "fuse", fail)
        with pytest.raises(ModelError, match="no"):
            fuser.batch(dark, dark)
    assert len(fuser.batch(dark, dark)) == 5  # and the threads go on
