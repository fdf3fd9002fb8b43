"""Video: pairs of frames from files, folders, cameras and streams, fused steadily, shown, and written with their sound.

A frame's way: a source (:mod:`~distilfuse.workflows.video.sources`) decodes in a thread of its own,
:mod:`~distilfuse.workflows.video.pairing` puts the two that are nearest in time together,
:mod:`~distilfuse.workflows.video.steadiness` fuses them, and :mod:`~distilfuse.workflows.video.writing` encodes.
"""

from __future__ import annotations
