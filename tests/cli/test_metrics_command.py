from __future__ import annotations

import sys

import pytest

from distilfuse.cli.main import main
from distilfuse.metrics import METRICS, PROTOCOLS


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, width: int = 200) -> int:
    monkeypatch.setattr(sys, "argv", ["distilfuse", "metrics", *arguments])
    monkeypatch.setenv("COLUMNS", str(width))
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def unwrapped(text: str) -> str:
    return " ".join(text.split())


def test_lists_all_metrics(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "list") == 0
    rows = capsys.readouterr().out.splitlines()
    for name, card in METRICS.items():
        row = next(row.split() for row in rows if row.startswith(f"{name} "))
        assert row[:2] == [name, card.arrow]
    assert len(rows) == len(METRICS) + 2


def test_lists_the_columns_of_a_protocol(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "list", "--protocol", "cddfuse") == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows[1:-1]] == list(PROTOCOLS["cddfuse"].metrics)


@pytest.mark.parametrize("name", METRICS)
def test_explains_every_metric(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "explain", name) == 0
    said = capsys.readouterr().out
    card = METRICS[name]
    for text in (card.title, card.arrow, card.range, card.measures, card.gamed_by, card.in_the_wild, card.source):
        assert text in unwrapped(said)
    for protocol in PROTOCOLS.values():
        assert protocol.label in said
        assert protocol.convention(name).note in unwrapped(said)
    assert ("higher" if card.higher_is_better else "lower") + " is better" in unwrapped(said)


def test_lines_fit_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "explain", "VIF", width=60) == 0
    assert max(len(line) for line in capsys.readouterr().out.splitlines()) <= 60


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain", "qabff"], "There is no metric 'qabff': did you mean Qabf"),
        (["explain", "sharpness"], "choose from EN, "),
        (["list", "-p", "CDDFuse2"], "There is no protocol 'CDDFuse2': did you mean cddfuse?"),
    ],
)
def test_an_unknown_name_ends_in_one_sentence(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert said.err.count("\n") == 1


def test_states_the_conventions(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "protocols") == 0
    said = unwrapped(capsys.readouterr().out)
    for protocol in PROTOCOLS.values():
        for text in (protocol.label, protocol.summary, protocol.source, protocol.grey_note, " ".join(protocol.metrics)):
            assert text in said
        for name in protocol.metrics:
            assert protocol.convention(name).note in said
    assert "paper@1 (default)" in said


def test_conventions_are_stated_in_full(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "protocols") == 0
    said = capsys.readouterr().out
    sections = {name: unwrapped(said[said.index(f"{name}@") :].partition("\n\n")[0]) for name in PROTOCOLS}
    for section in sections.values():
        for words in (
            " grey ",
            " range 0..255 for EN",
            " logarithms EN to base 2 (bits), MI to base ",
            " two sources ",
        ):
            assert words in section
    windows = {
        name: section.partition(" SSIM window ")[2].partition(" two sources ")[0] for name, section in sections.items()
    }
    gaussian = "Gaussian, 11 x 11 pixels, sigma 1.5, dynamic range 255"
    assert windows == {
        "paper": gaussian,
        "cddfuse": "uniform, 7 x 7 pixels, dynamic range 2",
        "tang-matlab": "MEF-SSIM's: 11 x 11 pixels, uniform to find the wanted structure, Gaussian to compare with it",
        "standard": gaussian,
    }
    assert "MI to base e (nats)" in sections["cddfuse"]
    assert "MI to base 2 (bits)" in sections["paper"]
    assert " two sources sum for MI, VIF, SSIM " in sections["paper"]
    assert " two sources mean for MSE, CC; sum for MI, VIF " in sections["tang-matlab"]
    assert "; 0..1 for SF, PSNR, MSE, Qabf " in sections["tang-matlab"]


@pytest.mark.parametrize("name", ["vif", "QABF", "ms-ssim"])
def test_names_are_understood_whatever_their_case(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "explain", name) == 0
    assert capsys.readouterr().out.casefold().startswith(f"{name.casefold()} ↑")
