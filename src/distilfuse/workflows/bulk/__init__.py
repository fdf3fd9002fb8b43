"""A manifest of pairs, wherever the files lie, on one machine or on many."""

from __future__ import annotations
