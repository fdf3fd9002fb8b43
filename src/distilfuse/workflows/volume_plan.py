"""What is to be done with two volumes, and whether it can be: found out before any work."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from distilfuse.errors import ConfigError, InputError, OutputError
from distilfuse.evaluation.extras import need
from distilfuse.imaging.volumes.nifti import SUFFIXES, is_nifti
from distilfuse.imaging.volumes.palettes import PALETTES
from distilfuse.imaging.volumes.slices import PLANES
from distilfuse.imaging.volumes.windows import Window

_OURS = re.compile(r"(axial|coronal|sagittal)-\d{3,}\.png|mip-(axial|coronal|sagittal)\.png|fused-\d{4,}\.dcm")
"""Files that this module writes into folders, which alone --overwrite may replace."""


@dataclass(frozen=True, kw_only=True)
class VolumePlan:
    """What will be fused, how it is shown, and where to."""

    functional: Path
    """PET, SPECT or CT: a NIfTI file, the folder of a DICOM series, or one of its files."""
    anatomical: Path
    """MRI, likewise; its grid is the result's."""
    output: Path
    """A NIfTI file, or a folder for a DICOM series."""
    png: Path | None = None
    """A folder for pictures of the slices."""
    mip: bool = False
    """Write maximum-intensity projections, into ``png`` or beside ``output``."""
    window: Window | None = None
    """Of the functional volume; None: by its modality."""
    anatomical_window: Window | None = None
    palette: str | None = None
    """One of :data:`distilfuse.imaging.volumes.palettes.PALETTES`; None: grey for CT, else hot."""

    @property
    def mip_files(self) -> dict[str, Path]:
        """Name of the plane -> where its projection goes, if no folder of pictures is written."""
        if not self.mip or self.png is not None:
            return {}
        stem = re.sub(r"\.nii(\.gz)?$", "", self.output.name, flags=re.IGNORECASE)
        return {plane.name: self.output.with_name(f"{stem}-mip-{plane.name}.png") for plane in PLANES}

    @property
    def targets(self) -> list[Path]:
        """All that is written: the output, the folder of pictures if there is one, the projections if beside."""
        return [self.output, *([self.png] if self.png else []), *self.mip_files.values()]


def check_plan(plan: VolumePlan, *, overwrite: bool = False) -> None:
    """Find out what can be found out before any work; nothing is written.

    Args:
        plan: what is wanted.
        overwrite: existing files may be replaced, and folders that hold nothing but results of an earlier run.

    Raises:
        MissingDependencyError: a package of the extra ``medical`` is not installed.
        InputError: an input is missing.
        ConfigError: an unknown palette.
        OutputError: an output cannot be written, exists, is an input, or is named twice.
    """
    need("medical", "nibabel", "pydicom", "scipy")
    for path in (plan.functional, plan.anatomical):
        if not path.exists():
            raise InputError(f"{path} does not exist: check the name.")
    if plan.palette not in (None, *PALETTES):
        raise ConfigError(f"There is no palette {plan.palette!r}: choose {', '.join(PALETTES)}.")
    if not is_nifti(plan.output):
        if plan.output.suffix and not plan.output.is_dir():
            raise OutputError(
                f"{plan.output} ends neither in {' nor in '.join(SUFFIXES)}, nor is it a folder's name without a "
                "suffix: name one of them."
            )
        if is_nifti(plan.anatomical):
            raise OutputError(
                f"{plan.output} cannot be a DICOM series, because {plan.anatomical} has no patient and study to put it "
                f"into: name a file such as {plan.output}.nii.gz."
            )
    resolved = [target.resolve() for target in plan.targets]
    if len(set(resolved)) < len(resolved):
        raise OutputError(f"{plan.output} is named twice: give the pictures a folder of their own.")
    for target in plan.targets:
        if target.resolve() in (plan.functional.resolve(), plan.anatomical.resolve()):
            raise OutputError(f"{target} is one of the volumes to be fused: name another output.")
        _check_target(
            target, folder=target == plan.png or (target == plan.output and not is_nifti(target)), overwrite=overwrite
        )


def _check_target(path: Path, *, folder: bool, overwrite: bool) -> None:
    if not path.parent.is_dir():
        kind = "is not a folder" if path.parent.exists() else "does not exist"
        raise OutputError(f"{path} cannot be written because {path.parent} {kind}: make it or name another.")
    if not path.exists():
        return
    if path.is_dir() != folder:
        raise OutputError(f"{path} cannot be written because a {'file' if folder else 'folder'} has that name.")
    held = sorted(entry.name for entry in path.iterdir()) if folder else [path.name]
    if not held:
        return
    if not overwrite:
        raise OutputError(f"{path} exists: add --overwrite (overwrite=True) to replace it.")
    if folder and (others := [name for name in held if not _OURS.fullmatch(name)]):
        raise OutputError(f"{path} holds files that are no fused slices (such as {others[0]}): name another folder.")
