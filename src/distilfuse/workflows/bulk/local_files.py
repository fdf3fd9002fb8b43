"""Files on this machine, or on a file system that is mounted on it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from stat import S_ISREG

from distilfuse.errors import InputError, OutputError
from distilfuse.imaging.writing import write_bytes
from distilfuse.workflows.bulk.files import Stamp


class LocalFiles:
    """See :class:`distilfuse.workflows.bulk.files.Files`; needs no library."""

    def read(self, place: str) -> bytes:
        """See there."""
        try:
            return Path(place).read_bytes()
        except FileNotFoundError:
            raise InputError(f"{place} does not exist: check the name.") from None
        except IsADirectoryError:
            raise InputError(f"{place} is a folder where a file is needed: name a file in it.") from None
        except OSError as error:
            raise InputError(f"{place} cannot be read ({error.strerror}): check the file.") from error

    def write(self, place: str, content: bytes) -> None:
        """See there."""
        path = Path(place)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"The folder {path.parent} cannot be made ({error.strerror}): name another output."
            ) from error
        write_bytes(path, content)

    def stamp(self, place: str) -> Stamp | None:
        """See there."""
        try:
            stat = Path(place).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise InputError(f"{place} cannot be read ({error.strerror}): check the file.") from error
        return Stamp(stat.st_size, str(stat.st_mtime_ns)) if S_ISREG(stat.st_mode) else None

    def stamps(self, places: Iterable[str]) -> dict[str, Stamp]:
        """See there."""
        return {place: stamp for place in places if (stamp := self.stamp(place)) is not None}

    def find(self, folder: str) -> list[str]:
        """See there."""
        try:
            paths = [path for path in Path(folder).rglob("*") if path.is_file()]
        except OSError as error:
            raise InputError(f"{folder} cannot be read ({error.strerror}): check the folder.") from error
        return sorted(f"{folder}/{path.relative_to(folder).as_posix()}" for path in paths)

    def remove(self, place: str) -> None:
        """See there."""
        path = Path(place)
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except FileNotFoundError:  # somebody else was faster
            return
        except OSError as error:
            raise OutputError(f"{place} cannot be removed ({error.strerror}): check the folder.") from error
