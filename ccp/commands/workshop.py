"""`ccp workshop`: makes test material, plays CPS and car, and tells their story."""

import io
import json
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from cryptography import x509
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ccp.commands.groups import CommandGroup
from ccp.commands.output import say
from ccp.domain.printable import printable
from ccp.workshop import (
    CONTRACT_FAULTS,
    EDITIONS,
    REQUEST_FAULTS,
    AnswerRefused,
    Edition,
    Fault,
    WorkshopError,
    draft_contract,
    draft_request,
    install,
    make_car,
    make_contract,
    make_pki,
)
from ccp.workshop.demo_runner import Outcome, play
from ccp.workshop.demo_steps import STORY
from ccp.workshop.folder import Folder, save_pkis
from ccp.workshop.http import serve
from ccp.workshop.options import (
    edition_option,
    emaid_option,
    fault_option,
    folder_option,
    maximum_option,
    output_option,
    pcid_option,
    pki_url_option,
    prioritize_option,
    root_option,
    roots_option,
    session_id_option,
    time_unit_option,
)
from ccp.workshop.pki_service import make_server
from ccp.workshop.pool_answers import messages_of
from ccp.workshop.revocation import Revoker, revoked_contracts
from ccp.workshop.root_pool import RootPool
from ccp.workshop.root_pool import make_server as make_root_server


class _Commands(CommandGroup):
    """Commands in the order of a story, whose errors are one line."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except WorkshopError as error:
            raise click.ClickException(str(error)) from None


@click.group(cls=_Commands)
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

    The same with ISO 15118-20: --edition 20 behind each but the first.

    All of it is for tests: the keys are in files, and vouch for nothing.
    """


@workshop.command()
@folder_option
@pki_url_option
def pki(folder: Path, pki_url: str | None) -> None:
    """
    Make test PKIs in a new folder, one for each edition.

    V2G roots A and B with a CPS each, an eMSP, an OEM; two sub-CAs in every chain.
    """
    now = _now()
    save_pkis(folder, [make_pki(edition, at=now, pki_url=pki_url) for edition in EDITIONS])
    names = " and ".join(map(str, EDITIONS))
    say(f"Made the PKIs of {names}. A pool trusts both with CCP_TRUST_DIR={folder / 'trust'}")


@workshop.command()
@edition_option
@folder_option
@pcid_option
def car(edition: Edition, folder: Path, pcid: str) -> None:
    """Make a car: the OEM issues its provisioning certificate."""
    workshop = Folder(folder, edition)
    path = workshop.save_car(pcid, make_car(workshop.load_pki().oem, pcid, at=_now()))
    say(f"Made the car {pcid} in {path}")


@workshop.command()
@edition_option
@folder_option
@emaid_option
@pcid_option
@root_option
@fault_option(CONTRACT_FAULTS)
@output_option
def contract(
    edition: Edition,
    folder: Path,
    emaid: str,
    pcid: str,
    root: str,
    fault: Fault[Any] | None,
    output: Any,
) -> None:
    """
    Make a signed contract for a car: the body of PUT /signedcontractdata.

    The eMSP issues the contract certificate, once for each EMAID; the CPS encrypts its key for the
    car and signs.
    """
    workshop = Folder(folder, edition)
    pki, now = workshop.load_pki(), _now()
    car = workshop.load_car(pcid, pki)
    chain = workshop.find_contract(emaid, pki)
    if chain is None:
        chain = make_contract(pki.emsp, emaid, at=now)
        workshop.save_contract(emaid, chain)
    draft = draft_contract(pki, emaid, car.leaf.certificate, at=now, root=root, contract=chain)
    _write(output, (fault.apply_fault(draft) if fault else draft).put_body())


@workshop.command()
@edition_option
@folder_option
@pcid_option
@roots_option
@session_id_option
@maximum_option
@prioritize_option
@time_unit_option
@fault_option(REQUEST_FAULTS)
@output_option
def request(
    edition: Edition,
    folder: Path,
    pcid: str,
    roots: tuple[str, ...],
    fault: Fault[Any] | None,
    output: Any,
    **wishes: Any,
) -> None:
    """Make a car's signed request: the body of POST /signedcontractdata."""
    workshop = Folder(folder, edition)
    pki = workshop.load_pki()
    draft = draft_request(
        workshop.load_car(pcid, pki),
        [pki.v2g_root(letter).certificate for letter in roots],
        at=_now(),
        edition=edition,
        **wishes,
    )
    workshop.save_session(pcid, draft.session, roots)
    _write(output, (fault.apply_fault(draft) if fault else draft).post_body())


@workshop.command(name="install")
@edition_option
@folder_option
@pcid_option
@click.argument("answer", type=click.File("rb"), default="-")
def install_command(edition: Edition, folder: Path, pcid: str, answer: Any) -> None:
    """
    Check a pool's ANSWER as the car does, and install what is in it.

    ANSWER is what the pool answered to the car's last request; standard input by default.
    """
    answered = answer.read()  # first: in a pipe the request is made only now
    workshop = Folder(folder, edition)
    pki = workshop.load_pki()
    car = workshop.load_car(pcid, pki)
    session = workshop.load_session(pcid, pki)
    console = Console(highlight=False, soft_wrap=True)
    try:
        installed = install(
            messages_of(answered, edition),
            car=car.leaf,
            session=session,
            at=_now(),
            note=lambda text: console.print(Text.assemble(("✓ ", "green"), printable(text))),
        )
    except AnswerRefused as error:
        console.print(Text.assemble(("✗ ", "red"), printable(str(error))))
        raise click.ClickException("The car installs nothing.") from None
    for one in installed:
        say(f"Installed in {workshop.save_installed(pcid, one)}")


@workshop.command()
@edition_option
def faults(edition: Edition) -> None:
    """List what can be made wrong, and what a strict pool says of it."""
    console = Console(highlight=False)
    kinds: dict[str, Mapping[str, Fault[Any]]] = {
        "contract": CONTRACT_FAULTS[edition],
        "request": REQUEST_FAULTS[edition],
    }
    for command, by_name in kinds.items():
        table = Table(
            title=f"ccp workshop {command} --edition {edition.number} --fault …",
            box=None,
            title_justify="left",
        )
        for heading in ("name", "what is wrong", "what the pool says"):
            table.add_column(heading, no_wrap=heading == "name")
        for fault in by_name.values():
            table.add_row(f"[bold]{fault.name}[/]", fault.meaning, fault.error.message)
        console.print(table)
        console.print()


@workshop.command()
@folder_option
@click.option("--port", default=8090, show_default=True, help="Where it listens, on 127.0.0.1.")
def pki_service(folder: Path, port: int) -> None:
    """
    Revoke certificates, and tell which are revoked, by OCSP and CRL, until Ctrl-C.

    \b
    A pool has contracts revoked by it with
      CCP_REVOCATION_URL=http://127.0.0.1:8090 CCP_OPERATOR_CAS=workshop/cas
    and asks it about certificates of `ccp workshop pki --pki-url http://127.0.0.1:8090`.
    """
    serve(make_server(Revoker(folder, _now), port, say), say)


@workshop.command()
@edition_option
@folder_option
@emaid_option
def revoke(edition: Edition, folder: Path, emaid: str) -> None:
    """Revoke a contract at the eMSP's CA, without a pool; the PKI service tells it at once."""
    workshop = Folder(folder, edition)
    contract = workshop.find_contract(emaid, workshop.load_pki())
    if contract is None:
        raise WorkshopError(f"there is no contract {emaid}; `ccp workshop contract` makes one")
    reason = x509.ReasonFlags.cessation_of_operation
    if not Revoker(folder, _now).revoke(contract.leaf.certificate, reason):
        raise WorkshopError(f"{emaid} is revoked already")
    say(f"Revoked {emaid}")


@workshop.command()
@folder_option
def revoked(folder: Path) -> None:
    """List the contracts that the PKI service has revoked."""
    for emaid, reason in revoked_contracts(folder):
        say(f"{emaid} is revoked: {reason}")


@workshop.command()
@folder_option
@click.option("--port", default=8091, show_default=True, help="Where it listens, on 127.0.0.1.")
def root_pool(folder: Path, port: int) -> None:
    """
    Serve the workshop's roots as a Root Certificate Pool, until Ctrl-C.

    They are those in the folder `trust`, as they are when they are asked for.

    \b
    A pool asks it with
      CCP_RCP_URL=http://127.0.0.1:8091
    """
    serve(make_root_server(RootPool(folder), port), say)


@workshop.command()
def demo() -> None:
    """
    Play the story of a contract against a strict pool.

    The pool is one of its own, on a scratch database. Every step shows the command that does the
    same by hand.
    """
    play(STORY, Console(highlight=False), run_ccp=_run)


def _run(arguments: Sequence[str]) -> Outcome:
    """
    Run one of these commands in this process: a story has many, and each start takes a while.

    Args:
        arguments: As behind `ccp`; the first is `workshop`.
    """
    status = 0
    with io.StringIO() as written, redirect_stdout(written), redirect_stderr(written):
        try:
            workshop.main(arguments[1:], prog_name="ccp workshop", standalone_mode=False)
        except click.ClickException as error:
            error.show()
            status = error.exit_code
        return Outcome(status, written.getvalue().encode())


def _now() -> datetime:
    return datetime.now(UTC)


def _write(output: Any, body: Mapping[str, str]) -> None:
    output.write(json.dumps(body, indent=2) + "\n")
