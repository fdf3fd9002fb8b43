"""Files of thermal cameras in, a fused picture each out, and the temperatures beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from distilfuse.errors import DistilfuseError, InputError, OutputError
from distilfuse.fuser import Fuser
from distilfuse.imaging.pairs import list_pictures
from distilfuse.imaging.writing import check_target
from distilfuse.workflows.camera_pair import Pairing, read_camera_pair
from distilfuse.workflows.camera_results import SIDECARS, WITH_EXIF, Sidecar, write_results
from distilfuse.workflows.files import refuse_inputs
from distilfuse.workflows.folders import some
from distilfuse.workflows.remarks import hearing, remarks

_JPEG = (".jpg", ".jpeg")


@dataclass(frozen=True)
class CameraJob:
    """One file of a camera, and where to."""

    source: Path
    output: Path
    sidecar: Path | None
    """For the temperatures; None where they are not wanted."""

    @property
    def targets(self) -> tuple[Path, ...]:
        """All that will be written."""
        return (self.output,) if self.sidecar is None else (self.output, self.sidecar)


@dataclass(frozen=True)
class CameraOutcome:
    """What became of a file."""

    job: CameraJob
    size: str = ""
    """``WIDTHxHEIGHT`` of the fused picture."""
    limits: tuple[float, float] | None = None
    """Degrees Celsius that became black and white; None where there are no temperatures."""
    seconds: float = 0.0
    """In the Fuser, without reading and writing."""
    warnings: tuple[str, ...] = ()
    error: DistilfuseError | None = None


def plan_camera(
    sources: Sequence[Path],
    output: Path,
    *,
    pairing: Pairing = Pairing(),
    sidecar: Sidecar = "tiff",
    folder: bool = False,
    overwrite: bool = False,
) -> list[CameraJob]:
    """Decide what is read and written, and find out what can be found out before any work; nothing is written.

    Args:
        sources: JPEG files, and folders of which every JPEG file is taken.
        output: for one file a file to write or a folder that exists, else a folder, made later if it is missing.
        pairing: what is fused with what.
        sidecar: the kind of file for the temperatures.
        folder: ``output`` is a folder for one file, too, made later if it is missing.
        overwrite: existing files may be replaced (never one of the inputs).

    Raises:
        InputError: a source is missing, a folder without JPEG files, two sources of one name, or a visible picture
            given with several sources.
        OutputError: an output cannot be written; see :func:`distilfuse.imaging.writing.check_target`.
    """
    files = [file for source in sources for file in _files_of(source)]
    alone = len(sources) == 1 and not sources[0].is_dir()
    if pairing.visible is not None:
        if not alone:
            raise InputError("A visible picture of its own (--visible) belongs to one file: give one file at a time.")
        if not pairing.visible.exists():
            raise InputError(f"{pairing.visible} does not exist: check the name.")
    kind = "none" if pairing.palette else sidecar
    if alone and not folder and not output.is_dir():
        if not output.suffix:
            raise OutputError(
                f"{output} is neither a folder that exists nor a file name such as {output}.jpg: write {output}/ for a "
                "new folder."
            )
        jobs = [_job(files[0], output, kind)]
        check_target(output, overwrite=overwrite)
        if output.suffix.lower() not in WITH_EXIF:
            raise OutputError(
                f"{output} cannot be written with what the camera wrote about it (EXIF): choose {', '.join(WITH_EXIF)}."
            )
    else:
        _check_folder(output)
        jobs = [_job(file, output / f"{file.stem}.jpg", kind) for file in files]
        _check_names(jobs)
    inputs = tuple(files) + (() if pairing.visible is None else (pairing.visible,))
    for job in jobs:
        for target in job.targets:
            refuse_inputs(target, inputs)
    taken = [target.name for job in jobs for target in job.targets if target.exists()]
    if taken and not overwrite:
        exist = "exists" if len(taken) == 1 else "exist"
        raise OutputError(
            f"{some(taken)} {exist} in {jobs[0].output.parent}: add --overwrite to replace, or name another."
        )
    return jobs


def fuse_camera_files(
    fuser: Fuser, jobs: Sequence[CameraJob], *, pairing: Pairing = Pairing(), overwrite: bool = False
) -> Iterator[CameraOutcome]:
    """Fuse file after file; an outcome for each, with its error where it failed.

    Raises:
        OutputError: the folder to write to cannot be made.
    """
    folder = jobs[0].output.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {folder} cannot be made ({error.strerror}): name another output.") from error
    for job in jobs:
        try:
            with hearing():
                outcome = _fuse_one(fuser, job, pairing, overwrite=overwrite)
        except DistilfuseError as error:
            outcome = CameraOutcome(job, error=error)
        except MemoryError:
            outcome = CameraOutcome(job, error=InputError(f"{job.source} is too large for the free memory."))
        yield outcome


def _fuse_one(fuser: Fuser, job: CameraJob, pairing: Pairing, *, overwrite: bool) -> CameraOutcome:
    with remarks() as said:
        pair = read_camera_pair(job.source, pairing)
        fused, seconds = pair.fuse(fuser)
        write_results(job.output, job.sidecar, fused, pair, overwrite=overwrite)
    height, width = fused.shape[:2]
    # Many sentences name the file themselves; those about its values do not know it.
    named = tuple(text if str(job.source) in text else f"{job.source.name}: {text}" for text in said)
    return CameraOutcome(job, f"{width}x{height}", pair.limits, seconds, named)


def _files_of(source: Path) -> list[Path]:
    if not source.is_dir():
        if not source.exists():
            raise InputError(f"{source} does not exist: check the name.")
        return [source]
    files = [path for path in list_pictures(source) if path.suffix.lower() in _JPEG]
    if not files:
        raise InputError(f"{source} holds no JPEG files ({', '.join(_JPEG)}): name another folder.")
    return files


def _job(source: Path, output: Path, sidecar: Sidecar) -> CameraJob:
    suffix = SIDECARS[sidecar]
    return CameraJob(source, output, output.with_name(f"{output.stem}_temperature{suffix}") if suffix else None)


def _check_folder(output: Path) -> None:
    for folder in (output, *output.parents):
        if folder.exists():
            if not folder.is_dir():
                raise OutputError(f"{output} cannot be a folder because {folder} is a file: name another output.")
            return


def _check_names(jobs: Sequence[CameraJob]) -> None:
    sources: dict[str, Path] = {}
    for job in jobs:
        for target in job.targets:
            name = target.name.casefold()  # some file systems do not tell letter cases apart
            if name in sources:
                raise InputError(f"{sources[name]} and {job.source} would both become {target}: fuse them one by one.")
            sources[name] = job.source
