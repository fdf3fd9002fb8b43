"""Against an emulator of Google Cloud Storage on this machine, through gcsfs as it is."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from distilfuse.workflows.bulk import files

# Read when it is imported: buckets with folders are asked for by gRPC, which the emulator does not speak.
os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"
pytest.importorskip("gcsfs", reason="gcsfs is not installed")
emulator = pytest.importorskip("gcp_storage_emulator.server", reason="gcp-storage-emulator is not installed")

Run = Callable[..., int]
Make = Callable[..., Any]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket named ``bucket``, as gcsfs sees it."""
    import fsspec
    import gcsfs

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = emulator.create_server("127.0.0.1", port, in_memory=True, default_bucket="bucket")
    server.start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    for scheme in ("gs", "gcs"):
        monkeypatch.setitem(fsspec.config.conf, scheme, {"token": "anon"})
    gcsfs.GCSFileSystem.clear_instance_cache()
    files._files.cache_clear()
    yield gcsfs.GCSFileSystem(token="anon")
    gcsfs.GCSFileSystem.clear_instance_cache()
    server.stop()


def test_from_bucket_to_bucket(
    run: Run, make_pairs: Make, store: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], make_manifest: Make
) -> None:
    pairs = make_pairs(12)
    rows = ["visible,infrared"]
    for visible, infrared in pairs:
        store.pipe_file(f"bucket/in/v/{visible.name}", visible.read_bytes())
        store.pipe_file(f"bucket/in/i/{infrared.name}", infrared.read_bytes())
        rows.append(f"v/{visible.name},gs://bucket/in/i/{infrared.name}")
    store.pipe_file("bucket/in/m.csv", "\n".join(rows).encode())
    assert run("gs://bucket/in/m.csv", "-o", "gs://bucket/out") == 0
    assert "12 of 12 pairs fused" in capsys.readouterr().out
    names = [visible.name for visible, _ in pairs]
    store.invalidate_cache()
    assert sorted(store.find("bucket/out")) == sorted(
        [*(f"bucket/out/{name}" for name in names), "bucket/out/_distilfuse/done.jsonl"]
    )
    assert run(make_manifest(pairs), "-o", tmp_path / "out") == 0
    for name in names:
        assert store.cat_file(f"bucket/out/{name}") == (tmp_path / "out" / name).read_bytes()
    capsys.readouterr()

    store.pipe_file("bucket/in/v/003.png", pairs[4][0].read_bytes())
    store.rm_file("bucket/out/005.png")
    assert run("gs://bucket/in/m.csv", "-o", "gs://bucket/out") == 0
    said = capsys.readouterr()
    assert "10 of 12 are finished already" in said.err
    assert "2 of 2 pairs fused" in said.out


def test_no_such_bucket(run: Run, store: Any, make_pairs: Make, make_manifest: Make, capsys: Any) -> None:
    assert run("gs://nowhere/m.csv", "-o", "gs://bucket/out") == 2
    assert capsys.readouterr().err == "gs://nowhere/m.csv does not exist: check the name.\n"
