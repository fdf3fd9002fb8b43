"""The captions that come with distilfuse.

A multimodal language model looked at each pair of the sets that :mod:`distilfuse.datasets` lists and wrote them, the
infrared-visible ones about degradations, the medical ones about what a fusion should attend to. Medical wording is a
model's view, not a radiologist's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from types import MappingProxyType

from distilfuse.errors import ConfigError
from distilfuse.text.events import PairCaption
from distilfuse.text.store import from_line

TASKS = ("ivif", "medical")


@lru_cache(maxsize=2)
def packaged_captions(task: str) -> Mapping[str, PairCaption]:
    """Pair (``SET/STEM``) to its caption; pairs of training and test parts alike.

    Args:
        task: ``ivif`` or ``medical``.

    Raises:
        ConfigError: another task.
    """
    if task not in TASKS:
        raise ConfigError(f"There are no packaged captions for {task!r}: choose from {', '.join(TASKS)}.")
    text = resources.files(__name__).joinpath(f"{task}.jsonl").read_text("utf-8")
    lines = (line for line in text.split("\n") if line)
    captions = (from_line(line, f"Line {number} of {task}.jsonl") for number, line in enumerate(lines, start=1))
    return MappingProxyType({caption.pair: caption for caption in captions})
