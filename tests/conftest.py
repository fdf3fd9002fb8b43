"""What every test may use; keep it small."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

# Before torch is loaded for the first time: results and times should not depend on how many cores there are.
os.environ.setdefault("OMP_NUM_THREADS", "2")

# Neither read nor change what the user of this machine has in the cache; the variable is for child processes, too.
CACHE = TemporaryDirectory(prefix="distilfuse-cache-")
os.environ["DISTILFUSE_CACHE"] = CACHE.name

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def project() -> Path:
    """The top folder of the checkout."""
    return PROJECT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real picture pairs, which are never part of the project."""
    folder = PROJECT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real picture pairs (../shared/data) are not on this machine")
    return folder
