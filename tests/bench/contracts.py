"""Cars that ask, and their contracts: genuine messages of the workshop, made once and kept."""

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ccp.workshop import draft_contract, draft_request, make_car, make_pki
from ccp.workshop.folder import save_trust

CARS = 1000
APART = 1000
"""
Between the numbers of two cars that ask. The contracts between them belong to cars that never do,
so that the same cars ask pools of any size, and are spread over all of it.
"""


@dataclass(frozen=True, slots=True)
class Contract:
    """
    One contract of one car, with both messages, ISO 15118-2 in EXI.

    Attributes:
        fingerprint: Of the V2G root that the contract is signed under.
    """

    emaid: str
    pcid: str
    fingerprint: str
    installation_res: bytes
    installation_req: bytes


def emaid_of(number: int) -> str:
    """The EMAID of a contract by its number, below 10 million."""
    return f"DEWRKC{number:08}"


def pcid_of(number: int) -> str:
    """The PCID of the car of that contract."""
    return f"WRKSH0PCAR{number:07}"


def make_contracts(trust: Path) -> list[Contract]:
    """
    Make a PKI, valid from yesterday on, CARS cars, a contract for each and its request.

    Names are the same each time; keys, and so signatures, are not.

    Args:
        trust: Folder to write the anchors of the PKI to.
    """
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    pki = make_pki(at=at)
    save_trust(trust, pki)
    roots = [pki.v2g_root("A").certificate]
    contracts = []
    for number in range(0, CARS * APART, APART):
        car = make_car(pki.oem, pcid_of(number), at=at)
        contract = draft_contract(pki, emaid_of(number), car.leaf.certificate, at=at)
        contracts.append(
            Contract(
                contract.emaid,
                contract.pcid,
                contract.fingerprint,
                contract.exi(),
                draft_request(car, roots, at=at).exi(),
            )
        )
    return contracts


def save_contracts(file: Path, contracts: Sequence[Contract]) -> None:
    """Write contracts for `load_contracts`."""
    rows = [
        [
            contract.emaid,
            contract.pcid,
            contract.fingerprint,
            b64encode(contract.installation_res).decode(),
            b64encode(contract.installation_req).decode(),
        ]
        for contract in contracts
    ]
    file.write_text(json.dumps(rows))


def load_contracts(file: Path) -> list[Contract]:
    """Read contracts."""
    return [
        Contract(emaid, pcid, fingerprint, b64decode(res), b64decode(req))
        for emaid, pcid, fingerprint, res, req in json.loads(file.read_text())
    ]
