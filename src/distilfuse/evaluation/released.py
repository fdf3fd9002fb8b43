"""Released models as methods to compare."""

from __future__ import annotations

from distilfuse.evaluation.methods import OnTheFly
from distilfuse.fuser import Fuser


def model(name: str, *, backend: str, threads: int | None) -> OnTheFly:
    """A model of the zoo, or the path of a record of your own, named as in the record.

    Raises:
        ModelError: there is no such model.
        ConfigError: an unknown backend or a wrong number of threads.
        MissingDependencyError: the backend is not installed.
    """
    fuser = Fuser.from_pretrained(name, backend=backend, threads=threads)
    return OnTheFly(fuser.record.name, fuser)
