"""What people do all day, built on the Fuser: two files, two folders, the demo, a check-up."""

from __future__ import annotations
