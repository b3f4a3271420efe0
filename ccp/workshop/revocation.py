"""The PKI service of the workshop's eMSP: it revokes contract certificates, and keeps CRLs."""

import base64
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from ccp.workshop.certificates import Identity, common_name
from ccp.workshop.editions import EDITIONS
from ccp.workshop.errors import WorkshopError
from ccp.workshop.folder import Folder
from ccp.workshop.profiles import certificate_hash

_PATH = "/pki/revokeCertificate"
_MAX_BYTES = 64 * 1024
_VALID = timedelta(days=7)


class Revoker:
    """
    The CAs that issue the workshop's contract certificates, one of each edition.

    Args:
        workshop: The folder with all of it; the CRLs are written there too.
        clock: Gives the present moment, aware.
    Raises:
        WorkshopError: There is no PKI.
    """

    def __init__(self, workshop: Path, clock: Callable[[], datetime]) -> None:
        folders = [Folder(workshop, edition) for edition in EDITIONS]
        self._cas = [(folder, folder.load_pki().emsp.sub_2) for folder in folders]
        self._clock = clock
        self._lock = threading.Lock()

    def revoke(self, certificate: x509.Certificate, reason: x509.ReasonFlags) -> bool:
        """
        Put a certificate on its CA's CRL.

        Returns: False where it is there already.
        Raises:
            WorkshopError: None of these CAs has issued it.
        """
        for folder, ca in self._cas:
            if _issued(ca, certificate):
                with self._lock:
                    return self._add(folder, ca, certificate.serial_number, reason)
        raise WorkshopError("none of the CAs here has issued this certificate")

    def _add(
        self, folder: Folder, ca: Identity, serial_number: int, reason: x509.ReasonFlags
    ) -> bool:
        last = folder.find_crl()
        if last and last.get_revoked_certificate_by_serial_number(serial_number):
            return False
        now = self._clock()
        revoked = x509.RevokedCertificateBuilder().serial_number(serial_number)
        revoked = revoked.revocation_date(now).add_extension(x509.CRLReason(reason), critical=False)
        builder = x509.CertificateRevocationListBuilder().issuer_name(ca.certificate.subject)
        builder = builder.last_update(now).next_update(now + _VALID)
        for one in (*(last or ()), revoked.build()):
            builder = builder.add_revoked_certificate(one)
        crl = builder.sign(ca.key, certificate_hash(ca.key))
        folder.save_crl(crl.public_bytes(Encoding.PEM))
        return True


def revoked_contracts(workshop: Path) -> Iterator[tuple[str, str]]:
    """Give the EMAIDs of the contracts that have been revoked, each with the reason."""
    for edition in EDITIONS:
        folder = Folder(workshop, edition)
        crl = folder.find_crl()
        if crl is None:
            continue
        for certificate in folder.contract_certificates():
            found = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
            if found is not None:
                reason = found.extensions.get_extension_for_class(x509.CRLReason).value.reason
                yield common_name(certificate), reason.value


def make_server(revoker: Revoker, port: int, note: Callable[[str], None]) -> ThreadingHTTPServer:
    """
    Make the service: `POST /pki/revokeCertificate` of the OPNC PKI API, on this machine alone.

    Args:
        note: Told of each certificate that was revoked.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            size = self.headers.get("Content-Length", "")
            if not size.isdigit() or int(size) > _MAX_BYTES:
                self.close_connection = True
                self._answer(413, "The body is too large, or of unknown length.")
                return
            body = self.rfile.read(int(size))
            if self.path != _PATH:
                self._answer(404, "There is no such path.")
                return
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
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing of each request."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    return server


def _read(body: bytes) -> tuple[x509.Certificate, x509.ReasonFlags]:
    asked: Any = json.loads(body)
    der = base64.b64decode(asked["certificate"], validate=True)
    return x509.load_der_x509_certificate(der), x509.ReasonFlags(asked["revocationReason"])


def _issued(ca: Identity, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(ca.certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
