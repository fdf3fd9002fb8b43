from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from distilfuse.evaluation.scores import Row, ScoreTable
from distilfuse.evaluation.statistics import (
    Summary,
    bootstrap_interval,
    holm,
    mean_ranks,
    summarise,
)

RNG = np.random.default_rng(5)


def table(values: dict[str, list[float]], *, metric: str = "Qabf", dataset: str = "road") -> ScoreTable:
    """Method to its value on pair 0, 1, ...; a NaN comes with a problem."""
    rows = tuple(
        Row(method, dataset, f"{k:04d}", {metric: value}, "It failed." if math.isnan(value) else None)
        for method, column in values.items()
        for k, value in enumerate(column)
    )
    return ScoreTable("paper@1", (metric,), rows)


def means(summary: Summary, metric: str = "Qabf") -> dict[str, float]:
    return {method: summary.cells["road", method, metric].mean for method in summary.methods["road"]}


def test_means_ranks_and_places_by_hand() -> None:
    summary = summarise(table({"a": [0.5, 0.7, 0.6], "b": [0.4, 0.8, 0.6], "c": [0.1, 0.2, 0.3]}))
    assert means(summary) == pytest.approx({"a": 0.6, "b": 0.6, "c": 0.2})
    cells = [summary.cells["road", method, "Qabf"] for method in "abc"]
    # Pair 0: a 1, b 2; pair 1: b 1, a 2; pair 2: both 1.5. c is last each time.
    assert [cell.rank for cell in cells] == [1.5, 1.5, 3.0]
    assert [cell.n for cell in cells] == [3, 3, 3]
    assert cells[2].place == max(cell.place for cell in cells)
    assert (summary.pairs, summary.left_out, summary.warnings) == ({"road": 3}, {"road": ()}, ())


def test_equal_means_share_a_place_and_the_next_is_second() -> None:
    summary = summarise(table({"a": [1.0, 2.0], "b": [2.0, 1.0], "c": [0.5, 0.5]}))
    cells = [summary.cells["road", method, "Qabf"] for method in "abc"]
    assert [cell.place for cell in cells] == [1, 1, 2]
    assert [cell.p is None for cell in cells] == [True, True, False]


def test_smaller_is_better_where_the_metric_says_so() -> None:
    summary = summarise(table({"a": [3.0, 5.0], "b": [2.0, 4.0]}, metric="MSE"))
    assert [summary.cells["road", method, "MSE"].place for method in "ab"] == [2, 1]
    assert [summary.cells["road", method, "MSE"].rank for method in "ab"] == [2.0, 1.0]


def test_only_pairs_of_all_methods_enter_a_mean() -> None:
    summary = summarise(table({"a": [0.2, 0.4, 0.9], "b": [0.3, 0.5, math.nan]}))
    assert means(summary) == pytest.approx({"a": 0.3, "b": 0.4})
    cell = summary.cells["road", "b", "Qabf"]
    assert (cell.n, cell.missing) == (2, 1)
    (entry,) = summary.left_out["road"]
    assert (entry.name, entry.method, entry.metrics, entry.reason) == ("0002", "b", ("Qabf",), "It failed.")


def test_a_missing_row_and_an_infinite_value_are_left_out_too() -> None:
    full = table({"a": [30.0, 40.0, 50.0], "b": [31.0, math.inf, 51.0]}, metric="PSNR")
    without = ScoreTable("paper@1", ("PSNR",), tuple(r for r in full.rows if (r.method, r.name) != ("a", "0000")))
    summary = summarise(without)
    assert means(summary, "PSNR") == {"a": 50.0, "b": 51.0}
    assert {(e.name, e.method, e.reason) for e in summary.left_out["road"]} == {
        ("0000", "a", "There is no row for it."),
        ("0001", "b", "The value is infinite."),
    }


def test_a_method_without_any_value_does_not_empty_the_others() -> None:
    summary = summarise(table({"a": [0.2, 0.4], "b": [0.3, 0.5], "broken": [math.nan, math.nan]}))
    assert means(summary) == pytest.approx({"a": 0.3, "b": 0.4, "broken": math.nan}, nan_ok=True)
    cell = summary.cells["road", "broken", "Qabf"]
    assert (cell.n, cell.missing, cell.place, cell.p) == (0, 2, 0, None)
    assert summary.cells["road", "a", "Qabf"].p is not None


def test_a_metric_that_nobody_has() -> None:
    summary = summarise(table({"a": [math.nan], "b": [math.nan]}))
    assert all(cell.n == 0 and math.isnan(cell.mean) and cell.place == 0 for cell in summary.cells.values())


def test_one_pair_has_no_interval() -> None:
    cell = summarise(table({"a": [0.5], "b": [0.4]})).cells["road", "b", "Qabf"]
    assert cell.mean == 0.4
    assert math.isnan(cell.low)
    assert math.isnan(cell.high)
    assert cell.p == 1.0


def test_sets_are_compared_apart() -> None:
    rows = [*table({"a": [1.0, 1.0], "b": [0.0, 0.0]}).rows, *table({"b": [5.0]}, dataset="msrs").rows]
    summary = summarise(ScoreTable("paper@1", ("Qabf",), tuple(rows)))
    assert summary.datasets == ("road", "msrs")
    assert summary.methods == {"road": ("a", "b"), "msrs": ("b",)}
    assert summary.cells["msrs", "b", "Qabf"].mean == 5.0
    assert ("msrs", "a", "Qabf") not in summary.cells


def test_holm_by_hand() -> None:
    # Sorted .01 .02 .03 .04: times 4, 3, 2, 1 gives .04 .06 .06 .04, and no p below a smaller one: .04 .06 .06 .06.
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_never_lowers(p_values: list[float]) -> None:
    corrected = holm(p_values)
    assert all(given <= after <= 1 for given, after in zip(p_values, corrected, strict=True))
    assert [corrected[k] for k in np.argsort(p_values, kind="stable")] == sorted(corrected)


def test_wilcoxon_by_hand() -> None:
    # Six differences of one sign: of the 2^6 sign patterns two are as extreme, so p = 2/64; two such tests: 4/64.
    best = [0.9, 0.8, 0.7, 0.95, 0.85, 0.75]
    worse = [value - 0.01 * (k + 1) for k, value in enumerate(best)]
    worst = [value - 0.1 - 0.01 * k for k, value in enumerate(best)]
    summary = summarise(table({"best": best, "worse": worse, "worst": worst}))
    assert summary.cells["road", "best", "Qabf"].p is None
    assert summary.cells["road", "worse", "Qabf"].p == pytest.approx(4 / 64)
    assert summary.cells["road", "worst", "Qabf"].p == pytest.approx(4 / 64)


def test_wilcoxon_against_scipy_with_ties() -> None:
    a, b = RNG.normal(0.5, 0.1, 40).round(2), RNG.normal(0.52, 0.1, 40).round(2)
    summary = summarise(table({"a": a.tolist(), "b": b.tolist()}))
    loser = min("ab", key=lambda method: summary.cells["road", method, "Qabf"].mean)
    assert summary.cells["road", loser, "Qabf"].p == pytest.approx(scipy.stats.wilcoxon(a, b).pvalue)


def test_the_same_numbers_differ_by_nothing() -> None:
    values = [0.3, 0.2, 0.1]
    summary = summarise(table({"a": [0.9, 0.1, 0.1], "b": values, "c": values}))
    assert summary.cells["road", "b", "Qabf"].p == summary.cells["road", "c", "Qabf"].p
    assert summary.cells["road", "b", "Qabf"].place == 2


def test_ranks_against_scipy() -> None:
    values = RNG.integers(0, 4, (5, 30)).astype(float)
    expected = scipy.stats.rankdata(-values, axis=0).mean(axis=1)
    np.testing.assert_allclose(mean_ranks(values, higher_is_better=True), expected)
    np.testing.assert_allclose(mean_ranks(-values, higher_is_better=False), expected)


def test_bootstrap_of_two_pairs_by_hand() -> None:
    # Resamples of (0, 1) have the mean 0, 1/2 or 1 with the odds 1/4, 1/2, 1/4: the 2.5 % tails are 0 and 1.
    low, high = bootstrap_interval(np.array([[0.0, 1.0]]), rng=np.random.default_rng(0))
    assert (low.item(), high.item()) == (0.0, 1.0)


def test_bootstrap_against_scipy() -> None:
    values = RNG.gamma(2.0, 1.0, (1, 60))
    low, high = bootstrap_interval(values, rng=np.random.default_rng(0))
    second = scipy.stats.bootstrap((values[0],), np.mean, method="percentile", n_resamples=10_000, random_state=1)
    width = second.confidence_interval.high - second.confidence_interval.low
    assert low.item() == pytest.approx(second.confidence_interval.low, abs=0.03 * width)
    assert high.item() == pytest.approx(second.confidence_interval.high, abs=0.03 * width)


def test_bootstrap_covers_the_true_mean_about_as_often_as_it_says() -> None:
    # 400 samples of 50 from one distribution, as rows: each row has its own interval.
    samples = np.random.default_rng(2).normal(0.0, 1.0, (400, 50))
    low, high = bootstrap_interval(samples, rng=np.random.default_rng(3))
    covered = ((low <= 0) & (high >= 0)).mean()
    # 95 % give or take three standard errors of 1.1 %, and the percentile method is a little short at 50.
    assert 0.90 <= covered <= 0.98


def test_the_seed_decides_and_neither_other_methods_nor_order_matter() -> None:
    values = {"a": RNG.random(20).tolist(), "b": RNG.random(20).tolist()}
    first = summarise(table(values), seed=1)
    assert first == summarise(table(values), seed=1)
    assert first.cells["road", "a", "Qabf"].low != summarise(table(values), seed=2).cells["road", "a", "Qabf"].low

    rows = table(values).rows
    backwards = ScoreTable("paper@1", ("Qabf",), tuple(reversed(rows)))
    alone = ScoreTable("paper@1", ("Qabf",), tuple(row for row in rows if row.method == "a"))
    for other in (backwards, alone):
        cell = summarise(other, seed=1).cells["road", "a", "Qabf"]
        assert (cell.mean, cell.low, cell.high) == pytest.approx(
            tuple(getattr(first.cells["road", "a", "Qabf"], end) for end in ("mean", "low", "high")), rel=1e-12
        )


def test_advice_is_given_on_clean_sets_only() -> None:
    def rows(dataset: str) -> tuple[Row, ...]:
        return (
            Row("max", dataset, "1", {"VIF": 0.8, "Qabf": 0.6}),
            Row("sharp", dataset, "1", {"VIF": 1.2, "Qabf": 0.5}),
        )

    summary = summarise(ScoreTable("paper@1", ("VIF", "Qabf"), rows("road") + rows("road/ir_noise@3")))
    assert len(summary.warnings) == 1
    assert summary.warnings[0].startswith("road: sharp against max: ")
