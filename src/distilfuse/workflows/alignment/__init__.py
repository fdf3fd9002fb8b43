"""Alignment of camera pairs: where the infrared camera's pixels lie on the visible camera's, found once, used often."""

from __future__ import annotations
