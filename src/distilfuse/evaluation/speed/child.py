"""What has to be measured in a process of its own: ``python -m distilfuse.evaluation.speed.child JSON``.

``{"peaks": threads}`` prints the machine's peaks, ``{"memory": case}`` the peak memory of fusing one pair.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np

_SIDE = 2048
_BYTES = 256 << 20
_ROUNDS = 7


def peaks(threads: int) -> dict[str, float]:
    """The best of several rounds of a matrix product and of a copy."""
    rng = np.random.default_rng(0)
    first, second = (rng.random((_SIDE, _SIDE), np.float32) for _ in range(2))
    product = np.empty_like(first)
    fastest = _least(lambda: np.matmul(first, second, out=product))
    source, target = np.zeros(_BYTES, np.uint8), np.zeros(_BYTES, np.uint8)
    parts = list(zip(np.array_split(source, threads), np.array_split(target, threads), strict=True))
    with ThreadPoolExecutor(threads) as pool:
        copied = _least(lambda: list(pool.map(lambda pair: np.copyto(pair[1], pair[0]), parts)))
    return {"gflops": 2 * _SIDE**3 / fastest / 1e9, "copy_gbs": 2 * _BYTES / copied / 1e9}


def _least(run: object) -> float:
    assert callable(run)
    best = float("inf")
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


def memory(case: dict[str, object]) -> dict[str, float]:
    """Largest resident size, in megabytes, of a process that fuses two pairs."""
    from distilfuse.evaluation.speed.cases import Case, open_runner

    runner = open_runner(Case(**case), {})  # type: ignore[arg-type]
    runner.run()
    runner.run()
    return {"peak_mb": _peak() / 1e6}


def _peak() -> int:
    """Bytes."""
    with suppress(OSError):
        # Not ru_maxrss, which on Linux begins with what the parent of this process had reached.
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    print(json.dumps(peaks(asked["peaks"]) if "peaks" in asked else memory(asked["memory"])))
