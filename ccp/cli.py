"""The command line: `ccp workshop …` makes test material and plays CPS and car."""

import base64
import binascii
import io
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ccp.identifiers import Emaid, Pcid, parse_session_id
from ccp.token_command import token
from ccp.workshop import (
    CONTRACT_FAULTS,
    REQUEST_FAULTS,
    AnswerRefused,
    Fault,
    WorkshopError,
    draft_contract,
    draft_request,
    install,
    make_car,
    make_contract,
    make_pki,
)
from ccp.workshop.folder import Folder
from ccp.workshop.narrator import Outcome, play
from ccp.workshop.pki import V2G_ROOTS
from ccp.workshop.story import EMAID, PCID, STORY

_LONGEST_EMAID = 15  # of ISO 15118-2


class _Commands(click.Group):
    """Commands in the order of a story, whose errors are one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (WorkshopError, OSError) as error:
            raise click.ClickException(str(error)) from None


def _parsed_by(parse: Callable[[str], Any], problem: str) -> Callable[..., Any]:
    """The callback of an option whose text *parse* reads; what it cannot read has a *problem*."""

    def callback(_ctx: click.Context, _param: click.Parameter, text: str | None) -> Any:
        try:
            return None if text is None else parse(text)
        except (ValueError, LookupError):
            raise click.BadParameter(f"{text!r} {problem}") from None

    return callback


def _parse_emaid(text: str) -> str:
    emaid = Emaid.parse(text).text
    if len(emaid) > _LONGEST_EMAID:
        raise ValueError
    return emaid


def _fault_of(faults: Mapping[str, Fault[Any]]) -> Callable[..., Any]:
    return click.option(
        "--fault",
        metavar="NAME",
        callback=_parsed_by(
            faults.__getitem__, "is none of the faults that `ccp workshop faults` lists"
        ),
        help="Make it wrong; see `ccp workshop faults`.",
    )


_folder = click.option(
    "-f",
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default="workshop",
    show_default=True,
    help="The workshop's folder.",
)
_emaid = click.option(
    "--emaid",
    callback=_parsed_by(_parse_emaid, "is not an EMAID of 14 or 15 characters"),
    default=EMAID,
    show_default=True,
    help="The contract.",
)
_pcid = click.option(
    "--pcid",
    callback=_parsed_by(
        lambda text: Pcid.parse(text).key, "is not a PCID of 17 or 18 letters and digits"
    ),
    default=PCID,
    show_default=True,
    help="The car.",
)
_output = click.option(
    "-o",
    "--output",
    type=click.File("w", lazy=True),
    default="-",
    help="Where to write it; standard output by default.",
)


@click.group()
@click.version_option(package_name="ccp")
def cli() -> None:
    """The Contract Certificate Pool's tools."""


cli.add_command(token)


@cli.group(cls=_Commands)
def workshop() -> None:
    """
    Make test material for a pool, and play CPS and car.

    A first round, with a pool started by
    `CCP_TRUST_DIR=workshop/trust make run`:

    \b
      ccp workshop pki
      ccp workshop car
      ccp workshop contract > put.json   # then PUT it into the pool
      ccp workshop request > post.json   # then POST it
      ccp workshop install answer.json

    All of it is for tests: the keys are in files, and vouch for nothing.
    """


@workshop.command()
@_folder
def pki(folder: Path) -> None:
    """
    Make a test PKI in a new folder.

    V2G roots A and B with a CPS each, an eMSP, an OEM; two sub-CAs in every chain.
    """
    Folder(folder).save_pki(make_pki(at=_now()))
    click.echo(f"Made the PKI. A pool trusts it with CCP_TRUST_DIR={folder / 'trust'}")


@workshop.command()
@_folder
@_pcid
def car(folder: Path, pcid: str) -> None:
    """Make a car: the OEM issues its provisioning certificate."""
    workshop = Folder(folder)
    path = workshop.save_car(pcid, make_car(workshop.load_pki().oem, pcid, at=_now()))
    click.echo(f"Made the car {pcid} in {path}")


@workshop.command()
@_folder
@_emaid
@_pcid
@click.option(
    "--root",
    type=click.Choice(V2G_ROOTS),
    default="A",
    show_default=True,
    help="The V2G root whose CPS signs.",
)
@_fault_of(CONTRACT_FAULTS)
@_output
def contract(
    folder: Path, emaid: str, pcid: str, root: str, fault: Fault[Any] | None, output: Any
) -> None:
    """
    Make a signed contract for a car: the body of PUT /signedcontractdata.

    The eMSP issues the contract certificate, once for each EMAID; the CPS encrypts its key for the
    car and signs.
    """
    workshop = Folder(folder)
    pki, now = workshop.load_pki(), _now()
    car = workshop.load_car(pcid, pki)
    chain = workshop.find_contract(emaid, pki)
    if chain is None:
        chain = make_contract(pki.emsp, emaid, at=now)
        workshop.save_contract(emaid, chain)
    draft = draft_contract(pki, emaid, car.leaf.certificate, at=now, root=root, contract=chain)
    _write(output, (fault.spoil(draft) if fault else draft).put_body())


@workshop.command()
@_folder
@_pcid
@click.option(
    "--root",
    "roots",
    type=click.Choice(V2G_ROOTS),
    multiple=True,
    default=["A"],
    show_default=True,
    help="A V2G root that the car has installed; may be given twice.",
)
@click.option(
    "--session-id",
    metavar="HEX",
    callback=_parsed_by(parse_session_id, "is not 1 to 8 bytes in hex"),
    help="The charging session's; drawn by default.",
)
@_fault_of(REQUEST_FAULTS)
@_output
def request(
    folder: Path,
    pcid: str,
    roots: tuple[str, ...],
    session_id: bytes | None,
    fault: Fault[Any] | None,
    output: Any,
) -> None:
    """Make a car's signed request: the body of POST /signedcontractdata."""
    workshop = Folder(folder)
    pki = workshop.load_pki()
    draft = draft_request(
        workshop.load_car(pcid, pki),
        [pki.v2g_root(letter).certificate for letter in roots],
        at=_now(),
        session_id=session_id,
    )
    workshop.save_session(pcid, draft.session_id, roots)
    _write(output, (fault.spoil(draft) if fault else draft).post_body())


@workshop.command(name="install")
@_folder
@_pcid
@click.argument("answer", type=click.File("rb"), default="-")
def install_command(folder: Path, pcid: str, answer: Any) -> None:
    """
    Check a pool's ANSWER as the car does, and install the contract.

    ANSWER is what the pool answered to the car's last request; standard input by default.
    """
    answered = answer.read()  # first: in a pipe the request is made only now
    workshop = Folder(folder)
    pki = workshop.load_pki()
    car = workshop.load_car(pcid, pki)
    session_id, roots = workshop.load_session(pcid)
    console = Console(highlight=False, soft_wrap=True)
    try:
        installed = install(
            _exi_of(answered),
            car=car.leaf,
            session_id=session_id,
            roots=[pki.v2g_root(letter).certificate for letter in roots],
            at=_now(),
            note=lambda text: console.print(Text.assemble(("✓ ", "green"), text)),
        )
    except AnswerRefused as error:
        console.print(Text.assemble(("✗ ", "red"), str(error)))
        raise click.ClickException("The car installs nothing.") from None
    path = workshop.save_installed(pcid, installed)
    click.echo(f"Installed in {path}")


@workshop.command()
def faults() -> None:
    """List what can be made wrong, and what a strict pool says of it."""
    console = Console(highlight=False)
    for command, kinds in (("contract", CONTRACT_FAULTS), ("request", REQUEST_FAULTS)):
        table = Table(title=f"ccp workshop {command} --fault …", box=None, title_justify="left")
        for heading in ("name", "what is wrong", "what the pool says"):
            table.add_column(heading, no_wrap=heading == "name")
        for fault in kinds.values():
            table.add_row(f"[bold]{fault.name}[/]", fault.meaning, fault.error.message)
        console.print(table)
        console.print()


@workshop.command()
def demo() -> None:
    """
    Play the story of a contract against a strict pool.

    The pool is started from the checkout that this is run in, on a scratch database. Every step
    shows the command that does the same by hand.
    """
    play(STORY, Console(highlight=False), checkout=Path.cwd(), run_ccp=_run)


def _run(arguments: Sequence[str]) -> Outcome:
    """Run one of these commands in this process: a story has many, and each start takes a while."""
    status = 0
    with io.StringIO() as written, redirect_stdout(written), redirect_stderr(written):
        try:
            cli.main(arguments, standalone_mode=False)
        except click.ClickException as error:
            error.show()
            status = error.exit_code
        return Outcome(status, written.getvalue().encode())


def _now() -> datetime:
    return datetime.now(UTC)


def _write(output: Any, body: Mapping[str, str]) -> None:
    output.write(json.dumps(body, indent=2) + "\n")


def _exi_of(answer: bytes) -> bytes:
    """The message for the car, out of what the pool answered."""
    try:
        item = json.loads(answer)["signedContractDataCollection"][0]
        return base64.b64decode(item["certificateInstallationRes"], validate=True)
    except (ValueError, LookupError, TypeError, binascii.Error):
        raise WorkshopError("there is no message for a car in this answer") from None


if __name__ == "__main__":
    cli()
