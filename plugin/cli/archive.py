"""Commands that save the state and bring it back."""

import os
import sys
import tempfile
from pathlib import Path
from typing import IO

import click

from plugin.bootstrap.offline import nobody_runs
from plugin.cli import place
from plugin.cli.output import json_option, show_json
from plugin.errors import StoreError
from plugin.operator.archive import backup as write_backup
from plugin.operator.archive import restore as read_backup
from plugin.operator.archive import sync_one


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@json_option
def backup(file: Path, *, as_json: bool) -> None:
    """Save the state in FILE, while pynet runs or not.  - is standard output."""
    state = place.config().state
    if str(file) == "-":
        if as_json:
            raise click.UsageError("standard output cannot have both the backup and JSON")
        write_backup(state, sys.stdout.buffer)
        return
    _write(state, file)
    if as_json:
        show_json({"state": str(state), "file": str(file)})
    else:
        click.echo(f"saved {state} in {file}")


@click.command()
@click.argument("file", type=click.File("rb"))
@json_option
def restore(file: IO[bytes], *, as_json: bool) -> None:
    """Put what FILE has in the place of the state.  pynet must be stopped."""
    state = place.config().state
    with nobody_runs():
        aside = read_backup(file, state)
    if as_json:
        show_json({"state": str(state), "replaced": str(aside)})
    else:
        click.echo(f"restored {state}; what was there is in {aside}")


def _write(state: Path, file: Path) -> None:
    """Write the file whole or not at all, readable by this user alone."""
    try:
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
        draft = Path(name)  # of mode 0600
        try:
            with os.fdopen(descriptor, "wb") as out:
                write_backup(state, out)
                out.flush()
                os.fsync(out.fileno())
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
        sync_one(file.parent)
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror or error}") from error
