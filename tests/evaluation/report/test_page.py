"""The report as a file: complete, harmless, whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from distilfuse.errors import DistilfuseError, InputError, MissingDependencyError, OutputError
from distilfuse.evaluation.report import page as page_module
from distilfuse.evaluation.scores import ScoreTable

VOID = {"br", "hr", "img", "input", "link", "meta"}
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "<img src=x onerror=alert(1)>",
    "\"quotes' & &amp; <b>bold</b>",
    "{{ 7 * 7 }}{% raw %}",
    "line\u2028separator\u202eand right to left",
    "not text \udcff",
)


class Page(HTMLParser):
    """Elements with their attributes and text; refuses what is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.setdefault(tag, []).append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts[self.open[-1]][-1] += data


def data_of(text: str) -> dict:
    return json.loads(re.search(r'id="report-data">(.*?)</script>', text, re.DOTALL).group(1))


def words(text: str) -> str:
    """What a reader sees of the page, in one line."""
    visible = re.sub(r"(?s)<(script|style).*?</\1>", "", text)
    return " ".join(re.sub(r"<[^>]+>", " ", visible).split())


def test_sections_numbers_and_notes(study, tmp_path: Path) -> None:
    text = study.write(tmp_path / "report.html", title="Five & six", notes=["First note.", "Second <note>."])
    parsed = Page(text)
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {"scores", "distributions", "scatter", "pictures", "notes", "report-data"} <= set(ids)
    assert not {"problems"} & set(ids)  # there are none
    assert parsed.texts["h1"] == ["Five & six"]
    assert "First note." in words(text)
    assert "Second &lt;note&gt;." in text
    assert words(text).count("protocol paper@1") >= 4  # head, each table
    targets = [attributes["href"] for tag, attributes in parsed.elements if tag == "a"]
    assert {target.removeprefix("#") for target in targets} <= set(ids)


def test_table_marks_best_and_second(study, tmp_path: Path) -> None:
    text = study.write(tmp_path / "report.html")
    street = text[text.index("<table") : text.index("</table>")]
    assert "n = 6 pairs" in street
    rows = {row.split(">")[2].split("<")[0]: row for row in street.split("<tr data-method=")[1:]}
    assert [*rows] == ["poor", "fair", "good"]
    # Means over pairs 0..5: Qabf .4 - .02 * 2.5 and so on; MSE, where less is better, 300 + 2.5.
    found = {method: re.findall(r'class="place-(\d)">([\d.]+)</span>', row) for method, row in rows.items()}
    assert found["poor"] == [("1", "6.250"), ("3", "0.475"), ("3", "0.350"), ("3", "302.5")]
    assert found["fair"] == [("1", "6.250"), ("2", "0.575"), ("2", "0.450"), ("2", "252.5")]
    assert found["good"] == [("1", "6.250"), ("1", "0.675"), ("1", "0.550"), ("1", "202.5")]
    # Six pairs, all of one sign: p = 2 / 2^6, twice that after Holm, which is just not significant.
    assert "p = 0.062 against the best" in rows["fair"]
    assert "</span>†" in rows["fair"]
    assert "95 % interval" in rows["good"]
    assert "mean rank 1.00; the best" in rows["good"]
    headings = re.findall(r'data-better="(\w+)"><button[^>]*>(\S+) (.)</button>', street)
    assert headings == [
        ("descending", "EN", "↑"),
        ("descending", "VIF", "↑"),
        ("descending", "Qabf", "↑"),
        ("ascending", "MSE", "↓"),
    ]


def test_a_pair_counts_once_however_it_is_degraded(study, tmp_path: Path) -> None:
    head = words(study.write(tmp_path / "report.html").partition("<nav")[0])
    assert head.endswith("protocol paper@1 3 methods 2 data sets 9 pairs 1 degradation")


def test_only_degraded_sets_are_folded(study, tmp_path: Path) -> None:
    text = study.write(tmp_path / "report.html")
    assert re.findall(r"<summary>([^<]+)</summary>", text) == ["street/ir_noise@3"]
    assert text.count('<table class="scores">') == 3


def test_nothing_is_loaded_from_anywhere(study, tmp_path: Path) -> None:
    text = study.write(tmp_path / "report.html")
    for tag, attributes in Page(text).elements:
        assert tag not in {"iframe", "object", "embed", "base", "form"}
        for name in ("src", "href", "action", "data", "srcset"):
            address = attributes.get(name, "#")
            assert address.startswith(("#", "data:")), (tag, address)
    assert "@import" not in text
    assert "url(" not in text
    # Namespaces are names, not addresses to load; nothing else looks like one.
    assert set(re.findall(r"https?://[\w./-]+", text)) == {"http://www.w3.org/2000/svg"}


def test_policy_names_exactly_our_style_and_script(study, tmp_path: Path) -> None:
    text = study.write(tmp_path / "report.html")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text).group(1)
    assert policy.startswith("default-src 'none'; img-src data:; ")
    for tag, opening in (("style", "<style>"), ("script", '<script type="module">')):
        start = text.index(opening) + len(opening)
        content = text[start : text.index(f"</{tag}>", start)]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not re.search(r"<[a-z][^>]* (style|on\w+)=", text), "the policy forbids inline styles and handlers"


def test_hostile_names_stay_text(study, tmp_path: Path) -> None:
    names = dict(zip(dict.fromkeys(row.name for row in study.table.rows), HOSTILE, strict=False))
    methods = {"poor": HOSTILE[2], "fair": HOSTILE[3], "good": HOSTILE[0]}
    rows = tuple(
        replace(
            row,
            method=methods[row.method],
            name=names.get(row.name, row.name),
            dataset=row.dataset.replace("ct-mri", HOSTILE[1]),
            problem=HOSTILE[0] if row.name == "street-00" else None,
        )
        for row in study.table.rows
    )
    study.table = ScoreTable("paper@1", study.table.metrics, rows)
    study.sources = {(dataset, names.get(name, name)): files for (dataset, name), files in study.sources.items()}
    text = study.write(tmp_path / "report.html", title=HOSTILE[0], notes=HOSTILE)
    parsed = Page(text)
    assert [tag for tag, _ in parsed.elements].count("script") == 2
    assert not [attributes for _, attributes in parsed.elements if any(name.startswith("on") for name in attributes)]
    assert [attributes for tag, attributes in parsed.elements if tag == "img"] == []
    assert parsed.texts["h1"] == [HOSTILE[0]]
    assert "{{ 7 * 7 }}" in text  # never a template
    data = data_of(text)
    assert data["methods"] == [*methods.values()]
    assert set(data["sets"][0]["pairs"]) >= set(HOSTILE[:6])
    embedded = re.search(r'id="report-data">(.*?)</script>', text, re.DOTALL).group(1)
    assert "<" not in embedded
    assert embedded.isascii()


def test_problems_name_pair_methods_and_reason(study, tmp_path: Path, without_values: dict[str, float]) -> None:
    reason = "fused/street-01.png does not exist: fuse it first."
    rows = list(study.table.rows)
    for k, row in enumerate(rows):
        if (row.dataset, row.name) == ("street", "street-01") and row.method != "good":
            rows[k] = replace(row, values=without_values, problem=reason)
        if (row.dataset, row.name, row.method) == ("ct-mri", "ct-mri-00", "fair"):
            rows[k] = replace(row, values={**row.values, "VIF": float("inf")})
    study.table = replace(study.table, rows=tuple(rows))
    text = study.write(tmp_path / "report.html")
    problems = text[text.index('<section id="problems"') :]
    assert re.findall(r"<td>(.*?)</td>", problems.partition("</table>")[0]) == [
        *("street", "street-01", "poor, fair", "any metric", reason),
        *("ct-mri", "ct-mri-00", "fair", "VIF", "The value is infinite."),
    ]
    assert "n = 5 of 6 pairs" in words(text)
    data = data_of(text)
    assert data["sets"][0]["problems"] == {"1": [f"poor, fair: {reason}"]}
    assert data["sets"][0]["values"][0][2][1] is None
    assert data["sets"][1]["values"][1][1][0] == "inf"


def test_warnings_of_the_summary_are_shown(study, tmp_path: Path) -> None:
    rows = tuple(
        replace(row, values={**row.values, "VIF": 2.0}) if row.method == "poor" else row for row in study.table.rows
    )
    study.table = replace(study.table, rows=rows)
    summary = study.summary()
    assert summary.warnings
    text = study.write(tmp_path / "report.html")
    section = text[text.index('<section id="warnings"') : text.index('<section id="scores"')]
    assert len(re.findall("<li>", section)) == len(summary.warnings)
    assert "→ 2.000" in section


def test_a_method_without_rows_in_a_set_is_not_in_its_data(study, tmp_path: Path) -> None:
    data = data_of(study.write(tmp_path / "report.html"))
    degraded = data["sets"][2]
    assert degraded["name"] == "street/ir_noise@3"
    assert degraded["methods"] == [0, 2]
    assert degraded["values"][1] is None


def test_works_without_pictures(study, tmp_path: Path) -> None:
    text = study.write(tmp_path / "report.html", pictures=0)
    assert study.asked == []
    assert "No pictures are in this report." in text
    assert "data:image" not in text
    assert len(text) < 100_000


def test_says_how_many_pictures_there_are(study, tmp_path: Path) -> None:
    text = study.write(tmp_path / "report.html", pictures=2)
    assert "The pictures of 2 of 15 pairs, the worst of each method by Qabf, are in this report" in words(text)
    assert len(data_of(text)["pictures"]) == 2


def test_stays_below_the_size_limit(study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = len(study.write(tmp_path / "numbers.html", pictures=0))
    pictures = len(study.write(tmp_path / "full.html", pictures=9)) - numbers
    limit = numbers + page_module._SLACK + pictures // 3
    monkeypatch.setattr(page_module, "SIZE_LIMIT", limit)
    text = study.write(tmp_path / "small.html", pictures=9)
    assert len(text.encode()) <= limit
    shown = len(data_of(text)["pictures"])
    assert 0 < shown < 9
    assert f"{9 - shown} more did not fit" in text


def test_a_broken_picture_leaves_its_reason_not_a_crash(study, tmp_path: Path) -> None:
    visible, _ = study.sources["street", "street-05"]
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    study.sources["street", "street-05"] = (visible, broken)

    def fused(method: str, dataset: str, name: str) -> None:
        raise InputError("The model is gone.")

    entry = data_of(study.write(tmp_path / "report.html", fused=fused, pictures=1))["pictures"][0]
    assert [bool(address) for address in entry["views"]] == [True, False, False, False, False]
    assert "is not a picture" in entry["reasons"]["1"]
    assert entry["reasons"]["2"] == "The model is gone."


def test_written_whole_or_not_at_all(study, tmp_path: Path) -> None:
    target = tmp_path / "out" / "report.html"
    with pytest.raises(OutputError, match=r"report\.html cannot be written"):
        study.write(target)
    target.parent.mkdir()
    target.write_text("the old report")

    def fused(method: str, dataset: str, name: str) -> None:
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        study.write(target, fused=fused)
    assert target.read_text() == "the old report"
    study.write(target)
    assert [path.name for path in target.parent.iterdir()] == ["report.html"]


def test_missing_extra_is_named(study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = study.summary()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'distilfuse\[evaluate\]'") as caught:
        page_module.write_report(
            tmp_path / "report.html", study.table, summary, sources={}, fused=study.fused, title="", notes=[]
        )
    assert isinstance(caught.value, DistilfuseError)
    assert [*tmp_path.glob("*.html")] == []


def test_the_same_input_gives_the_same_file(study, tmp_path: Path) -> None:
    assert study.write(tmp_path / "a.html") == study.write(tmp_path / "b.html")
