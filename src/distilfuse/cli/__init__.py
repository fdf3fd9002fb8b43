"""The command line: one module a command, heavy imports inside it."""

from __future__ import annotations
