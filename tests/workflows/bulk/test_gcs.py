"""Against an emulator of Google Cloud Storage on this machine, through gcsfs as it is."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
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


def test_from_bucket_to_bucket(from_bucket_to_bucket: Callable[[Any, str], None], store: Any) -> None:
    from_bucket_to_bucket(store, "gs")


def test_no_such_bucket(run: Run, store: Any, make_pairs: Make, make_manifest: Make, capsys: Any) -> None:
    assert run("gs://nowhere/m.csv", "-o", "gs://bucket/out") == 2
    assert capsys.readouterr().err == "gs://nowhere/m.csv does not exist: check the name.\n"
