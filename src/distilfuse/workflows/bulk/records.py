"""What became of a pair, as one line of JSON."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

from distilfuse.workflows.bulk.files import Stamp


@dataclass(frozen=True, slots=True)
class Source:
    """A picture as it was when it was read."""

    place: str
    stamp: Stamp | None
    """None where there was no file, or where its server says no size: then it is taken to be as it was."""
    digest: str = ""
    """BLAKE2 of the content, see :func:`content_digest`; empty where it could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Of one pair."""

    name: str
    """See :attr:`distilfuse.workflows.bulk.manifest.BulkPair.name`."""
    state: Literal["fused", "failed"]
    visible: Source
    infrared: Source
    settings: str
    """A digest of the model and of all that is done to pictures."""
    output: str
    """In full."""
    size: int = 0
    """Of the output, in bytes."""
    digest: str = ""
    """Of the output, as of sources."""
    picture: str = ""
    """``WIDTHxHEIGHT`` of the fused picture."""
    seconds: float = 0.0
    """In the Fuser, without reading and writing."""
    warnings: tuple[str, ...] = ()
    error: str = ""
    kept: bool = False
    """The pictures had been touched, but held what they had held, and so the output stayed."""
    finished: float = 0.0
    """Seconds since 1970."""
    worker: str = ""
    """``HOST:PROCESS``."""

    def to_line(self) -> str:
        """One line of JSON, without its end."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @classmethod
    def from_line(cls, line: str) -> Record:
        """Of :meth:`to_line`.

        Raises:
            ValueError: it is no such line, for instance one that was cut short.
        """
        try:
            values = json.loads(line)
            visible, infrared = (_source(values.pop(role)) for role in ("visible", "infrared"))
            return cls(visible=visible, infrared=infrared, warnings=tuple(values.pop("warnings")), **values)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a record: {error}") from None


def content_digest(content: bytes) -> str:
    """BLAKE2 with 16 bytes, as :func:`distilfuse.workflows.ledger.digest_of_file` of the same content."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _source(values: dict[str, Any]) -> Source:
    stamp = values["stamp"]
    return Source(values["place"], Stamp(*stamp) if stamp else None, values["digest"])
