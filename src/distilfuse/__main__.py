"""``python -m distilfuse`` is the ``distilfuse`` command."""

from __future__ import annotations

from distilfuse.cli.main import main

if __name__ == "__main__":
    main()
