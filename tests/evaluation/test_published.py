from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from distilfuse.errors import ConfigError
from distilfuse.evaluation.published import PublishedTable, published_source, published_table, published_tables
from distilfuse.metrics import METRICS

# Read off the paper's pages a second time, by hand and not from the data file.
OURS = {
    ("table1", "Ours-teacher", "msrs"): (6.749, 1.060, 0.732),
    ("table1", "Ours-teacher", "m3fd"): (6.965, 0.896, 0.706),
    ("table1", "Ours-teacher", "roadscene"): (7.248, 0.743, 0.639),
    ("table1", "Ours-distilled", "msrs"): (6.763, 1.075, 0.734),
    ("table1", "Ours-distilled", "m3fd"): (6.989, 0.927, 0.704),
    ("table1", "Ours-distilled", "roadscene"): (7.279, 0.751, 0.634),
    ("table2", "Ours-teacher", "harvard-pet-mri"): (1.223, 0.909, 0.782),
    ("table2", "Ours-teacher", "harvard-ct-mri"): (1.313, 0.641, 0.657),
    ("table2", "Ours-teacher", "harvard-spect-mri"): (1.210, 0.888, 0.746),
    ("table2", "Ours-distilled", "harvard-pet-mri"): (1.243, 0.929, 0.784),
    ("table2", "Ours-distilled", "harvard-ct-mri"): (1.312, 0.653, 0.657),
    ("table2", "Ours-distilled", "harvard-spect-mri"): (1.202, 0.887, 0.747),
    ("table3", "Non-text", "msrs"): (6.726, 0.977, 0.682),
    ("table3", "With text", "msrs"): (6.749, 1.060, 0.732),
    ("table3", "Distilled", "msrs"): (6.763, 1.075, 0.734),
    ("table4", "L_int", "msrs"): (6.695, 1.027, 0.697),
    ("table4", "L_int + L_color", "msrs"): (6.696, 1.025, 0.698),
    ("table4", "L_int + L_grad + L_ssim", "msrs"): (6.731, 1.058, 0.730),
    ("table4", "L_int + L_color + L_grad", "msrs"): (6.733, 1.059, 0.733),
    ("table4", "L_color + L_grad + L_ssim", "msrs"): (6.676, 1.063, 0.728),
    ("table4", "L_color + L_grad + L_ssim + L_int", "msrs"): (6.763, 1.075, 0.734),
    ("table5", "Cat & 1×1 conv", "msrs"): (6.738, 1.059, 0.728),
    ("table5", "Unlearn weight atten", "msrs"): (6.667, 0.971, 0.655),
    ("table5", "Dynamic weight conv", "msrs"): (6.737, 1.058, 0.729),
    ("table5", "Multiscale conv", "msrs"): (6.743, 1.053, 0.720),
    ("table5", "Ours", "msrs"): (6.749, 1.060, 0.732),
    ("table6", "48dim", "msrs"): (6.780, 1.071, 0.734),
    ("table6", "32dim", "msrs"): (6.768, 1.071, 0.734),
    ("table6", "16dim", "msrs"): (6.763, 1.075, 0.734),
    ("table7", "L_base", "msrs"): (6.728, 0.989, 0.681),
    ("table7", "L_base + L_res", "msrs"): (6.761, 1.082, 0.732),
    ("table7", "L_base + L_feat + L_res", "msrs"): (6.763, 1.075, 0.734),
}
OTHERS = {
    ("table1", "SuperFusion", "msrs", "EN"): 6.587,
    ("table1", "U2Fusion", "msrs", "VIF"): 0.512,
    ("table1", "PSLPT", "roadscene", "Qabf"): 0.171,
    ("table1", "PSLPT", "m3fd", "VIF"): 0.958,
    ("table1", "TC-MOA", "roadscene", "EN"): 7.387,
    ("table1", "Text-IF", "roadscene", "VIF"): 0.739,
    ("table2", "MSRPAN", "harvard-pet-mri", "Qabf"): 0.799,
    ("table2", "U2Fusion", "harvard-ct-mri", "SSIM"): 0.042,
    ("table2", "EMFusion", "harvard-spect-mri", "SSIM"): 1.212,
    ("table2", "CDDFuse", "harvard-spect-mri", "VIF"): 0.786,
    ("table2", "Zero", "harvard-ct-mri", "VIF"): 0.320,
}
# Added up from the paper's own lines (not from the data file), column by column: a wrong digit changes one of them.
SUMS = {
    ("table1", "msrs"): (64.309, 8.298, 5.807),
    ("table1", "m3fd"): (69.201, 7.710, 5.708),
    ("table1", "roadscene"): (71.749, 5.931, 4.893),
    ("table2", "harvard-pet-mri"): (10.524, 6.740, 6.725),
    ("table2", "harvard-ct-mri"): (10.319, 4.768, 5.383),
    ("table2", "harvard-spect-mri"): (10.422, 6.602, 6.601),
}


@pytest.mark.parametrize(("table", "method", "dataset"), OURS)
def test_our_rows(table: str, method: str, dataset: str) -> None:
    found = published_table(table)
    row = found.row(method)
    assert tuple(row.values[dataset, metric] for metric in found.metrics) == OURS[table, method, dataset]
    assert row.recipe
    assert row.model
    assert row.about


def test_picked_cells_of_other_methods() -> None:
    for (table, method, dataset, metric), value in OTHERS.items():
        row = published_table(table).row(method)
        assert row.values[dataset, metric] == value
        assert row.recipe is None


@pytest.mark.parametrize(("table", "dataset"), SUMS)
def test_sums_of_columns(table: str, dataset: str) -> None:
    found = published_table(table)
    for metric, total in zip(found.metrics, SUMS[table, dataset], strict=True):
        assert sum(row.values[dataset, metric] for row in found.rows) == pytest.approx(total, abs=5e-7)


def test_every_number_is_on_the_papers_pages(shared_data: Path) -> None:
    """Each table holds exactly the three-decimal numbers of its lines, each as often as they do."""
    lines = (shared_data.parent / "paper.md").read_text("utf-8").splitlines()
    rows = [line.partition("|")[2].partition("|") for line in lines if line.startswith("|")]
    printed = [(head, Counter(re.findall(r"(?<![\d.])\d\.\d{3}(?!\d)", rest))) for head, _, rest in rows]
    printed = [(head, numbers) for head, numbers in printed if numbers]
    assert len(printed) == 10 + 10 + 3 + 6 + 5 + 3 + 2
    at = 0
    for name in published_tables():
        table = published_table(name)
        count = len(table.rows) - (name == "table7")  # two of its rows stand in one line
        in_paper = sum((numbers for _, numbers in printed[at : at + count]), Counter())
        ours = Counter(f"{value:.3f}" for row in table.rows for value in row.values.values())
        assert ours == in_paper, name
        at += count


def test_the_same_network_has_the_same_numbers_in_every_table() -> None:
    teacher = [("table1", "Ours-teacher"), ("table3", "With text"), ("table5", "Ours")]
    student = [("table1", "Ours-distilled"), ("table3", "Distilled"), ("table6", "16dim")]
    student.append(("table7", "L_base + L_feat + L_res"))
    for places in (teacher, student):
        rows = [published_table(table).row(method) for table, method in places]
        assert len({tuple(row.values["msrs", metric] for metric in ("EN", "VIF", "Qabf")) for row in rows}) == 1
    # Table 4 says teacher and prints the student: that is a doubt of the paper's, noted as such.
    table = published_table("table4")
    assert table.row(table.counterpart).values == published_table("table3").row("Distilled").values
    assert [doubt for doubt in table.doubts if doubt.where == table.counterpart]


@pytest.mark.parametrize("name", published_tables())
def test_tables_are_complete(name: str) -> None:
    table = published_table(name)
    assert table.row(table.counterpart) is not None
    assert set(table.metrics) <= set(METRICS)
    assert set(table.incomparable) <= set(table.metrics)
    assert table.training == all(row.recipe for row in table.rows)
    assert len({row.method for row in table.rows}) == len(table.rows)
    for row in table.rows:
        assert set(row.values) == {(dataset.name, metric) for dataset in table.sets for metric in table.metrics}
    assert table.doubts


def test_medical_ssim_is_not_comparable() -> None:
    assert set(published_table("table2").incomparable) == {"SSIM"}
    assert published_table("table1").incomparable == {}


def test_sizes_of_the_papers_sets() -> None:
    assert {entry.name: entry.pairs for entry in published_table("table1").sets} == {
        "msrs": 361,
        "m3fd": 300,
        "roadscene": 221,
    }
    assert {entry.pairs for entry in published_table("table2").sets} == {None}


def test_every_row_of_ours_is_a_model_of_a_packaged_recipe() -> None:
    recipes = pytest.importorskip("distilfuse.training.recipe", reason="recipes are read by the training wing")
    for name in published_tables():
        table = published_table(name)
        for row in table.rows:
            if row.recipe is None:
                continue
            stages = recipes.load_stages(recipes.find_recipe(row.recipe))
            assert row.model in [stage.name for stage in stages.values()], (name, row.method)
        if table.training:
            assert {row.recipe for row in table.rows} == {name}


def test_rows_are_found_whatever_the_case() -> None:
    table = published_table("table1")
    assert table.row("ifcnn") is table.row("IFCNN")
    assert table.row("max") is None


def test_unknown_table() -> None:
    with pytest.raises(ConfigError, match=r"no 'table8': choose from table1, .*table7"):
        published_table("table8")


def test_source_names_the_paper() -> None:
    assert "2504.07029" in published_source()


def test_tables_cannot_be_changed() -> None:
    table: PublishedTable = published_table("table1")
    with pytest.raises(AttributeError):
        table.title = "other"  # type: ignore[misc]
