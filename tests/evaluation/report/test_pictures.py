from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distilfuse.evaluation.report.pictures import Encoded, choose_pairs, embed, encode


def opened(picture: Encoded) -> Image.Image:
    kind, _, text = picture.address.partition(";base64,")
    image = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
    assert kind == f"data:image/{image.format.lower()}"
    return image


def noise(width: int, height: int, *, colour: bool = True) -> Image.Image:
    rng = np.random.default_rng(width)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3) if colour else (height, width), dtype=np.uint8))


@pytest.mark.parametrize("colour", [True, False])
def test_small_pictures_are_untouched(colour: bool) -> None:
    image = noise(256, 200, colour=colour)
    np.testing.assert_array_equal(opened(encode(image, side=100, quality=70)), image)


@pytest.mark.parametrize(
    ("size", "stored"),
    [((257, 20), (257, 20)), ((640, 480), (640, 480)), ((1280, 960), (640, 480)), ((500, 2000), (160, 640))],
)
def test_large_pictures_are_reduced(size: tuple[int, int], stored: tuple[int, int]) -> None:
    image = opened(encode(noise(*size), side=640, quality=90))
    assert image.format == "JPEG"
    assert image.size == stored


def test_every_method_and_set_has_its_worst(study) -> None:
    # "fair" fails where the others do well, so its worst pair is another one.
    rows = tuple(
        replace(row, values={**row.values, "Qabf": 0.01})
        if (row.method, row.dataset, row.name) == ("fair", "street", "street-00")
        else row
        for row in study.table.rows
    )
    table = replace(study.table, rows=rows)
    chosen = choose_pairs(table, metric="Qabf", among=study.sources, count=4)
    assert chosen == [
        ("street", "street-05"),
        ("ct-mri", "ct-mri-02"),
        ("street", "street-00"),
        ("ct-mri", "ct-mri-01"),
    ]


def test_worst_is_the_largest_where_less_is_better(study) -> None:
    rows = tuple(
        replace(row, values={**row.values, "MSE": 900.0}) if row.name == "street-03" else row
        for row in study.table.rows
    )
    table = replace(study.table, rows=rows)
    assert choose_pairs(table, metric="MSE", among=study.sources, count=1) == [("street", "street-03")]


def test_pairs_without_files_or_values_are_not_chosen(study) -> None:
    rows = tuple(
        replace(row, values=dict.fromkeys(row.values, float("nan"))) if row.name == "street-05" else row
        for row in study.table.rows
    )
    del study.sources["street", "street-04"]
    chosen = choose_pairs(replace(study.table, rows=rows), metric="Qabf", among=study.sources, count=100)
    assert sorted(chosen) == [
        *(("ct-mri", f"ct-mri-0{k}") for k in range(3)),
        *(("street", f"street-0{k}") for k in range(4)),
    ]
    assert choose_pairs(study.table, metric="Qabf", among=study.sources, count=0) == []


def gallery(study, chosen: list[tuple[str, str]], budget: int):
    return embed(chosen, sources=study.sources, fused=study.fused, methods=study.table.methods, budget=budget)


def test_views_are_sources_then_methods(study) -> None:
    (views,) = gallery(study, [("street", "street-02")], 10**9).pairs
    assert [opened(picture).mode for picture in views.pictures] == ["RGB", "L", "L", "L", "L"]
    assert study.asked == [(method, "street", "street-02") for method in ("poor", "fair", "good")]


def test_shrinks_before_it_leaves_out(study) -> None:
    chosen = [("street", f"street-0{k}") for k in range(4)]
    full = gallery(study, chosen, 10**9)
    assert (full.side, full.quality, full.dropped) == (640, 90, 0)
    needed = sum(views.size for views in full.pairs)
    smaller = gallery(study, chosen, needed - 1)
    assert (smaller.side, smaller.quality, smaller.dropped) == (640, 80, 0)
    assert sum(views.size for views in smaller.pairs) < needed
    tiny = gallery(study, chosen, needed // 10)
    assert tiny.side == 256
    assert tiny.dropped == 4 - len(tiny.pairs) > 0
    assert [views.name for views in tiny.pairs] == [name for _, name in chosen[: len(tiny.pairs)]]
    assert sum(views.size for views in tiny.pairs) <= needed // 10
    assert gallery(study, chosen, 0).pairs == ()
    assert all(len(p.address) <= p.size for views in full.pairs for p in views.pictures)


def test_deep_pictures_are_shown_at_their_full_scale(study, tmp_path: Path) -> None:
    deep = tmp_path / "deep.png"
    Image.fromarray(np.full((8, 8), 65535 // 2, np.uint16)).save(deep)
    study.sources["street", "street-00"] = (deep, deep)
    (views,) = gallery(study, [("street", "street-00")], 10**9).pairs
    assert opened(views.pictures[0]).getpixel((0, 0)) == 127


def test_a_method_without_the_picture(study) -> None:
    table = replace(study.table, rows=tuple(replace(row, method="no pictures") for row in study.table.rows[:1]))
    study.table = table
    (views,) = gallery(study, [("street", "street-00")], 10**9).pairs
    assert views.pictures[2] is None
    assert views.reasons == {}
