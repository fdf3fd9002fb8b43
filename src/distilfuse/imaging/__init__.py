"""Pictures: reading, writing, value ranges, colour, geometry, pairs by name."""

from __future__ import annotations
