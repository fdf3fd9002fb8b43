"""What language models are asked: a text file a task."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources

from distilfuse.errors import ConfigError

TASKS = ("ivif", "medical")


@dataclass(frozen=True)
class Prompt:
    """A request that goes with two pictures, A and B in this order."""

    text: str
    hash: str
    """First 16 hexadecimal digits of the SHA-256 of ``text`` in UTF-8: names the prompt in stores."""


def load_prompt(task: str) -> Prompt:
    """The prompt of a task.

    Args:
        task: ``ivif`` (visible and infrared) or ``medical`` (CT, PET or SPECT, and MRI).

    Raises:
        ConfigError: another task.
    """
    if task not in TASKS:
        raise ConfigError(f"There is no prompt for {task!r}: choose from {', '.join(TASKS)}.")
    # Line ends as in the repository, whatever a checkout on Windows made of them: the hash must not depend on it.
    text = resources.files(__name__).joinpath(f"{task}.txt").read_text("utf-8").replace("\r\n", "\n")
    return Prompt(text, hashlib.sha256(text.encode()).hexdigest()[:16])
