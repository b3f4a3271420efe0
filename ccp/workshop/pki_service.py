"""The PKI service of the workshop's CAs, over HTTP: it revokes, and tells what is revoked."""

import base64
import json
import uuid
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from cryptography import x509

from ccp.workshop.certificates import OCSP_PATH, common_name
from ccp.workshop.errors import WorkshopError
from ccp.workshop.http import Handler, listen
from ccp.workshop.revocation import Revoker

_REVOKE_PATH = "/pki/revokeCertificate"
_MAX_BYTES = 64 * 1024


def make_server(revoker: Revoker, port: int, note: Callable[[str], None]) -> ThreadingHTTPServer:
    """
    Make the service, on this machine alone.

    It has `POST /pki/revokeCertificate` of the OPNC PKI API; `POST /ocsp` and `GET /ocsp/…` of RFC
    6960, A.1; and the CRLs that certificates name, below `/crl/`.

    Args:
        note: Told of each certificate that was revoked.
    """

    class Service(Handler):
        def do_GET(self) -> None:  # noqa: N802 - the name of http.server
            if self.path.startswith(f"{OCSP_PATH}/"):
                encoded = unquote(self.path.removeprefix(f"{OCSP_PATH}/"))
                try:
                    self._answer_ocsp(base64.b64decode(encoded, validate=True))
                except ValueError:
                    self._answer(400, "The path has no OCSP request.")
            elif crl := revoker.find_crl(self.path):
                self.send(200, "application/pkix-crl", crl)
            else:
                self._answer(404, "There is no such path.")

        def do_POST(self) -> None:  # noqa: N802 - as above
            size = self.headers.get("Content-Length", "")
            if not size.isdigit() or int(size) > _MAX_BYTES:
                self.close_connection = True
                self._answer(413, "The body is too large, or of unknown length.")
                return
            body = self.rfile.read(int(size))
            if self.path == OCSP_PATH:
                self._answer_ocsp(body)
            elif self.path == _REVOKE_PATH:
                self._revoke(body)
            else:
                self._answer(404, "There is no such path.")

        def _answer_ocsp(self, request: bytes) -> None:
            self.send(200, "application/ocsp-response", revoker.answer(request))

        def _revoke(self, body: bytes) -> None:
            try:
                certificate, reason = _read(body)
            except (ValueError, LookupError, TypeError):
                self._answer(400, "The body has no certificate, or no reason, that can be read.")
                return
            try:
                revoked = revoker.revoke(certificate, reason)
            except WorkshopError:
                self._answer(404, "The certificate was not issued here.")
                return
            if not revoked:
                self._answer(409, "The certificate is revoked already.")
                return
            note(f"Revoked {common_name(certificate)}: {reason.value}")
            self._answer(200)

        def _answer(self, status: int, *messages: str) -> None:
            content = {"errorMessages": messages, "traceId": str(uuid.uuid4())} if messages else {}
            self.send_json(status, content)

    return listen(Service, port)


def _read(body: bytes) -> tuple[x509.Certificate, x509.ReasonFlags]:
    asked: Any = json.loads(body)
    der = base64.b64decode(asked["certificate"], validate=True)
    return x509.load_der_x509_certificate(der), x509.ReasonFlags(asked["revocationReason"])
