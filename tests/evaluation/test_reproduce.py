"""The paper's tables on small made pictures that lie like the real data sets."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from distilfuse.datasets.splits import split_stems
from distilfuse.errors import ConfigError, InputError, ModelError, OutputError
from distilfuse.evaluation.baselines import BASELINES
from distilfuse.evaluation.published import published_table, published_tables
from distilfuse.evaluation.reproduce.comparison import Line, Reproduction, SetReport, compare
from distilfuse.evaluation.reproduce.files import as_json, caption, check_results, markdown, remarks, write_results
from distilfuse.evaluation.reproduce.plan import Given, plan_table
from distilfuse.evaluation.scores import Row, ScoreTable, read_csv
from distilfuse.evaluation.scoring import collect, run
from distilfuse.metrics import find_protocol, score

PAPER = find_protocol("paper").label
SIZE = (56, 64)


def picture(seed: int, *, colour: bool) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    plane = 110 + 60 * np.sin(columns / (3 + seed % 5)) * np.cos(rows / 4) + rng.normal(0, 12, SIZE)
    plane = np.clip(plane, 0, 255).astype(np.uint8)
    return np.stack([plane, 255 - plane // 2, plane // 3], axis=2) if colour else plane


def lay(root: Path, visible: str, infrared: str, names: Iterable[str]) -> None:
    """Pairs of made pictures in two folders."""
    for place, colour in ((visible, True), (infrared, False)):
        (root / place).mkdir(parents=True, exist_ok=True)
        for k, name in enumerate(names):
            Image.fromarray(picture(2 * k + colour, colour=colour)).save(root / place / f"{name}.png")


SEEN, UNSEEN = split_stems("roadscene", "train")[:2], split_stems("roadscene", "test")[:1]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    lay(root, "msrs/vi", "msrs/ir", ("00001D", "00002N", "00003D"))
    lay(root, "roadscene/vi", "roadscene/ir", (*SEEN, *UNSEEN))
    return root


@pytest.fixture
def record(project: Path, tmp_path: Path) -> Callable[..., str]:
    """Makes records of the throw-away model and names them."""

    def make(name: str, **fields: Any) -> str:
        assets = project / "tests" / "assets"
        content = json.loads((assets / "maximum-luminance.json").read_text("utf-8"))
        (tmp_path / content["file"]).write_bytes((assets / content["file"]).read_bytes())
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(content | {"name": name, "task": "ivif"} | fields), encoding="utf-8")
        return str(path)

    return make


def reproduced(table: str, data: Path | None, **given: Any) -> Reproduction:
    plan = plan_table(published_table(table), data, Given(**given), threads=1)
    tables = [collect(one.plan, run(one.plan, jobs=1))[0] for one in plan.sets if one.plan]
    return compare(plan, tables)


def part(reproduction: Reproduction, name: str) -> SetReport:
    (report,) = [report for report in reproduction.sets if report.published.name == name]
    return report


def line(report: SetReport, method: str) -> Line:
    (found,) = [entry for entry in report.lines if entry.method == method]
    return found


def fused_folder(folder: Path, data: Path, dataset: str, names: Iterable[str], fuse: Callable[..., Any]) -> Path:
    folder.mkdir()
    for name in names:
        sources = (np.asarray(Image.open(data / dataset / band / f"{name}.png")) for band in ("vi", "ir"))
        Image.fromarray(fuse(*sources)).save(folder / f"{name}.png")
    return folder


# --- what is run, and the numbers ----------------------------------------------------------------


def test_means_beside_the_published_ones(data: Path) -> None:
    report = part(reproduced("table1", data), "msrs")
    names = ("00001D", "00002N", "00003D")
    for method in ("max", "mean"):
        values = []
        for name in names:
            visible, infrared = (np.asarray(Image.open(data / "msrs" / band / f"{name}.png")) for band in ("vi", "ir"))
            values.append(score(visible, infrared, BASELINES[method](visible, infrared), protocol="paper"))
        found = line(report, method)
        assert (found.origin, found.compared_with, found.stands_for_it) == ("baseline", "Ours-distilled", False)
        assert (found.pairs, found.notes, found.sha256) == (3, (), None)
        for metric, published in (("EN", 6.763), ("VIF", 1.075), ("Qabf", 0.734)):
            cell = found.cells[metric]
            assert cell.ours == pytest.approx(sum(value[metric] for value in values) / 3)
            assert cell.published == published
            assert cell.difference == pytest.approx(cell.ours - published)
            assert cell.pairs == 3


def test_released_models_are_run_by_themselves(data: Path) -> None:
    found = line(part(reproduced("table1", data), "msrs"), "nano-ivif")
    assert found.origin == "model"
    assert len(found.sha256) == 64
    assert found.cells["Qabf"].pairs == 3


def test_order_of_rows(data: Path, tmp_path: Path) -> None:
    folder = fused_folder(tmp_path / "own", data, "msrs", ("00001D", "00002N", "00003D"), BASELINES["laplacian"])
    given = ScoreTable(PAPER, ("EN",), (Row("Other", "msrs", "x", {"EN": 6.0}),))
    report = part(reproduced("table1", data, fused={("Own", "msrs"): folder}, scores=(given,)), "msrs")
    assert [(entry.method, entry.origin) for entry in report.lines] == [
        ("nano-ivif", "model"),
        ("nano-l-ivif", "model"),
        ("nano-s-ivif", "model"),
        ("max", "baseline"),
        ("mean", "baseline"),
        ("Own", "pictures"),
        ("Other", "scores"),
    ]


def test_another_copy_of_the_method_of_a_row_is_compared_with_that_row(data: Path, tmp_path: Path) -> None:
    folder = fused_folder(tmp_path / "f", data, "msrs", ("00001D", "00002N", "00003D"), BASELINES["mean"])
    reproduction = reproduced("table1", data, fused={("ifcnn", "msrs"): folder})
    found = line(part(reproduction, "msrs"), "ifcnn")
    assert (found.compared_with, found.stands_for_it) == ("IFCNN", True)
    assert found.cells["EN"].published == 5.975
    mean = line(part(reproduction, "msrs"), "mean")
    assert found.cells["EN"].ours == pytest.approx(mean.cells["EN"].ours)
    assert "IFCNN" not in [absent.method for absent in part(reproduction, "msrs").absent]
    assert "IFCNN" in [absent.method for absent in part(reproduction, "roadscene").absent]


def test_scores_from_files(data: Path) -> None:
    rows = [Row("IFCNN", "MSRS-test", f"{k}", {"EN": 5.0 + k, "VIF": 0.5, "Qabf": math.nan}) for k in range(3)]
    rows.append(Row("IFCNN", "MSRS-test/low_light@3", "0", {"EN": 1.0, "VIF": 0.1, "Qabf": 0.1}))
    rows.append(Row("IFCNN", "tno", "0", {"EN": 1.0, "VIF": 0.1, "Qabf": 0.1}))
    reproduction = reproduced("table1", data, scores=(ScoreTable(PAPER, ("EN", "VIF", "Qabf"), tuple(rows)),))
    found = line(part(reproduction, "msrs"), "IFCNN")
    assert (found.origin, found.pairs) == ("scores", 3)
    assert found.cells["EN"].ours == 6
    assert found.cells["EN"].difference == pytest.approx(6 - 5.975)
    assert (found.cells["Qabf"].pairs, found.cells["Qabf"].difference) == (0, None)
    assert math.isnan(found.cells["Qabf"].ours)
    assert reproduction.notes == ("Scores on MSRS-test/low_light@3, tno are left out: table1 has no such set.",)


def test_pairs_that_a_model_has_seen_are_told_from_the_others(data: Path, record: Callable[..., str]) -> None:
    model = record("trained", training_data=["roadscene/train", "own-pictures"])
    reproduction = reproduced("table1", data, models=(model,))
    report = part(reproduction, "roadscene")
    everything, unseen = line(report, "trained"), line(report, "trained, unseen pairs")
    assert (everything.pairs, unseen.pairs) == (3, 1)
    assert "2 of these 3 pairs are training data of trained" in everything.notes[0]
    assert "On the pairs that trained was not trained on (1)" in unseen.notes[0]
    visible, infrared = (np.asarray(Image.open(data / "roadscene" / b / f"{UNSEEN[0]}.png")) for b in ("vi", "ir"))
    own = BASELINES["max"](visible, infrared)
    assert unseen.cells["EN"].ours == pytest.approx(score(visible, infrared, own)["EN"], abs=0.02)
    assert [entry.method for entry in part(reproduction, "msrs").lines] == ["trained", "max", "mean"]


def test_a_model_of_a_rows_recipe_stands_for_that_row(data: Path, record: Callable[..., str]) -> None:
    row = published_table("table5").row("Dynamic weight conv")
    assert (row.recipe, row.model) == ("table5", "dynamic")
    report = part(reproduced("table5", data, models=(record("dynamic", recipe="table5"),)), "msrs")
    found = line(report, "dynamic")
    assert (found.compared_with, found.stands_for_it) == ("Dynamic weight conv", True)
    assert found.cells["Qabf"].published == 0.729
    assert "Dynamic weight conv" not in [absent.method for absent in report.absent]
    assert [entry.method for entry in report.lines] == ["dynamic"], "no baselines among training experiments"


def test_medical_ssim_has_no_difference(tmp_path: Path) -> None:
    lay(tmp_path, "ct-mri/test/a", "ct-mri/test/b", split_stems("ct-mri", "test"))
    report = part(reproduced("table2", tmp_path, limit=2), "harvard-ct-mri")
    assert [entry.method for entry in report.lines] == ["nano-medical", "max", "mean"]
    cells = line(report, "max").cells
    assert cells["SSIM"].difference is None
    assert cells["SSIM"].ours > 0
    assert cells["VIF"].difference == pytest.approx(cells["VIF"].ours - 0.653)
    assert (report.found, report.scored, report.reason) == (24, 2, "limited to 2 of 24 pairs")


def test_a_model_for_another_task_is_run_when_asked_for(tmp_path: Path) -> None:
    lay(tmp_path, "ct-mri/test/a", "ct-mri/test/b", split_stems("ct-mri", "test"))
    reproduction = reproduced("table2", tmp_path, models=("nano-ivif",), limit=1)
    assert line(part(reproduction, "harvard-ct-mri"), "nano-ivif").compared_with == "Ours-distilled"
    assert reproduction.notes == ("nano-ivif is a model for ivif, not for medical: run because it was asked for.",)


def test_a_pair_that_cannot_be_scored_is_counted_and_named(data: Path) -> None:
    Image.fromarray(picture(1, colour=False)[:, :-1]).save(data / "msrs" / "ir" / "00002N.png")
    found = line(part(reproduced("table1", data), "msrs"), "max")
    assert (found.pairs, found.cells["EN"].pairs) == (3, 2)
    assert "1 of 3 pairs lack a value; the first: " in found.notes[0]
    assert "00002N" in found.notes[0]


# --- what is missing, and why --------------------------------------------------------------------


def test_missing_and_partial_sets_are_marked(data: Path) -> None:
    reproduction = reproduced("table1", data)
    msrs, m3fd, roadscene = reproduction.sets
    assert (msrs.found, msrs.scored, msrs.reason) == (3, 3, "not the full set: 3 of 361 pairs")
    assert (m3fd.found, m3fd.scored, m3fd.lines) == (0, 0, ())
    assert "holds no m3fd" in m3fd.reason
    assert (roadscene.found, roadscene.reason) == (3, "not the full set: 3 of 221 pairs")
    assert caption(msrs) == "MSRS, its test split: 3 pairs scored; not the full set: 3 of 361 pairs."
    assert caption(m3fd).startswith("M3FD, its fusion pairs: nothing was scored; ")


def test_captions(data: Path, tmp_path: Path) -> None:
    for band in ("vi", "ir"):
        (tmp_path / "flat" / "msrs" / band).mkdir(parents=True)
        for k in range(362):  # nothing is read for a plan
            (tmp_path / "flat" / "msrs" / band / f"{k:03}.png").touch()
    plan = plan_table(published_table("table1"), tmp_path / "flat", Given(), threads=1)
    assert plan.sets[0].reason == "not the paper's set: 362 pairs, where the paper has 361"
    assert caption(part(reproduced("table3", data), "msrs")) == (
        "MSRS, its test split: nothing was scored; there is no model or result to be scored."
    )
    lay(tmp_path, "ct-mri/test/a", "ct-mri/test/b", split_stems("ct-mri", "test"))
    assert caption(part(reproduced("table2", tmp_path), "harvard-ct-mri")) == (
        "CT-MRI, its test split: 24 pairs scored, the paper does not say how many it has."
    )


def test_limited_pairs_are_spread_and_marked(tmp_path: Path) -> None:
    lay(tmp_path, "msrs/vi", "msrs/ir", [f"{k:02}" for k in range(10)])
    plan = plan_table(published_table("table1"), tmp_path, Given(limit=4), threads=1)
    assert [pair.name for pair in plan.sets[0].plan.pairs] == ["00", "02", "05", "07"]
    assert plan.sets[0].reason == "limited to 4 of 10 pairs; not the full set: 10 of 361 pairs"


def test_only_the_papers_part_of_a_set_is_taken(tmp_path: Path) -> None:
    lay(tmp_path, "MSRS/train/vi", "MSRS/train/ir", ("00001D",))
    lay(tmp_path, "MSRS/test/vi", "MSRS/test/ir", ("00002N", "00003D"))
    lay(tmp_path, "M3FD/M3FD_Detection/vis", "M3FD/M3FD_Detection/ir", ("00000",))
    plan = plan_table(published_table("table1"), tmp_path, Given(), threads=1)
    assert [pair.name for pair in plan.sets[0].plan.pairs] == ["00002N", "00003D"]
    assert "holds detection only, not the part fusion" in plan.sets[1].reason


def test_every_published_row_is_measured_or_marked(data: Path) -> None:
    for name in published_tables():
        for report in reproduced(name, data if name == "table1" else None, limit=1).sets:
            there = {entry.compared_with for entry in report.lines if entry.stands_for_it}
            missing = [absent.method for absent in report.absent]
            assert sorted((*there, *missing)) == sorted(row.method for row in published_table(name).rows)


def test_absent_rows_say_what_would_fill_them(data: Path) -> None:
    reasons = {absent.method: absent.reason for absent in part(reproduced("table1", data), "msrs").absent}
    assert "--fused 'IFCNN:msrs=DIR'" in reasons["IFCNN"]
    assert "needs training: distilfuse train ivif --data DIR" in reasons["Ours-distilled"]
    assert "the text-guided teacher" in reasons["Ours-teacher"]


@pytest.mark.parametrize("name", ["table3", "table4", "table5", "table6", "table7"])
def test_training_tables_without_anything(name: str) -> None:
    (report,) = reproduced(name, None).sets
    assert report.lines == ()
    assert report.reason == "no data given (--data DIR)"
    assert all("needs training: --minutes N" in absent.reason for absent in report.absent)


# --- refusals ------------------------------------------------------------------------------------


def test_refusals(data: Path, tmp_path: Path) -> None:
    other = ScoreTable("standard@1", ("EN",), (Row("IFCNN", "msrs", "x", {"EN": 6.0}),))
    own = ScoreTable(PAPER, ("EN",), (Row("max", "msrs", "x", {"EN": 6.0}),))
    for error, said, given in (
        (ConfigError, "standard@1 cannot stand beside the paper's", {"scores": (other,)}),
        (ConfigError, "'max' on msrs", {"scores": (own,)}),
        (ConfigError, "no set 'tno': choose from msrs, m3fd, roadscene", {"fused": {("A", "tno"): tmp_path}}),
        (InputError, "A cannot be scored without those of m3fd", {"fused": {("A", "m3fd"): tmp_path}}),
        (ModelError, "no model named 'nono-ivif'", {"models": ("nono-ivif",)}),
    ):
        with pytest.raises(error, match=said):
            plan_table(published_table("table1"), data, Given(**given), threads=1)


def test_data_folder_that_does_not_exist(tmp_path: Path) -> None:
    reproduction = reproduced("table1", tmp_path / "absent")
    assert all("does not exist" in report.reason for report in reproduction.sets)


# --- files ---------------------------------------------------------------------------------------


def test_files(data: Path, tmp_path: Path) -> None:
    reproduction = reproduced("table1", data)
    folder = tmp_path / "deep" / "out"
    check_results(folder, reproduction.table, overwrite=False)
    written = write_results(folder, reproduction)
    assert [path.name for path in written] == ["table1.md", "table1.json", "table1-scores.csv"]

    content = json.loads((folder / "table1.json").read_text("utf-8"))
    assert content == as_json(reproduction)
    assert content["protocol"] == PAPER
    msrs = content["sets"][0]
    assert (msrs["pairs_published"], msrs["pairs_found"], msrs["pairs_scored"]) == (361, 3, 3)
    assert msrs["published"][-1]["values"] == {"EN": 6.763, "VIF": 1.075, "Qabf": 0.734}
    nano = msrs["rows"][0]
    cell = nano["values"]["EN"]
    assert cell["difference"] == pytest.approx(cell["ours"] - 6.763)
    assert (cell["pairs"], cell["published"], len(nano["sha256"])) == (3, 6.763, 64)

    text = (folder / "table1.md").read_text("utf-8")
    figure = f"{cell['ours']:.3f} ({cell['difference']:+.3f})"
    (row,) = [found for found in text.splitlines() if found.startswith("| nano-ivif | model") and figure in found]
    assert "Ours-distilled" in row
    assert "| Text-IF | paper | 361 | 6.729 | 1.051 | 0.690 |" in text
    assert PAPER in text
    assert "zero-shot" in text

    scores = read_csv(folder / "table1-scores.csv")
    assert scores.datasets == ("msrs", "roadscene")
    with pytest.raises(OutputError, match=r"table1\.md, table1\.json, table1-scores\.csv already: add --overwrite"):
        check_results(folder, reproduction.table, overwrite=False)
    check_results(folder, reproduction.table, overwrite=True)
    check_results(folder, published_table("table2"), overwrite=False)
    # The same numbers come out of the scores file.
    again = reproduced("table1", None, models=(), scores=(scores,))
    (before,) = (row for row in msrs["rows"] if row["method"] == "max")
    assert line(part(again, "msrs"), "max").cells["VIF"].ours == pytest.approx(before["values"]["VIF"]["ours"])


def test_files_where_nothing_was_scored(tmp_path: Path) -> None:
    (tmp_path / "table3-scores.csv").write_text("of an earlier run", encoding="utf-8")
    written = write_results(tmp_path, reproduced("table3", None))
    assert [path.name for path in written] == ["table3.md", "table3.json"]
    assert not (tmp_path / "table3-scores.csv").exists()


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="is a file"):
        check_results(tmp_path / "file" / "out", published_table("table1"), overwrite=True)


def test_remarks_name_every_note(data: Path, record: Callable[..., str]) -> None:
    model = record("trained", training_data=["roadscene/train"])
    said = "\n".join(remarks(part(reproduced("table1", data, models=(model,)), "roadscene")))
    assert "training data of trained" in said
    assert "As published only: SuperFusion, CDDFuse" in said
    assert "--fused 'METHOD:roadscene=DIR'" in said


def test_markdown_escapes_names(data: Path) -> None:
    rows = (Row("a|b*", "msrs", "x", {"EN": 6.0}),)
    text = markdown(reproduced("table1", data, scores=(ScoreTable(PAPER, ("EN",), rows),)))
    assert r"| a\|b\* | scores |" in text


# --- real pairs ----------------------------------------------------------------------------------


def test_real_data_folder(shared_data: Path) -> None:
    plan = plan_table(published_table("table1"), shared_data, Given(), threads=1)
    msrs, m3fd, roadscene = plan.sets
    assert (msrs.found, msrs.reason) == (73, "not the full set: 73 of 361 pairs")
    assert m3fd.plan is None
    assert (roadscene.found, roadscene.reason) == (221, None)
    medical = plan_table(published_table("table2"), shared_data, Given(), threads=1)
    assert [(entry.found, entry.reason) for entry in medical.sets] == [(24, None)] * 3
