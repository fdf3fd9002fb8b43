"""Against an S3 server of moto on this machine, through s3fs as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from distilfuse.workflows.bulk import files

pytest.importorskip("s3fs", reason="s3fs is not installed")
moto = pytest.importorskip("moto.server", reason="moto[server] is not installed")

Run = Callable[..., int]
Make = Callable[..., Any]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket named ``bucket``, as s3fs sees it."""
    import s3fs

    server = moto.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    files._files.cache_clear()
    urlopen(Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()  # what the test before has left
    system = s3fs.S3FileSystem()
    system.mkdir("bucket")
    yield system
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_from_bucket_to_bucket(from_bucket_to_bucket: Callable[[Any, str], None], store: Any) -> None:
    from_bucket_to_bucket(store, "s3")


def test_no_such_bucket(run: Run, store: Any, make_pairs: Make, make_manifest: Make, capsys: Any) -> None:
    assert run("s3://nowhere/m.csv", "-o", "s3://bucket/out") == 2
    assert capsys.readouterr().err == "s3://nowhere/m.csv does not exist: check the name.\n"
    assert run(make_manifest(make_pairs(1)), "-o", "s3://nowhere/out") == 1
    said = capsys.readouterr().err
    assert said.startswith("s3://nowhere/out/_distilfuse/claims/")
    assert "cannot be written (The specified bucket does not exist)" in said
    assert said.count("\n") == 1


def test_a_server_that_is_gone(
    run: Run,
    store: Any,
    make_pairs: Make,
    make_manifest: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    type(store).clear_instance_cache()
    ((visible, infrared),) = make_pairs(1)
    for manifest, output in (
        ("s3://bucket/m.csv", "s3://bucket/out"),
        (make_manifest([(visible, infrared)]), "s3://bucket/out"),
        (make_manifest([(visible, "s3://bucket/i.png")]), tmp_path / "out"),
    ):
        assert run(manifest, "-o", output) == 2
        said = capsys.readouterr().err
        assert "Could not connect to the endpoint" in said
        assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()
