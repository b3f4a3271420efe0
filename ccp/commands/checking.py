"""What can be wrong with a pool's data: its file, and each message against what is known of it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from ccp.domain.errors import CcpError
from ccp.domain.identifiers import NAMESPACES, Emaid, Pcid
from ccp.messages import read_installation_res
from ccp.pki.certificates import read_certificate
from ccp.store import SignedContractData
from ccp.store.problems import problems_of, read_all
from ccp.store.rows import RowInvalid

T = TypeVar("T")


def all_problems(path: Path) -> Iterator[str]:
    """
    Look at everything in a database; nothing is written, and it may be in use.

    Returns: A sentence for each thing that is wrong.
    Raises:
        StoreUnusable: It cannot be read, or is none of a pool of this version.
    """
    problems = problems_of(path)
    yield from problems
    if not problems:
        for record in read_all(path):
            if isinstance(record, RowInvalid):
                yield f"{record}."
                continue
            for reason in _contradictions(record):
                yield f"{record.emaid.text} for {record.pcid.text}: {reason}"


def _contradictions(record: SignedContractData) -> Iterator[str]:
    """
    Hold a message against the columns that were made of it when it was put in.

    Its EMAID and signature are not looked at: in lab mode they may be anything.
    """
    if _parsed(Emaid.parse, record.emaid.text) != record.emaid:
        yield "its EMAID is malformed, or stored under another key."
    if _parsed(Pcid.parse, record.pcid.text) != record.pcid:
        yield "its PCID is malformed, or stored under another key."
    if record.namespace not in NAMESPACES:
        yield f"its namespace {record.namespace!r} is not one of ISO 15118."
    try:
        signed = read_installation_res(record.installation_res_exi, record.namespace)
        contract = read_certificate(signed.contract_chain[0], "contract certificate")
    except CcpError as error:
        yield " ".join(error.messages)
        return
    if signed.namespace != record.namespace:
        yield "its message is of another edition."
    if contract.der != record.contract_certificate_der:
        yield "its message has another contract certificate."
    if (contract.not_before, contract.not_after) != (record.valid_from, record.valid_to):
        yield "its validity is not that of its contract certificate."
    if signed.unsigned_bits != record.unsigned_bits:
        yield "what answers set in its message is somewhere else."


def _parsed(parse: Callable[[str], T], text: str) -> T | None:
    try:
        return parse(text)
    except ValueError:
        return None
