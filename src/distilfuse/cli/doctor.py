"""``distilfuse doctor``: what is installed, and whether it works."""

from __future__ import annotations

import typer


def doctor() -> None:
    """Check the installation: versions, extras, CPU, backends, model files, and a self-test.

    Exit status: 0 all well, 1 something is broken.
    """
    from distilfuse.workflows.checkup import check_up

    broken = 0
    for finding in check_up():
        broken += not finding.well
        mark, colour = ("ok", typer.colors.GREEN) if finding.well else ("BROKEN", typer.colors.RED)
        typer.echo(f"{typer.style(f'{mark:6}', fg=colour)} {finding.subject:20} {finding.detail}")
    if broken:
        typer.secho(f"{broken} broken: pip install --force-reinstall distilfuse", fg=typer.colors.RED, err=True)
        raise typer.Exit(1)
