"""Warnings of several threads at once, each kept with the work that it is about.

``warnings.catch_warnings`` alone cannot do that: what it changes is one for all threads.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from typing import TextIO

_ABOUT = local()


@contextmanager
def hearing() -> Iterator[None]:
    """While this stands, threads may use :func:`remarks`; one thread enters and leaves it."""
    with warnings.catch_warnings():
        # What is meant for users; those for developers stay as silent as they are.
        warnings.simplefilter("always", UserWarning)
        before = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            said: list[str] | None = getattr(_ABOUT, "said", None)
            if said is None:
                before(message, category, filename, lineno, file, line)
            elif str(message) not in said:
                said.append(str(message))

        warnings.showwarning = show
        try:
            yield
        finally:
            warnings.showwarning = before


@contextmanager
def remarks() -> Iterator[list[str]]:
    """What is warned of in this block, by this thread, each sentence once."""
    said: list[str] = []
    _ABOUT.said = said
    try:
        yield said
    finally:
        _ABOUT.said = None
