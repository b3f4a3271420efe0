"""The workshop's Root Certificate Pool (RCP): it serves the roots that a pool may trust."""

import base64
import uuid
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from ccp.workshop.certificates import common_name, subject_key_id
from ccp.workshop.errors import WorkshopError
from ccp.workshop.http import Handler, listen

_PATH = "/rootcertificates"
_TYPES = {"v2g": "V2G", "emsp": "eMSP", "oem": "OEM", "pe": "PE"}
"""What PKIs are called: in a request (pkiType), and in an answer (rootTypeList)."""


class RootPool:
    """
    The roots of a workshop, as they lie in its folder `trust` at the moment.

    Raises:
        WorkshopError: There is no such folder.
    """

    def __init__(self, workshop: Path) -> None:
        self._trust = workshop / "trust"
        if not self._trust.is_dir():
            raise WorkshopError(f"{workshop} has no PKI; `ccp workshop pki` makes one")

    def entries(self, pki_type: str | None = None) -> list[dict[str, Any]]:
        """Describe the roots of one type, or all: RootCertificateV1 of the OPNC RCP API."""
        types_of: dict[x509.Certificate, list[str]] = {}
        for name, shown in _TYPES.items():
            for root in self._roots(name):
                types_of.setdefault(root, []).append(shown)
        return [
            _describe(root, types)
            for root, types in types_of.items()
            if pki_type is None or _TYPES[pki_type] in types
        ]

    def _roots(self, name: str) -> Iterator[x509.Certificate]:
        """Give what has signed itself: a car's pool has sub-CAs too, an RCP has roots alone."""
        for path in sorted((self._trust / name).glob("*.pem")):
            for certificate in x509.load_pem_x509_certificates(path.read_bytes()):
                if certificate.issuer == certificate.subject:
                    yield certificate


def make_server(pool: RootPool, port: int) -> ThreadingHTTPServer:
    """Make the service: `GET /rootcertificates` of the OPNC RCP API, on this machine alone."""

    class Roots(Handler):
        def do_GET(self) -> None:  # noqa: N802 - the name of http.server
            url = urlsplit(self.path)
            pki_type = parse_qs(url.query).get("pkiType", [None])[-1]
            if url.path != _PATH:
                self._answer(404, {"errorMessages": ["There is no such path."]})
            elif pki_type is not None and pki_type not in _TYPES:
                self._answer(400, {"errorMessages": ["pkiType is none of those of the API."]})
            else:
                self._answer(200, {"rootCertificateCollection": pool.entries(pki_type)})

        def _answer(self, status: int, content: dict[str, Any]) -> None:
            if status != 200:
                content = {**content, "traceId": str(uuid.uuid4())}
            self.send_json(status, content)

    return listen(Roots, port)


def _describe(root: x509.Certificate, types: list[str]) -> dict[str, Any]:
    fingerprint = root.fingerprint(hashes.SHA256()).hex()
    der = root.public_bytes(Encoding.DER)
    return {
        "rootCertificateId": str(uuid.uuid5(uuid.NAMESPACE_OID, fingerprint)),
        "distinguishedName": ", ".join(rdn.rfc4514_string() for rdn in root.subject.rdns),
        "rootTypeList": types,
        "caCertificate": base64.b64encode(der).decode(),
        "commonName": common_name(root),
        "rootAuthorityKeyIdentifier": base64.b64encode(subject_key_id(root)).decode(),
        "rootIssuerSerialNumber": f"{root.serial_number:x}",
        "validFrom": f"{root.not_valid_before_utc:%FT%TZ}",
        "validTo": f"{root.not_valid_after_utc:%FT%TZ}",
        "fingerprint": fingerprint,
    }
