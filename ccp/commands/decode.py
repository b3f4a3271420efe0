"""`ccp decode`: what a message is, and whether its signature holds."""

from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click

from ccp.commands.output import json_option, json_text, say
from ccp.commands.quiet import warnings_to_stderr
from ccp.inspection import NoMessage, inspect_message, read_messages, render_text
from ccp.inspection.inputs import MOST_BYTES
from ccp.trust.folder import Trust, load_trust


@click.command()
@click.argument("file", type=click.File("rb"), default="-")
@click.option(
    "--trust",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="DIR",
    help="Judge the chains by the anchors in DIR, which is as that of CCP_TRUST_DIR.",
)
@json_option
def decode(file: BinaryIO, folder: Path | None, as_json: bool) -> None:
    """
    Tell all of a message, and whether its signature holds.

    FILE, or standard input, has a CertificateInstallationReq or -Res of either edition: its bytes,
    base64, or JSON of the API with one or several in it. No pool and no setting is needed.

    The exit status is 1 where a message cannot be read, or something of it does not hold.
    """
    at = datetime.now(UTC)
    with warnings_to_stderr():
        trust = _load_trust(folder, at)
        try:
            messages = read_messages(file.read(MOST_BYTES + 1))
        except (NoMessage, OSError) as error:
            raise click.ClickException(f"There is no message: {error}.") from None
        inspections = [inspect_message(exi, at=at, trust=trust) for exi in messages]
    holds = all(inspection.holds for inspection in inspections)
    if as_json:
        found = {"holds": holds, "messages": inspections}
        click.echo(json_text(found, indent=True).encode())
    else:
        for number, inspection in enumerate(inspections):
            say(*[""] if number else [], *render_text(inspection))
    if not holds:
        raise SystemExit(1)


def _load_trust(folder: Path | None, at: datetime) -> Trust | None:
    if folder is None:
        return None
    try:
        trust = load_trust(folder, at=at)
    except OSError as error:
        raise click.UsageError(f"{error.filename} cannot be read: {error.strerror}") from None
    if not any(anchors.configured for anchors in (trust.v2g, trust.emsp, trust.oem)):
        raise click.UsageError(f"There are no anchors in {folder}: no files in v2g, emsp or oem.")
    return trust
