"""`ccp export`: contracts as JSON lines, for another pool or for whoever reads them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from ccp.commands.database import pool_database
from ccp.commands.options import selecting, selection
from ccp.commands.output import is_watched, json_text
from ccp.schemas import SignedContractDataV1
from ccp.store.queries import count, select


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default="-")
@selecting
def export(file: Path, **options: Any) -> None:
    """
    Write contracts to FILE, which must not be there yet, or to standard output.

    A line has a contract with its message: SignedContractDataV1 of the API, and `defaultContract`,
    whether it is the one that its car installs first; `ccp import` takes them. They are in the
    order in which they were put. What was revoked and who wrote what is not there: for all of it
    there is `ccp backup`. The database is that of CCP_DATABASE_URL; the pool may be running.
    """
    shape = SignedContractDataV1()
    wanted = selection(**options)
    with (
        pool_database() as path,
        _written(file) as output,
        click.progressbar(
            select(path, wanted),
            length=count(path, wanted),
            label="Exporting",
            file=sys.stderr,
            hidden=not is_watched(),
        ) as records,
    ):
        for record in records:
            default = {"defaultContract": record.is_default}
            output.write(json_text(shape.dump(record) | default).encode() + b"\n")


@contextmanager
def _written(file: Path) -> Iterator[BinaryIO]:
    """Open a new file that its owner alone can read; it goes again where it cannot be finished."""
    if str(file) == "-":
        output = sys.stdout.buffer
        yield output
        output.flush()
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from None
    try:
        with os.fdopen(descriptor, "wb") as output:
            yield output
    except BaseException as error:
        file.unlink()
        if isinstance(error, OSError):
            raise click.FileError(str(file), error.strerror) from None
        raise
