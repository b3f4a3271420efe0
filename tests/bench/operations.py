"""The seven operations, and the requests that they get for a contract."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ccp.domain.identifiers import ISO_15118_2
from tests.bench.contracts import Contract
from tests.builders import BASE, post_body, put_body

_SESSION_ID = "2A3DC6D75411F647"


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One of the seven, as it is called here.

    Attributes:
        name: Its operationId.
        label: How the tables call it.
        status: Of its success.
        query: Names of the parameters that it is called with.
    """

    name: str
    label: str
    method: str
    path: str
    status: int = 200
    query: Sequence[str] = ()

    def request(self, contract: Contract) -> bytes:
        """Write the HTTP/1.1 request for one contract."""
        values = {
            "xsdMsgDefNamespace": ISO_15118_2,
            "cpsV2GRootCertificateFingerprint": contract.fingerprint,
            "sessionID": _SESSION_ID,
        }
        path = BASE + self.path.format(emaid=contract.emaid, pcid=contract.pcid)
        query = urlencode({name: values[name] for name in self.query})
        return http_request(self.method, f"{path}?{query}" if query else path, self._body(contract))

    def _body(self, contract: Contract) -> Mapping[str, Any] | None:
        if self is POST:
            return post_body(contract.installation_req)
        if self is PUT:
            return put_body(
                contract.installation_res,
                emaid=contract.emaid,
                pcid=contract.pcid,
                cpsV2GRootCertificateFingerprint=contract.fingerprint,
            )
        return None


_ROOT = "cpsV2GRootCertificateFingerprint"
_NAMESPACE = "xsdMsgDefNamespace"
_PAIR = "/signedcontractdata/{emaid}/{pcid}"

GET_BY_EMAID = Operation(
    "getContractDataByEmaidV1",
    "GET contractData/emaid",
    "GET",
    "/contractData/emaid/{emaid}",
    query=(_NAMESPACE, _ROOT),
)
GET_BY_PCID = Operation(
    "getContractDataByPcidV1",
    "GET contractData/pcid",
    "GET",
    "/contractData/pcid/{pcid}",
    query=(_NAMESPACE,),
)
GET_SIGNED = Operation(
    "getSignedContractDataByEmaidAndPcidV1",
    "GET signedcontractdata",
    "GET",
    _PAIR,
    query=(_NAMESPACE, _ROOT, "sessionID"),
)
POST = Operation(
    "getSignedContractDataByCertificateInstallationReqV1",
    "POST signedcontractdata",
    "POST",
    "/signedcontractdata",
)
SET_DEFAULT = Operation(
    "setSignedContractDataAsDefaultV1", "POST setdefault", "POST", f"{_PAIR}/setdefault"
)
PUT = Operation(
    "addSignedContractDataV1", "PUT signedcontractdata", "PUT", "/signedcontractdata", status=201
)
DELETE = Operation(
    "deleteSignedContractDataByEmaidV1",
    "DELETE signedcontractdata",
    "DELETE",
    "/signedcontractdata/{emaid}",
)

READS = (GET_BY_EMAID, GET_BY_PCID, GET_SIGNED)
OPERATIONS = (*READS, POST, SET_DEFAULT, PUT, DELETE)


def http_request(method: str, target: str, body: Mapping[str, Any] | None = None) -> bytes:
    """Write an HTTP/1.1 request with the headers that a party of OPNC sends."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{method} {target} HTTP/1.1",
        "Host: localhost",
        "User-Agent: bench",
        "Accept: application/json",
        "OPNC-from-party-type: emsp",
        "OPNC-from-party-id: DEWRK",
        "OPNC-to-party-type: ccp",
        "OPNC-to-party-id: DECCP",
    ]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join((*lines, "", "")).encode() + content


PROBE = http_request("GET", f"{BASE}/contractData/pcid/WRKSH0PCAR9999999")
"""A request that every server has an answer to, if not a good one."""
