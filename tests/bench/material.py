"""Cars, their contracts, and the requests that the seven operations get for them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlencode

from ccp.identifiers import ISO_15118_2
from tests.builders import BASE, ROOT_A, installation_req, installation_res, post_body, put_body

_NUMBERS = count()


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract of one car, valid today, with both messages."""

    emaid: str
    pcid: str
    installation_res: bytes
    installation_req: bytes


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One of the seven, as it is called here.

    Attributes:
        name: Its operationId.
        status: Of its success.
    """

    name: str
    method: str
    path: str
    status: int = 200
    query: Sequence[str] = ()

    @property
    def repeatable(self) -> bool:
        """Whether it can be asked for the same contract again and again."""
        return self not in (PUT, DELETE)

    def request(self, contract: Contract) -> bytes:
        """Write the HTTP/1.1 request for one contract."""
        values = {
            "xsdMsgDefNamespace": ISO_15118_2,
            "cpsV2GRootCertificateFingerprint": ROOT_A,
            "sessionID": "2A3DC6D75411F647",
        }
        path = BASE + self.path.format(emaid=contract.emaid, pcid=contract.pcid)
        query = urlencode({name: values[name] for name in self.query})
        return http_request(self.method, f"{path}?{query}" if query else path, self._body(contract))

    def _body(self, contract: Contract) -> dict[str, Any] | None:
        if self is POST:
            return post_body(contract.installation_req)
        if self is PUT:
            names = {"emaid": contract.emaid, "pcid": contract.pcid}
            return put_body(contract.installation_res, **names)
        return None


_ROOT = "cpsV2GRootCertificateFingerprint"
_NAMESPACE = "xsdMsgDefNamespace"
_PAIR = "/signedcontractdata/{emaid}/{pcid}"

GET_BY_EMAID = Operation(
    "getContractDataByEmaidV1", "GET", "/contractData/emaid/{emaid}", query=(_NAMESPACE, _ROOT)
)
GET_BY_PCID = Operation(
    "getContractDataByPcidV1", "GET", "/contractData/pcid/{pcid}", query=(_NAMESPACE,)
)
GET_SIGNED = Operation(
    "getSignedContractDataByEmaidAndPcidV1",
    "GET",
    _PAIR,
    query=(_NAMESPACE, _ROOT, "sessionID"),
)
POST = Operation(
    "getSignedContractDataByCertificateInstallationReqV1", "POST", "/signedcontractdata"
)
SET_DEFAULT = Operation("setSignedContractDataAsDefaultV1", "POST", f"{_PAIR}/setdefault")
PUT = Operation("addSignedContractDataV1", "PUT", "/signedcontractdata", status=201)
DELETE = Operation("deleteSignedContractDataByEmaidV1", "DELETE", "/signedcontractdata/{emaid}")

OPERATIONS = (GET_BY_EMAID, GET_BY_PCID, GET_SIGNED, POST, SET_DEFAULT, PUT, DELETE)
"""All seven; PUT stands before DELETE, which takes away what it has put."""


def make_contracts(number: int) -> list[Contract]:
    """Make contracts that nobody has seen before, each for a car of its own."""
    today = datetime.now(UTC).replace(microsecond=0)
    validity = {
        "not_before": today - timedelta(days=365),
        "not_after": today + timedelta(days=365),
    }
    contracts = []
    for _ in range(number):
        serial = next(_NUMBERS)
        emaid, pcid = f"DEICEC{serial:08}", f"WAUZZZ4B0C{serial:07}"
        contracts.append(
            Contract(
                emaid,
                pcid,
                installation_res(emaid, **validity),
                installation_req(pcid, **validity),
            )
        )
    return contracts


def http_request(method: str, target: str, body: dict[str, Any] | None = None) -> bytes:
    """Write an HTTP/1.1 request with the headers that a party of OPNC sends."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{method} {target} HTTP/1.1",
        "Host: localhost",
        "User-Agent: bench",
        "Accept: application/json",
        "OPNC-from-party-type: emsp",
        "OPNC-from-party-id: DEICE",
        "OPNC-to-party-type: ccp",
        "OPNC-to-party-id: DECCP",
    ]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join((*lines, "", "")).encode() + content
