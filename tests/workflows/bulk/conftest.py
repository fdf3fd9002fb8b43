"""Manifests of small pairs, and the command as people run it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from distilfuse.cli.main import main


@pytest.fixture
def model(project: Path) -> str:
    return str(project / "tests/assets/maximum-luminance.json")


@pytest.fixture
def make_pairs(tmp_path: Path) -> Callable[..., list[tuple[Path, Path]]]:
    """Pairs of pictures in ``in/v`` and ``in/i``, each with noise of its own."""

    def make(count: int, shape: tuple[int, int] = (9, 7)) -> list[tuple[Path, Path]]:
        rng = np.random.default_rng(count)
        pairs = []
        for index in range(count):
            pair = tmp_path / "in" / "v" / f"{index:03d}.png", tmp_path / "in" / "i" / f"{index:03d}.png"
            for path, planes in zip(pair, ((3,), ()), strict=True):
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(rng.integers(0, 256, shape + planes, dtype=np.uint8)).save(path)
            pairs.append(pair)
        return pairs

    return make


@pytest.fixture
def make_manifest(tmp_path: Path) -> Callable[..., Path]:
    """A CSV of pairs (with outputs, where rows have three places)."""

    def make(rows: list[tuple[Any, ...]], name: str = "manifest.csv") -> Path:
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("visible", "infrared", "output")[: len(rows[0])])
            writer.writerows(rows)
        return path

    return make


@pytest.fixture
def from_bucket_to_bucket(
    run: Callable[..., int],
    make_pairs: Callable[..., list[tuple[Path, Path]]],
    make_manifest: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Callable[[Any, str], None]:
    """Twelve pairs from ``bucket`` to ``bucket`` of a store, as on a disk; then again with two of them touched."""

    def check(store: Any, scheme: str) -> None:
        pairs = make_pairs(12)
        rows = ["visible,infrared"]
        for visible, infrared in pairs:
            store.pipe_file(f"bucket/in/v/{visible.name}", visible.read_bytes())
            store.pipe_file(f"bucket/in/i/{infrared.name}", infrared.read_bytes())
            rows.append(f"v/{visible.name},{scheme}://bucket/in/i/{infrared.name}")
        store.pipe_file("bucket/in/m.csv", "\n".join(rows).encode())
        command = (f"{scheme}://bucket/in/m.csv", "-o", f"{scheme}://bucket/out")
        assert run(*command) == 0
        assert "12 of 12 pairs fused" in capsys.readouterr().out
        store.invalidate_cache()
        names = [visible.name for visible, _ in pairs]
        assert sorted(store.find("bucket/out")) == sorted(
            [*(f"bucket/out/{name}" for name in names), "bucket/out/_distilfuse/done.jsonl"]
        )
        assert run(make_manifest(pairs), "-o", tmp_path / "out") == 0
        for name in names:
            assert store.cat_file(f"bucket/out/{name}") == (tmp_path / "out" / name).read_bytes()
        capsys.readouterr()

        def written() -> dict[str, Any]:
            store.invalidate_cache()
            entries = [store.info(f"bucket/out/{name}") for name in names if name not in ("003.png", "005.png")]
            return {entry["name"]: entry.get("LastModified") or entry["updated"] for entry in entries}

        before = written()
        store.pipe_file("bucket/in/v/003.png", pairs[4][0].read_bytes())
        store.rm_file("bucket/out/005.png")
        assert run(*command) == 0
        said = capsys.readouterr()
        assert "10 of 12 are finished already" in said.err
        assert "2 of 2 pairs fused" in said.out
        assert written() == before

    return check


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, model: str) -> Callable[..., int]:
    """``distilfuse bulk`` with a model that takes the maximum; gives the exit status."""

    def call(*arguments: object, model: str = model) -> int:
        options = ["-m", model, "-b", "onnxruntime", "-t", "1"]
        monkeypatch.setattr(sys, "argv", ["distilfuse", "bulk", *map(str, arguments), *options])
        with pytest.raises(SystemExit) as left:
            main()
        return int(left.value.code or 0)

    return call


@pytest.fixture
def done() -> Callable[[Path], list[dict[str, Any]]]:
    """The records in ``done.jsonl`` of a local output folder."""

    def read(output: Path) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (output / "_distilfuse" / "done.jsonl").read_text("utf-8").splitlines()]

    return read


@pytest.fixture
def loose() -> Callable[[Path], dict[str, dict[str, Any]]]:
    """The records of a local output folder that are not gathered yet, by name."""

    def read(output: Path) -> dict[str, dict[str, Any]]:
        folder = output / "_distilfuse"
        lines = []
        for path in folder.glob("parts/*/*.json"):
            with suppress(FileNotFoundError):  # it has just become a line of a shard, and is found there
                lines.append(path.read_text("utf-8"))
        lines += [line for path in folder.glob("shards/*.jsonl") for line in path.read_text("utf-8").splitlines()]
        return {record["name"]: record for record in map(json.loads, lines)}

    return read


@pytest.fixture
def start(model: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """``distilfuse bulk`` as a process of its own."""
    running: list[subprocess.Popen[str]] = []

    def begin(*arguments: object) -> subprocess.Popen[str]:
        options = ["-m", model, "-b", "onnxruntime", "-t", "1"]
        command = [sys.executable, "-m", "distilfuse", "bulk", *map(str, arguments), *options]
        patient = os.environ | {"RAY_raylet_start_wait_time_s": "180"}  # a machine that tests is a busy one
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=patient)
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()
