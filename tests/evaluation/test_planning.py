from __future__ import annotations

import sys
from pathlib import Path

import pytest

from distilfuse.datasets.splits import split_stems
from distilfuse.errors import ConfigError, InputError
from distilfuse.evaluation.methods import FusedFolder, baseline
from distilfuse.evaluation.planning import choose_split, default_set_name, find_pairs, findings, make_plan
from distilfuse.evaluation.scores import Row, ScoreTable
from distilfuse.evaluation.scoring import Condition, Plan
from distilfuse.evaluation.sources import Remark
from distilfuse.imaging.pairs import Matching, Pair

PAIRS = (Pair("a", Path("vi/a.png"), Path("ir/a.png")),)


def plan(*methods: str, **options: object) -> Plan:
    chosen = {"dataset": "road", "protocol": "paper"} | options
    return make_plan(PAIRS, [baseline(name) for name in methods], **chosen)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/data/roadscene/vi", "roadscene"),
        ("/data/roadscene/Visible", "roadscene"),
        ("/data/roadscene", "roadscene"),
        ("/data/MSRS/test/vi", "MSRS-test"),
        ("/data/LLVIP/visible/test", "LLVIP-test"),
        ("/vi", "pictures"),
    ],
)
def test_name_of_the_set(path: str, name: str) -> None:
    assert default_set_name(Path(path)) == name


def test_the_protocol_gives_columns_unless_they_are_named() -> None:
    assert plan("max").metrics[:1] == ("EN",)
    assert plan("max", metrics=["SSIM", "EN"]).metrics == ("SSIM", "EN")
    assert plan("max", metrics=["en", "qabf"]).metrics == ("EN", "Qabf")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metrics": ["ENT"]}, "no metric 'ENT'"),
        ({"metrics": ["EN", "EN"]}, "once each"),
        ({"metrics": ["EN", "en"]}, "once each"),
        ({"metrics": []}, "once each"),
        ({"protocol": "mine"}, "mine"),
    ],
)
def test_wrong_choices_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        plan("max", **options)


def test_methods_have_different_names_and_there_is_one() -> None:
    with pytest.raises(ConfigError, match="Two methods are called 'max'"):
        plan("max", "max")
    with pytest.raises(ConfigError, match="nothing to score"):
        plan()


def earlier(method: str, dataset: str = "road", protocol: str = "paper@1", metric: str = "EN") -> ScoreTable:
    return ScoreTable(protocol, (metric,), (Row(method, dataset, "a", {metric: 1.0}),))


def test_earlier_scores_must_fit() -> None:
    assert plan("max", earlier=[earlier("old")]).methods
    assert plan(earlier=[earlier("old")]).methods == ()
    with pytest.raises(ConfigError, match="protocol standard@1 cannot be compared with those of paper@1"):
        plan("max", earlier=[earlier("old", protocol="standard@1")])
    with pytest.raises(ConfigError, match="paper@2"):
        plan("max", earlier=[earlier("old", protocol="paper@2")])
    with pytest.raises(ConfigError, match="hold 'max' on this set already"):
        plan("max", earlier=[earlier("max")])
    assert plan("max", earlier=[earlier("max", dataset="msrs")]).methods  # the same method elsewhere is welcome
    with pytest.raises(ConfigError, match="hold 'max' on this set already"):
        plan("max", degradations=[("jpeg", 3.0)], earlier=[earlier("max", dataset="road/jpeg@3")])
    with pytest.raises(ConfigError, match="no metric in common"):
        plan("max", metrics=["SSIM"], earlier=[earlier("old")])


def test_the_clean_set_comes_first() -> None:
    chosen = plan("max", degradations=[("jpeg", 2.0), ("haze", 3.0)])
    assert [chosen.set_name(condition) for condition in chosen.conditions] == ["road", "road/jpeg@2", "road/haze@3"]


def test_folders_in_which_every_name_is_taken_twice(tmp_path: Path) -> None:
    for folder in ("vi", "ir"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").touch()
    (tmp_path / "vi" / "a.jpg").touch()
    with pytest.raises(InputError, match="claimed by several files"):
        find_pairs(tmp_path / "vi", tmp_path / "ir")


def test_a_split_keeps_what_its_list_has() -> None:
    stems = split_stems("roadscene", "test")
    here = [*reversed(stems[:3]), "not listed"]
    matching = Matching(
        tuple(Pair(name, Path(f"vi/{name}.jpg"), Path(f"ir/{name}.jpg")) for name in here),
        (Path(f"vi/{stems[3]}.jpg"), Path("vi/stray.jpg")),
        (),
        ((Path(f"vi/{stems[4]}.jpg"), Path(f"vi/{stems[4]}.png")), (Path("vi/x.jpg"), Path("vi/x.png"))),
    )
    kept, absent = choose_split(matching, "roadscene", "test")
    assert [pair.name for pair in kept.pairs] == stems[:3]
    assert kept.unmatched_visible == matching.unmatched_visible[:1]
    assert kept.ambiguous == matching.ambiguous[:1]
    assert absent == tuple(stems[3:])
    problems = findings(plan("max"), kept, ScoreTable("paper@1", ("EN",), ()), [], absent=absent).problems
    assert problems[0].startswith(f"Listed in the split, but no pair here: {stems[3]}, {stems[4]}, ")


def test_a_split_that_is_not_listed_or_not_here() -> None:
    matching = Matching(PAIRS, (), (), ())
    with pytest.raises(ConfigError, match="no split list"):
        choose_split(matching, "my-set", "test")
    with pytest.raises(InputError, match="None of the 50 pairs of roadscene test is here"):
        choose_split(matching, "roadscene", "test")


def test_findings_name_every_file() -> None:
    folder = FusedFolder("theirs", Path("f"), {"a": Path("f/a.png")}, {}, (Path("f/x.png"),))
    chosen = Plan(
        dataset="road",
        pairs=PAIRS,
        methods=(folder,),
        protocol="paper",
        metrics=("EN",),
        conditions=(Condition(), Condition("jpeg", 3.0)),
    )
    matching = Matching(PAIRS, (Path("vi/b.png"),), (Path("ir/c.png"),), ((Path("vi/d.png"), Path("vi/d.jpg")),))
    table = ScoreTable(
        "paper@1",
        ("EN",),
        tuple(
            Row(method, dataset, "a", {"EN": float("nan")}, "It broke.")
            for dataset in ("road", "road/jpeg@3")
            for method in ("theirs", "max")
        ),
    )
    remarks = [Remark("constant, every pixel alike", f"vi/{k}.png") for k in range(23)]
    found = findings(chosen, matching, table, remarks, warnings=["Seen in a thread."])
    assert found.problems == (
        "vi/b.png has no infrared counterpart.",
        "ir/c.png has no visible counterpart.",
        "Several files claim one name, none is scored: vi/d.png, vi/d.jpg.",
    )
    assert found.unscored == ("a (theirs, max on road, road/jpeg@3): It broke.",)
    assert found.notes[0] == "1 picture in f belongs to no pair: f/x.png."
    assert found.notes[1].startswith("Constant, every pixel alike: vi/0.png, vi/1.png, ")
    assert found.notes[1].endswith("vi/19.png and 3 more.")
    assert found.notes[2] == "Seen in a thread."
    assert found.notes[3] == (
        "Not in the tables of degraded inputs: theirs, whose pictures were fused from clean ones."
    )


def test_a_metric_without_its_library_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skvideo.measure.niqe", None)
    with pytest.raises(ConfigError, match="NIQE needs skvideo"):
        make_plan((), (baseline("max"),), dataset="set", protocol="paper", metrics=["EN", "NIQE"])
