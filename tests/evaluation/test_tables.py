from __future__ import annotations

import math

import pytest

from distilfuse.evaluation.scores import Row, ScoreTable
from distilfuse.evaluation.statistics import summarise
from distilfuse.evaluation.tables import LATEX, MARKDOWN, count, decimals, latex, left_out, markdown

NAMES = ("a", "b", "c", "d", "e", "f", "g", "h")


def table(values: dict[str, dict[str, list[float]]], *, dataset: str = "road") -> ScoreTable:
    """Metric to method to values on pair a, b, ..."""
    metrics = tuple(values)
    rows = tuple(
        Row(
            method,
            dataset,
            name,
            {metric: values[metric][method][k] for metric in metrics},
            "It broke." if any(math.isnan(values[metric][method][k]) for metric in metrics) else None,
        )
        for method in values[metrics[0]]
        for k, name in enumerate(NAMES[: len(values[metrics[0]][method])])
    )
    return ScoreTable("paper@1", metrics, rows)


EIGHT = [0.9, 0.8, 0.7, 0.95, 0.85, 0.75, 0.6, 1.05]
FULL = table(
    {
        "Qabf": {
            "best": EIGHT,
            "close": [x + (0.01, -0.02)[k % 2] for k, x in enumerate(EIGHT)],
            "far": [x / 2 for x in EIGHT],
        },
        "MSE": {"best": [3000.0] * 8, "close": [2000.0] * 8, "far": [1000.0] * 8},
    }
)


def test_markdown_marks_best_second_and_what_is_no_difference() -> None:
    lines = markdown(summarise(FULL)).splitlines()
    assert lines[0] == "# Scores, protocol paper@1"
    head = lines.index("| method | Qabf ↑ | MSE ↓ |")
    best, close, far = (line.split(" | ") for line in lines[head + 2 : head + 5])
    assert best[0] == "| best"
    assert best[1].startswith("**0.825** [0.")
    # Four differences up and four down: nothing to tell the two apart by.
    assert close[1].startswith("<u>0.820</u>† [0.")
    assert far[1].startswith(("0.412 [", "0.413 ["))
    assert [cells[2].split(" ")[0] for cells in (best, close, far)] == ["3000.0", "<u>2000.0</u>", "**1000.0**"]
    assert any(line.startswith("protocol paper@1, n = 8 pairs; means with 95 % bootstrap") for line in lines)
    # Eight of eight differences of one sign have p = 2/256, twice that for Holm.
    assert any(line.endswith("| 3.00 (p = 0.016) | 1.00 (best) |") for line in lines)


def test_latex_can_be_pasted() -> None:
    text = latex(summarise(FULL))
    assert text.count("\\begin{table}") == text.count("\\end{table}") == 1
    assert "\\begin{tabular}{lrr}" in text
    assert "Method & Qabf $\\uparrow$ & MSE $\\downarrow$ \\\\" in text
    assert "& \\textbf{1000.0} {\\scriptsize [1000.0, 1000.0]} \\\\" in text
    assert "\\underline{2000.0}" in text
    assert "protocol paper@1, n = 8 pairs" in text
    assert all(text.count(rule) == 1 for rule in ("\\toprule", "\\midrule", "\\bottomrule"))
    body = text[text.index("\\begin{tabular}") : text.index("\\end{tabular}")]
    assert {line.count("&") for line in body.splitlines() if line.endswith("\\\\")} == {2}


def test_names_are_escaped() -> None:
    name = "a_b|c*d&<x>$%#{}~^\\"
    assert MARKDOWN.escape(name) == "a\\_b\\|c\\*d&amp;&lt;x>$%\\#{}\\~^\\\\"
    assert LATEX.escape(name) == (
        "a\\_b\\textbar{}c*d\\&\\textless{}x\\textgreater{}\\$\\%\\#\\{\\}\\textasciitilde{}\\textasciicircum{}"
        "\\textbackslash{}"
    )
    strange = table({"EN": {"x_1|": [7.0, 6.0]}}, dataset="road_a|b")
    assert "| x\\_1\\| |" in markdown(summarise(strange))
    assert "## road\\_a\\|b" in markdown(summarise(strange))
    assert "x\\_1\\textbar{} &" in latex(summarise(strange))
    assert "two lines" in markdown(summarise(table({"EN": {"two\nlines": [7.0]}})))


def test_what_is_left_out_stands_under_the_table_with_its_reason() -> None:
    broken = table({"EN": {"a": [7.0, 6.0, 5.0], "b": [7.0, math.nan, 5.0]}, "VIF": {"a": [1.0] * 3, "b": [1.0] * 3}})
    summary = summarise(broken)
    assert count(summary, "road") == "n = 3 pairs, but EN 2"
    assert left_out(summary, "road") == ["b is not in the mean of EN (b): It broke."]
    assert "- b is not in the mean of EN (b): It broke." in markdown(summary)
    assert "{\\footnotesize b is not in the mean of EN (b): It broke.}" in latex(summary)


def test_a_pair_without_any_value_is_in_no_mean() -> None:
    nan = math.nan
    summary = summarise(table({"EN": {"a": [7.0, 6.0], "b": [7.0, nan]}, "VIF": {"a": [1.0, 1.0], "b": [1.0, nan]}}))
    assert count(summary, "road") == "n = 1 of 2 pairs"
    assert left_out(summary, "road") == ["b is not in any mean (b): It broke."]


def test_one_reason_for_several_methods_is_one_line() -> None:
    nan = math.nan
    summary = summarise(table({"EN": {"a": [7.0, nan], "b": [7.0, nan]}}))
    assert left_out(summary, "road") == ["b is not in any mean (a, b): It broke."]


def test_a_method_without_any_value_is_said_once() -> None:
    nan = math.nan
    summary = summarise(table({"EN": {"a": [7.0] * 3, "b": [nan] * 3}}))
    assert count(summary, "road") == "n = 3 pairs"
    assert left_out(summary, "road") == ["b has no value in EN and is not compared there: It broke."]
    assert "| b | – |" in markdown(summary)
    assert "b & -- \\\\" in latex(summary)


def test_many_pairs_are_counted_after_twenty() -> None:
    rows = [Row("a", "road", f"{k:03d}", {"EN": 7.0}) for k in range(60)]
    rows += [Row("b", "road", f"{k:03d}", {"EN": 7.0 if k < 10 else math.nan}, "No.") for k in range(60)]
    lines = left_out(summarise(ScoreTable("paper@1", ("EN",), tuple(rows))), "road")
    assert len(lines) == 21
    assert lines[-1] == "30 more are listed in scores.json."


@pytest.mark.parametrize(("means", "digits"), [([0.7, -0.2], 3), ([9.99, math.nan], 3), ([42.0, 1.0], 2), ([1e4], 1)])
def test_decimals(means: list[float], digits: int) -> None:
    assert decimals(means) == digits


def test_warnings_and_notes_come_last() -> None:
    sharp = table({"VIF": {"max": [0.8], "sharp": [1.2]}, "Qabf": {"max": [0.6], "sharp": [0.5]}})
    text = markdown(summarise(sharp), ["A note on a_file."])
    assert "## Beware\n\n- road: sharp against max: VIF (0.800 → 1.200) up, but Qabf (0.600 → 0.500) down." in text
    assert text.endswith("## Notes\n\n- A note on a\\_file.\n")


def test_degraded_sets_have_no_table_here() -> None:
    rows = (*table({"EN": {"a": [7.0]}}).rows, *table({"EN": {"a": [5.0]}}, dataset="road/jpeg@3").rows)
    summary = summarise(ScoreTable("paper@1", ("EN",), rows))
    assert "jpeg" not in markdown(summary) + latex(summary)
