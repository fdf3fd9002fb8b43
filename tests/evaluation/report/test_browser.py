"""The report in a real browser: drawn, clicked, typed into, and never asking the network for anything."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
DECODED = "pictures => pictures.map(p => p.complete ? p.naturalWidth : 0)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright (extra dev) is not installed")
    program = os.environ.get("DISTILFUSE_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on PATH, and DISTILFUSE_CHROMIUM is not set")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Reader:
    """Opens reports and holds all that a browser complains of or asks for."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.contexts: list[Any] = []

    def open(self, path: Path, **options: Any) -> Any:
        context = self.browser.new_context(**{"viewport": DESKTOP, **options})
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(path.as_uri())
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html.ready")
        return page

    def close(self) -> None:
        for context in self.contexts:
            context.close()


@pytest.fixture
def reader(browser: Any) -> Iterator[Reader]:
    reader = Reader(browser)
    yield reader
    reader.close()
    assert reader.complaints == []
    assert {url.partition(":")[0] for url in reader.requests} <= {"file", "data"}
    assert [url for url in reader.requests if url.startswith("file:") and not url.endswith(".html")] == []


@pytest.fixture
def report(study: Any, tmp_path: Path) -> Path:
    study.write(tmp_path / "report.html", pictures=6)  # three of street, three of ct-mri
    return tmp_path / "report.html"


def bring(page: Any, selector: str) -> Any:
    found = page.locator(selector).first
    found.scroll_into_view_if_needed()
    return found


def listed(page: Any) -> list[str]:
    return page.locator("#pair-list .name").all_text_contents()


def corner(page: Any) -> list[float]:
    """Where the pictures' left upper corner is, in percent of a window; the same for all of them."""
    (transform,) = transforms(page)
    return [float(number) for number in re.findall(r"(-?[\d.]+)%", transform)]


def transforms(page: Any) -> set[str]:
    return set(page.eval_on_selector_all("#tiles img", "pictures => pictures.map(p => p.style.transform)"))


def test_table_shows_the_numbers_and_sorts(reader: Reader, report: Path) -> None:
    page = reader.open(report)
    table = page.locator("table.scores").first
    column = table.locator("tbody tr td:nth-child(4) span")
    assert column.all_text_contents() == ["0.350", "0.450", "0.550"]
    bold = table.locator("tbody tr:nth-child(3) td:nth-child(4) span")
    assert bold.evaluate("e => getComputedStyle(e).fontWeight") == "700"
    heading = table.locator("thead th:nth-child(4)")
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert column.all_text_contents() == ["0.550", "0.450", "0.350"]
    heading.locator("button").press("Enter")
    assert column.all_text_contents() == ["0.350", "0.450", "0.550"]
    table.locator("thead th:nth-child(5) button").click()  # MSE: less is better and comes first
    assert table.locator("tbody tr th").all_text_contents() == ["good", "fair", "poor"]
    assert heading.get_attribute("aria-sort") is None
    assert not page.locator(".detail").first.is_visible()
    page.get_by_label("Show ranks and significance").check()
    assert "rank 1.00 (best)" in table.inner_text()


def test_box_plots_name_their_dots_and_open_pairs(reader: Reader, report: Path) -> None:
    page = reader.open(report)
    figure = bring(page, '.chart[data-metric="Qabf"]')
    figure.locator("circle.dot").first.wait_for()
    assert figure.locator("circle.dot").count() == 18
    assert figure.locator("path.box").count() == 3
    assert "good: median 0.550" in figure.locator("svg[role]").get_attribute("aria-label")
    worst = figure.locator("circle.dot").nth(5)  # poor, street-05
    worst.hover()
    tip = page.locator("#tip").inner_text()
    assert "street-05" in tip
    assert "poor: Qabf ↑ 0.300" in tip
    worst.click()
    assert page.locator("#pair-name").inner_text() == "street-05"
    assert page.locator(".tile.chosen .name").inner_text() == "poor"
    assert not page.locator("#tip").is_visible()
    assert page.evaluate("document.activeElement.id") == "pictures"


def test_dots_are_reached_by_keyboard(reader: Reader, report: Path) -> None:
    page = reader.open(report)
    drawing = bring(page, "#scatter-figure svg[role]")
    drawing.focus()
    page.keyboard.press("ArrowRight")
    first = page.locator("#tip").inner_text().splitlines()
    assert first[:2] == ["street-05", "poor"]  # the smallest VIF
    page.keyboard.press("ArrowRight")
    assert page.locator("#tip").inner_text().splitlines()[0] == "street-04"
    page.keyboard.press("Enter")
    assert page.locator("#pair-name").inner_text() == "street-04"


def test_scatter_changes_its_metrics(reader: Reader, report: Path) -> None:
    page = reader.open(report)
    figure = bring(page, "#scatter-figure")
    figure.locator("path.dot").first.wait_for()
    assert figure.locator("text.axis").all_text_contents() == ["VIF ↑", "Qabf ↑"]
    page.get_by_label("Metric across").select_option("EN ↑")
    page.get_by_label("Metric upward").select_option("MSE ↓")
    assert figure.locator("text.axis").all_text_contents() == ["EN ↑", "MSE ↓"]
    assert figure.locator("path.dot").count() == 18
    dot = figure.locator("path.dot").nth(13)  # good, street-01
    dot.hover()
    assert page.locator("#tip").inner_text().splitlines() == ["street-01", "good", "EN ↑ 6.100", "MSE ↓ 201.0"]
    dot.click()
    assert page.locator("#pair-name").inner_text() == "street-01"
    # One of the pairs without pictures: its scores are there, and the page says what is not.
    assert page.locator("#not-embedded").is_visible()
    assert page.locator("#tiles img").count() == 0
    assert "6.100" in page.locator("#pair-scores").inner_text()


def test_pictures_decode_and_step(reader: Reader, report: Path) -> None:
    page = reader.open(report)
    bring(page, "#tiles")
    assert listed(page) == ["street-05", "street-04", "street-03"]  # worst first by Qabf
    page.wait_for_function(f"({DECODED})([...document.querySelectorAll('#tiles img')]).every(width => width === 320)")
    assert page.locator("#tiles .name").all_text_contents() == ["visible", "infrared", "poor", "fair", "good"]
    assert page.locator("#tiles .score").all_text_contents() == ["Qabf 0.300", "Qabf 0.400", "Qabf 0.500"]
    page.get_by_label("Next pair").click()
    assert page.locator("#pair-name").inner_text() == "street-04"
    assert page.locator("#position").inner_text() == "2 of 3"
    page.keyboard.press("ArrowRight")
    assert page.locator("#pair-name").inner_text() == "street-03"
    page.keyboard.press("ArrowRight")  # round again
    assert page.locator("#pair-name").inner_text() == "street-05"
    page.keyboard.press("ArrowLeft")
    assert page.locator("#pair-name").inner_text() == "street-03"
    assert page.locator('#pair-list [aria-current="true"] .name').inner_text() == "street-03"
    page.wait_for_function(f"({DECODED})([...document.querySelectorAll('#tiles img')]).every(width => width > 0)")


def test_zoom_and_pan_move_all_pictures_together(reader: Reader, report: Path) -> None:
    page = reader.open(report)
    window = bring(page, "#tiles .window")
    assert transforms(page) == {"translate(0%, 0%) scale(1)"}
    page.get_by_label("Zoom in").click()
    assert transforms(page) == {"translate(-25%, -25%) scale(1.5)"}
    assert page.locator("#zoom-level").inner_text() == "150 %"
    page.get_by_role("button", name="Fit").click()
    box = window.bounding_box()
    left, top = box["x"] + box["width"] / 4, box["y"] + box["height"] / 2
    page.mouse.move(left, top)
    page.mouse.wheel(0, -240)  # at most half an octave a turn
    page.wait_for_function("document.getElementById('zoom-level').textContent === '141 %'")
    # The point under the pointer stays where it is: (1 - sqrt 2) / 4 and / 2, but for half a pixel of the pointer.
    assert corner(page) == pytest.approx([-10.36, -20.71], abs=0.3)
    page.mouse.down()
    page.mouse.move(left + box["width"], top, steps=3)
    page.mouse.up()
    assert corner(page) == pytest.approx([0, -20.71], abs=0.3)  # to the edge and no further
    page.keyboard.press("Shift+ArrowLeft")  # at the edge already: no gap opens, and the pair stays
    assert corner(page) == pytest.approx([0, -20.71], abs=0.3)
    assert page.locator("#pair-name").inner_text() == "street-05"
    page.keyboard.press("Shift+ArrowRight")
    assert corner(page) == pytest.approx([-10, -20.71], abs=0.3)
    page.keyboard.press("0")
    assert transforms(page) == {"translate(0%, 0%) scale(1)"}
    for _ in range(12):
        page.keyboard.press("+")
    assert page.get_by_label("Zoom in").is_disabled()
    assert window.locator("img").evaluate("e => e.style.imageRendering") == "pixelated"


def test_order_and_search(reader: Reader, report: Path) -> None:
    page = reader.open(report)
    bring(page, "#pair-list")
    page.get_by_label("Order of pairs").select_option("best first")
    assert listed(page) == ["street-03", "street-04", "street-05"]
    assert page.locator("#pair-name").inner_text() == "street-03"
    page.get_by_label("only pairs with pictures").uncheck()
    assert listed(page) == [f"street-0{k}" for k in range(6)]
    page.get_by_label("Order of pairs").select_option("worst first")
    page.get_by_label("Order by metric").select_option("EN ↑")  # grows from pair to pair
    page.get_by_label("Order by scores of").select_option("good")
    assert listed(page) == [f"street-0{k}" for k in range(6)]
    assert page.locator("#pair-list .score").all_text_contents()[0] == "6.000"
    page.get_by_label("Order by metric").select_option("MSE ↓")
    assert listed(page) == [f"street-0{k}" for k in reversed(range(6))]
    page.get_by_label("Search").fill("T-04")
    assert listed(page) == ["street-04"]
    page.keyboard.press("ArrowLeft")  # moves in the text, not to another pair
    assert page.locator("#pair-name").inner_text() == "street-04"
    page.get_by_label("Search").fill("nobody")
    assert page.locator("#no-pairs").is_visible()
    assert not page.locator("#pair").is_visible()


def test_sets_and_methods_are_chosen_for_all_parts(reader: Reader, report: Path) -> None:
    page = reader.open(report)
    bring(page, "#boxes")
    page.get_by_label("Data set").select_option("ct-mri (3)")
    figure = bring(page, '.chart[data-metric="VIF"]')
    page.wait_for_function("document.querySelectorAll('.chart[data-metric=VIF] circle.dot').length === 9")
    page.locator("#legend label", has_text="fair").locator("input").uncheck()
    page.wait_for_function("document.querySelectorAll('.chart[data-metric=VIF] circle.dot').length === 6")
    assert figure.locator("text.label").all_text_contents() == ["poorpoor", "goodgood"]  # with its full name as title
    bring(page, "#tiles")
    assert page.locator("#tiles .name").all_text_contents() == ["CT", "MRI", "poor", "good"]
    page.wait_for_function(f"({DECODED})([...document.querySelectorAll('#tiles img')]).every(width => width === 64)")
    page.get_by_label("Data set").select_option("street/ir_noise@3 (6)")
    assert page.locator("#legend .name").all_text_contents() == ["poor", "good"]
    assert page.locator("#no-pairs").is_visible()
    assert set(page.locator(".set-name").all_text_contents()) == {"street/ir_noise@3"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone(reader: Reader, report: Path, scheme: str) -> None:
    page = reader.open(report, viewport=PHONE, has_touch=True, is_mobile=True, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    figure = bring(page, '.chart[data-metric="VIF"]')
    figure.locator("circle.dot").first.wait_for()
    assert figure.locator("svg[role]").bounding_box()["width"] <= PHONE["width"]
    dot = figure.locator("circle.dot").nth(5)
    dot.scroll_into_view_if_needed()
    dot.tap()
    assert page.locator("#pair-name").inner_text() == "street-05"
    page.wait_for_function(f"({DECODED})([...document.querySelectorAll('#tiles img')]).every(width => width > 0)")
    page.get_by_label("Next pair").tap()
    assert page.locator("#pair-name").inner_text() == "street-04"
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_without_pictures(reader: Reader, study: Any, tmp_path: Path) -> None:
    study.write(tmp_path / "report.html", pictures=0)
    page = reader.open(tmp_path / "report.html")
    bring(page, "#pair-list")
    assert len(listed(page)) == 6
    assert page.get_by_label("only pairs with pictures").is_disabled()
    assert page.locator("#not-embedded").is_visible()
    assert "0.300" in page.locator("#pair-scores").inner_text()


def test_without_scripts_the_tables_are_there(reader: Reader, report: Path) -> None:
    page = reader.open(report, java_script_enabled=False)
    assert "0.550" in page.locator("table.scores").first.inner_text()
    assert "need JavaScript" in page.locator("noscript").inner_text()


def test_printed_report_has_all_charts(reader: Reader, report: Path) -> None:
    page = reader.open(report, color_scheme="dark")
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function("document.querySelectorAll('.chart svg').length === 5")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator(".bar").is_visible()
    assert page.locator("details table").is_visible()


def test_hostile_names_are_shown_not_run(reader: Reader, study: Any, tmp_path: Path) -> None:
    bad = '</script><img src=x onerror="alert(1)"><!--'
    rows = tuple(replace(row, method=row.method.replace("poor", bad)) for row in study.table.rows)
    study.table = replace(study.table, rows=tuple(replace(row, name=f"{bad}{row.name}") for row in rows))
    study.sources = {(dataset, f"{bad}{name}"): files for (dataset, name), files in study.sources.items()}
    study.write(tmp_path / "report.html", title=bad)
    page = reader.open(tmp_path / "report.html")
    assert page.locator("h1").inner_text() == bad
    figure = bring(page, '.chart[data-metric="Qabf"]')
    figure.locator("circle.dot").nth(5).hover()
    assert f"{bad}street-05" in page.locator("#tip").inner_text()
    figure.locator("circle.dot").nth(5).click()
    assert page.locator("#pair-name").inner_text() == f"{bad}street-05"
    assert bad in page.locator("#pair-scores").inner_text()
    assert page.locator("img:not(#tiles img)").count() == 0
