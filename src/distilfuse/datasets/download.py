"""Fetching the listed files of a set from their public addresses: resumed, checked, never half there.

Files come one by one, because the archives that repositories are offered as have neither fixed bytes nor can they be
resumed; single files have both.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from distilfuse import __version__
from distilfuse.datasets.record import DatasetRecord
from distilfuse.datasets.splits import ListedPair, listed_pairs, split_stems
from distilfuse.errors import DistilfuseError, InputError, OutputError

_ATTEMPTS = 5
_TIMEOUT = 30.0
"""Seconds without a byte before a connection counts as broken."""
_CHUNK = 1 << 16


@dataclass(frozen=True)
class RemoteFile:
    """One file to fetch."""

    url: str
    target: Path
    sha256: str


@dataclass(frozen=True)
class Fetched:
    """What became of it."""

    file: RemoteFile
    state: str
    """``fetched``, ``there`` (it was, with the right bytes) or ``failed``."""
    error: DistilfuseError | None = None


def plan_download(record: DatasetRecord, folder: Path, split: str | None = None) -> tuple[RemoteFile, ...]:
    """What there is to fetch for a set, in our own layout under ``folder/SET``.

    Raises:
        InputError: the set has no direct public address; the message says how to get it by hand.
        ConfigError: see :func:`distilfuse.datasets.splits.split_stems`.
    """
    if not record.remote:
        raise InputError(f"{record.name} has no direct public address: {record.get}")
    pairs = listed_pairs(record.listed)
    if split is not None:
        stems = set(split_stems(record.name, split))
        pairs = tuple(pair for pair in pairs if pair.name in stems)
    files: list[RemoteFile] = []
    for pair in pairs:
        visible, infrared = _addresses(record, pair)
        files.append(RemoteFile(visible, folder / record.listed / pair.visible, pair.visible_sha256))
        files.append(RemoteFile(infrared, folder / record.listed / pair.infrared, pair.infrared_sha256))
    return tuple(files)


def _addresses(record: DatasetRecord, pair: ListedPair) -> tuple[str, str]:
    for remote in record.remote:
        if remote.split in ("", pair.split) and pair.name.startswith(remote.starts):
            return remote.visible.format(name=pair.name), remote.infrared.format(name=pair.name)
    raise InputError(f"{record.name} has no direct public address of {pair.name}: {record.get}")


def download(files: tuple[RemoteFile, ...], *, pause: float = 1.0) -> Iterator[Fetched]:
    """Fetch file after file; what is there already with the right bytes is left alone.

    A file that the server does not have, or has with other bytes, is a ``failed`` outcome and the others go on.

    Args:
        files: from :func:`plan_download`.
        pause: seconds before a broken connection is tried again, doubled each time.

    Raises:
        DistilfuseError: the server cannot be reached (any more); what has come stays and is resumed next time.
        OutputError: a file or folder cannot be written.
    """
    for file in files:
        if file.target.exists():
            if _sha256(file.target) == file.sha256:
                yield Fetched(file, "there")
            else:
                error = InputError(f"{file.target} exists with other bytes than listed: move it away to fetch it.")
                yield Fetched(file, "failed", error)
            continue
        try:
            fetch(file, pause=pause)
        except InputError as error:
            yield Fetched(file, "failed", error)
        else:
            yield Fetched(file, "fetched")


def fetch(file: RemoteFile, *, pause: float = 1.0) -> None:
    """Fetch one file into ``.NAME.part`` beside its place, check its SHA-256, and move it there.

    A part that is there from an earlier time is continued (HTTP Range, RFC 9110, 14), or begun anew where the server
    sends everything.

    Raises:
        InputError: the server has no such file, or other bytes.
        DistilfuseError: the connection fails again and again.
        OutputError: the file cannot be written.
    """
    part = file.target.with_name(f".{file.target.name}.part")
    try:
        file.target.parent.mkdir(parents=True, exist_ok=True)
        reason = ""
        for attempt in range(_ATTEMPTS):
            if reason:
                time.sleep(pause * 2 ** (attempt - 1))
            resumed = part.exists()
            try:
                _continue(file.url, part)
            except urllib.error.HTTPError as error:
                if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    pass  # the part is as long as the file, or longer: its checksum tells
                elif error.code < 500 and error.code != http.HTTPStatus.TOO_MANY_REQUESTS:
                    raise InputError(f"{file.url} cannot be fetched ({error.code} {error.reason}).") from error
                else:
                    reason = f"{error.code} {error.reason}"
                    continue
            except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
                reason = str(getattr(error, "reason", error)) or type(error).__name__
                continue
            if part.exists() and _sha256(part) == file.sha256:
                part.replace(file.target)
                return
            part.unlink(missing_ok=True)
            if not resumed:
                raise InputError(f"{file.url} holds other bytes than listed (SHA-256): nothing was kept of it.")
            reason = "what was there of it did not fit"  # perhaps of another file; once more from the beginning
    except OSError as error:
        if isinstance(error, DistilfuseError):
            raise
        why = error.strerror or str(error)
        raise OutputError(f"{file.target} cannot be written ({why}): check the folder and the space.") from error
    raise DistilfuseError(
        f"{file.url} cannot be fetched ({reason}): check the connection and give the command again, it goes on "
        "where it stopped."
    )


def _continue(url: str, part: Path) -> None:
    """Append to a part what it lacks.

    Raises:
        ConnectionError: the connection broke off in the middle; else what urllib raises.
    """
    start = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": f"distilfuse/{__version__}"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:
        if start and not (response.status == http.HTTPStatus.PARTIAL_CONTENT and _starts_at(response, start)):
            start = 0  # it sends the whole file, or another piece than asked for
            if response.status == http.HTTPStatus.PARTIAL_CONTENT:
                part.unlink()
                raise ConnectionError("the server sent another range than asked for")
        length = response.headers.get("Content-Length")
        received = 0
        with part.open("ab" if start else "wb") as out:
            while chunk := response.read(_CHUNK):
                out.write(chunk)
                received += len(chunk)
    if length is not None and received < int(length):
        raise ConnectionError(f"broke off after {received} of {length} bytes")


def _starts_at(response: http.client.HTTPResponse, start: int) -> bool:
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return found is not None and int(found[1]) == start


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
