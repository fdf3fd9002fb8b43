from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from distilfuse.evaluation.curves import robustness_picture
from distilfuse.evaluation.robustness import blocks, degraded_bases, latex, markdown
from distilfuse.evaluation.scores import Row, ScoreTable
from distilfuse.evaluation.statistics import Summary, summarise

# Set to method to Qabf on two pairs; MSE is 100 times as much.
VALUES = {
    "road": {"theirs": (0.9, 0.7), "max": (0.6, 0.6), "ours": (0.7, 0.7)},
    "road/ir_noise@1": {"max": (0.5, 0.5), "ours": (0.6, 0.6)},
    "road/ir_noise@3": {"max": (0.3, 0.3), "ours": (0.2, 0.2)},
    "road/haze@3": {"max": (0.1, 0.3), "ours": (0.4, 0.6)},
}


def summary(*sets: str, values: dict[str, dict[str, tuple[float, float]]] = VALUES) -> Summary:
    rows = tuple(
        Row(method, dataset, f"{k}", {"Qabf": value, "MSE": 100 * value})
        for dataset in sets or tuple(values)
        for method, column in values[dataset].items()
        for k, value in enumerate(column)
    )
    return summarise(ScoreTable("paper@1", ("Qabf", "MSE"), rows))


def test_blocks_by_hand() -> None:
    found = blocks(summary(), "road")
    assert [block.label for block in found] == ["none", "ir_noise@1", "ir_noise@3", "haze@3", "mean of degraded"]
    assert [sorted(block.cells) for block in found] == [["max", "ours"]] * 5  # their pictures cannot be degraded
    average = {method: cells[0].mean for method, cells in found[-1].cells.items()}
    assert average == pytest.approx({"max": (0.5 + 0.3 + 0.2) / 3, "ours": (0.6 + 0.2 + 0.5) / 3})


def test_places_are_among_the_methods_shown() -> None:
    found = blocks(summary(), "road")
    places = {block.label: [cells[0].place for cells in block.cells.values()] for block in found}
    # max and ours in this order; on the clean set theirs is best, but is not in this table.
    assert places == {
        "none": [2, 1],
        "ir_noise@1": [2, 1],
        "ir_noise@3": [1, 2],
        "haze@3": [2, 1],
        "mean of degraded": [2, 1],
    }
    assert [cells[1].place for cells in found[0].cells.values()] == [1, 2]  # a smaller MSE is better


def test_one_degradation_has_no_mean() -> None:
    assert [block.label for block in blocks(summary("road", "road/haze@3"), "road")] == ["none", "haze@3"]
    assert [block.label for block in blocks(summary("road/haze@3"), "road")] == ["haze@3"]


def test_markdown_table() -> None:
    text = markdown(summary(), ["A note."])
    lines = text.splitlines()
    head = lines.index("| input | method | Qabf ↑ | MSE ↓ |")
    assert lines[head + 2].startswith("| none | max | <u>0.600</u> [0.600, 0.600] | **60.00**")
    assert lines[head + 3].startswith("|  | ours | **0.700**")
    assert lines[head + 10] == "| mean of degraded | max | <u>0.333</u> | **33.33** |"
    assert "against the clean sources" in text
    assert "protocol paper@1, n = 2 pairs" in text
    assert "A note." in text
    assert "theirs" not in text


def test_latex_table() -> None:
    text = latex(summary(), ["A note_."])
    assert "\\begin{tabular}{llrr}" in text
    assert "ir\\_noise@1 & max & " in text
    assert text.count("\\midrule") == 5  # under the head, and above each block but the first
    assert "{\\footnotesize A note\\_.}" in text


def test_every_degraded_set_has_its_own_table() -> None:
    two = summary(values=VALUES | {"msrs/jpeg@2": {"max": (0.5, 0.4)}})
    assert list(degraded_bases(two)) == ["road", "msrs"]
    assert "## msrs" in markdown(two)
    assert latex(two).count("\\begin{table}") == 2


def pixels(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("sets", [tuple(VALUES), ("road", "road/ir_noise@3", "road/haze@3"), ("road/haze@3",)])
def test_a_picture_of_curves_or_bars(sets: tuple[str, ...]) -> None:
    picture = pixels(robustness_picture(summary(*sets), "road"))
    for colour in ((0x00, 0x72, 0xB2), (0xE6, 0x9F, 0x00)):  # that of max and that of ours
        assert (picture == colour).all(axis=2).sum() > 50
    assert picture.shape[1] > 500


def test_curves_have_a_row_for_each_kind_and_bars_one_row() -> None:
    curves = pixels(robustness_picture(summary(), "road"))
    bars = pixels(robustness_picture(summary("road", "road/ir_noise@3", "road/haze@3"), "road"))
    assert curves.shape[0] == pytest.approx(140 * (2 * 1.9 + 1), abs=2)
    assert bars.shape[0] == pytest.approx(140 * (3.2 + 1), abs=2)


def test_names_that_matplotlib_would_misread() -> None:
    odd = {"_hidden": (0.5, 0.6), "a $b$ c": (0.4, 0.5), "max": (0.1, 0.2)}
    picture = robustness_picture(summary(values={"road/jpeg@1": odd, "road/jpeg@2": odd}), "road")
    assert pixels(picture).size
