"""Where a file lies: a path on this machine or a URL, as text, since a :class:`pathlib.Path` would break URLs."""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit
from urllib.request import url2pathname

_URL = re.compile(r"([a-z][a-z0-9+.-]+)://", re.I)  # two letters at least: C:\ is a drive


def scheme(place: str) -> str:
    """The scheme of a URL (``s3``), empty for a path."""
    match = _URL.match(place)
    return match[1].lower() if match else ""


def absolute(place: str, beside: str = "") -> str:
    """A place in full.

    Args:
        place: a path or a URL; ``file://`` becomes a path.
        beside: the folder that relative paths are relative to, itself in full; by default the current one.
    """
    if scheme(place) == "file":
        return str(Path(url2pathname(urlsplit(place).path)))
    if scheme(place):
        return place
    if scheme(beside) and not place.startswith("/"):
        head, _, path = beside.partition("://")
        return f"{head}://{posixpath.normpath(posixpath.join(path, Path(place).as_posix()))}"
    return os.path.normpath(Path(beside, place).absolute())


def folder_of(place: str) -> str:
    """The folder that holds a file."""
    return place.rpartition("/")[0] if scheme(place) else str(Path(place).parent)


def name_of(place: str) -> str:
    """The file's own name; what follows ``?`` in a web address is no part of it."""
    if scheme(place) in ("http", "https"):
        place = urlsplit(place).path
    return PurePosixPath(place).name if "/" in place else Path(place).name


def server_of(place: str) -> str:
    """What has to answer for a place to be reached: ``s3://bucket``; empty for paths."""
    return "://".join((scheme(place), urlsplit(place).netloc)) if scheme(place) else ""
