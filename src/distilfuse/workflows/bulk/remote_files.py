"""Files behind URLs, through fsspec: S3, Google Cloud Storage, and every other scheme that it knows."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from distilfuse.errors import DistilfuseError, InputError, MissingDependencyError, OutputError, install_line
from distilfuse.workflows.bulk.files import Stamp, at_once
from distilfuse.workflows.bulk.places import folder_of

_LIBRARIES = {
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("abfs", "abfss", "az"), "adlfs"),
    **dict.fromkeys(("http", "https"), "aiohttp"),
    **dict.fromkeys(("sftp", "ssh"), "paramiko"),
    "smb": "smbprotocol",
}
"""What has to be installed besides fsspec."""

_STORES = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az")
"""Object stores: an object that is being uploaded is there when the upload has ended, whole, or not at all. They know
no move (it is a copy and a removal) and no folders, so a file is written under its own name right away."""

_VERSIONS = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "updated", "created")
"""Where file systems say which version of a file there is, the surest first."""


class RemoteFiles:
    """See :class:`distilfuse.workflows.bulk.files.Files`."""

    def __init__(self, scheme: str) -> None:
        """Find the library of a scheme; nothing is asked of any server.

        Raises:
            InputError: an unknown scheme.
            MissingDependencyError: the library is not installed.
        """
        self.scheme = scheme
        self._file_system = _class_of(scheme)

    def read(self, place: str) -> bytes:
        """See there."""
        with self._reading(place):
            system, path = self._at(place)
            content: bytes = system.cat_file(path)
        return content

    def write(self, place: str, content: bytes) -> None:
        """See there."""
        system, path = self._at(place)
        with _saying(OutputError, place, "cannot be written"):
            if self.scheme in _STORES:
                system.pipe_file(path, content)
                return
            folder, _, name = path.rpartition("/")
            system.makedirs(folder, exist_ok=True)
            partial = f"{folder}/.{name}.{secrets.token_hex(4)}.part"
            try:
                system.pipe_file(partial, content)
                system.mv(partial, path)
            except BaseException:
                with suppress(Exception):  # what went wrong first is what counts
                    system.rm_file(partial)
                raise

    def stamp(self, place: str) -> Stamp | None:
        """See there."""
        with self._reading(place):
            system, path = self._at(place)
            try:
                return _stamp(system.info(path))
            except (FileNotFoundError, NotADirectoryError):
                return None

    def stamps(self, places: Iterable[str]) -> dict[str, Stamp]:
        """See there: a folder is listed once. What no list tells (web servers have none) is asked for one by one."""
        folders: dict[str, list[str]] = {}
        for place in places:
            folders.setdefault(folder_of(place), []).append(place)
        found: dict[str, Stamp] = {}
        for part in at_once(lambda folder: self._listed(folder, folders[folder]), folders):
            found |= part
        return found

    def find(self, folder: str) -> list[str]:
        """See there."""
        with self._reading(folder):
            system, path = self._at(folder)
            system.invalidate_cache()
            names: list[str] = []
            with suppress(FileNotFoundError):
                names = system.find(path)
        return sorted(f"{folder}/{name.removeprefix(path).lstrip('/')}" for name in names)

    def remove(self, place: str) -> None:
        """See there."""
        with _saying(OutputError, place, "cannot be removed"):
            system, path = self._at(place)
            system.invalidate_cache()
            with suppress(FileNotFoundError):
                system.rm(path, recursive=True)

    def _at(self, place: str) -> tuple[Any, str]:
        """The file system and what it calls the place. Its options come from the URL and fsspec's configuration."""
        from fsspec.core import url_to_fs

        with _saying(InputError, place, "cannot be reached"):
            system, path = url_to_fs(place)
        return system, str(path)

    def _listed(self, folder: str, places: list[str]) -> dict[str, Stamp]:
        """The stamps of files of one folder."""
        entries: list[Mapping[str, Any]] = []
        if len(places) > 1:
            with self._reading(folder):
                system, path = self._at(folder)
                system.invalidate_cache(path)
                with suppress(FileNotFoundError, NotADirectoryError, NotImplementedError):
                    entries = system.ls(path, detail=True)
        listed = {str(entry["name"]).rpartition("/")[2]: _stamp(entry) for entry in entries}
        found = {}
        for place in places:
            stamp = listed.get(place.rpartition("/")[2])
            # An object store's list is complete; where there is none, or one without sizes, the file is asked itself.
            if stamp is None and not (entries and self.scheme in _STORES):
                stamp = self.stamp(place)
            if stamp is not None:
                found[place] = stamp
        return found

    @contextmanager
    def _reading(self, place: str) -> Iterator[None]:
        with _saying(InputError, place, "cannot be read"):
            try:
                yield
            except FileNotFoundError:
                raise InputError(f"{place} does not exist: check the name.") from None


@contextmanager
def _saying(kind: type[InputError] | type[OutputError], place: str, what: str) -> Iterator[None]:
    """Whatever a file system raises, as one sentence."""
    try:
        yield
    except DistilfuseError:
        raise
    except PermissionError as error:
        raise kind(f"{place} {what} ({_reason(error)}): check the credentials and what they may do.") from error
    except Exception as error:  # botocore, aiohttp, paramiko, ... each have their own
        mend = "check the space and the connection" if kind is OutputError else "check the name and the connection"
        raise kind(f"{place} {what} ({_reason(error)}): {mend}.") from error


def _class_of(scheme: str) -> Any:
    try:
        from fsspec import get_filesystem_class
    except ImportError as error:
        raise MissingDependencyError(f"URLs need fsspec, which is not installed: {install_line('bulk')}") from error
    try:
        return get_filesystem_class(scheme)
    except ValueError:
        raise InputError(
            f"The scheme {scheme}:// is not known: give paths, s3://, gs:// or another scheme of fsspec."
        ) from None
    except ImportError as error:
        library = _LIBRARIES.get(scheme)
        mend = f"pip install {library}" if library else _reason(error)
        raise MissingDependencyError(
            f"{scheme}:// needs {library or 'a library'}, which is not installed: {mend}"
        ) from error


def _stamp(info: Mapping[str, Any]) -> Stamp | None:
    """None where a list says no size, and for folders."""
    if info.get("type") == "directory" or not isinstance(info.get("size"), int):
        return None
    version = next((info[key] for key in _VERSIONS if info.get(key) is not None), "")
    if isinstance(version, datetime):
        version = version.timestamp()
    return Stamp(info["size"], str(version))


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split()).rstrip(".")
