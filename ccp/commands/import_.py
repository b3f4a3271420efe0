"""`ccp import`: contracts from JSON lines, each checked as a PUT is."""

import os
import sys
from collections import Counter
from logging.config import dictConfig
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click
import orjson
import structlog

from ccp.commands.database import pool_store
from ccp.commands.output import is_watched, json_option, say, tell
from ccp.config.settings import server_settings
from ccp.domain.errors import BadRequest
from ccp.observability.log import configure_logging

if TYPE_CHECKING:
    from ccp.commands.importing import Importer


@click.command("import")
@click.argument("file", type=click.File("rb"), default="-")
@click.option(
    "--refused",
    "report",
    type=click.File("wb", lazy=True),
    metavar="FILE",
    help="Write what is refused to this file: a JSON object a line, with `line`, its number, and"
    " `errorMessages`.",
)
@json_option
def import_(file: BinaryIO, report: BinaryIO | None, as_json: bool) -> None:
    """
    Put contracts into the pool: JSON lines from FILE, or from standard input.

    A line is SignedContractDataV1 of the API, as `ccp export` writes it; one with
    `"defaultContract": true` becomes what its car installs first, and where no line has such a
    member, the first contract of a car does. Each is checked as a PUT to this pool is, by the
    settings of the environment, and is on disk before the next one. What is stored already, byte
    for byte, is passed over: an import that was interrupted goes on where it was when it is called
    again. The pool may be running.

    The exit status is 1 if anything was refused.
    """
    # Imported only now: they take half a second, and `--help` needs none of them.
    from ccp.app import make_services, utc_now
    from ccp.clients.clients import Clients
    from ccp.commands.importing import Importer

    if report is not None and Path(report.name).resolve() == Path(file.name).resolve():
        raise click.UsageError("What is refused cannot be written to the file that is read.")
    outcomes: Counter[str] = Counter()
    with pool_store(may_be_new=True) as store:
        settings = server_settings()
        dictConfig(configure_logging(settings))
        importer = Importer(make_services(settings, store, utc_now, Clients()))
        try:
            _import(importer, file, report, outcomes)
        finally:
            counts = {name: outcomes[name] for name in ("stored", "there", "refused")}
            text = "{stored} stored, {there} were there already, {refused} refused."
            tell(text.format(**counts), as_json=as_json, **counts)
    if outcomes["refused"]:
        raise SystemExit(1)


def _import(
    importer: "Importer", file: BinaryIO, report: BinaryIO | None, outcomes: Counter[str]
) -> None:
    from ccp.commands.importing import lines_of

    size = os.fstat(file.fileno()).st_size if file.seekable() else 0
    with click.progressbar(
        length=size, label="Importing", file=sys.stderr, hidden=not is_watched()
    ) as bar:
        for number, line in enumerate(lines_of(file), start=1):
            if line:
                with structlog.contextvars.bound_contextvars(line=number):
                    outcomes[_put(importer, line, number, report)] += 1
            if size:
                bar.update(file.tell() - bar.pos)


def _put(importer: "Importer", line: bytes, number: int, report: BinaryIO | None) -> str:
    try:
        return "stored" if importer.put(line) else "there"
    except BadRequest as error:
        say(f"Line {number}: {' '.join(error.messages)}", err=True)
        if report is not None:
            report.write(orjson.dumps({"line": number, "errorMessages": error.messages}) + b"\n")
        return "refused"
