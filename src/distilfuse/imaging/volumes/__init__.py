"""Medical volumes: NIfTI and DICOM in and out, geometry, resampling, windows, palettes, pictures of slices."""

from __future__ import annotations

NOTICE = "Research use only. Not for diagnosis, treatment or triage."
"""Said on the terminal and burnt into every picture of a slice."""

MOST_VOXELS = 1 << 30
"""Of the largest volume that is read. A small file may claim any size, and a voxel takes 4 bytes."""
