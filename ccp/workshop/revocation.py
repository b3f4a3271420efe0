"""What the workshop's CAs have revoked: their CRLs, and their answers to OCSP."""

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp

from ccp.workshop.certificates import Identity, common_name, crl_path
from ccp.workshop.editions import EDITIONS
from ccp.workshop.errors import WorkshopError
from ccp.workshop.folder import Folder
from ccp.workshop.profiles import certificate_hash

_CRL_VALID = timedelta(days=7)
_OCSP_VALID = timedelta(minutes=5)  # who asks again then is told what was revoked meanwhile


class _Ca(NamedTuple):
    """A CA, and where it is in its folder."""

    folder: Folder
    name: str
    identity: Identity

    def revoked(self) -> list[x509.RevokedCertificate]:
        """All that it has revoked."""
        return list(self.folder.find_crl(self.name) or ())


class Revoker:
    """
    The workshop's CAs, which revoke what they have issued.

    Args:
        workshop: The folder with all of it; the CRLs are written there too.
        clock: Gives the present moment, aware.
    Raises:
        WorkshopError: There is no PKI.
    """

    def __init__(self, workshop: Path, clock: Callable[[], datetime]) -> None:
        self._folders = [Folder(workshop, edition) for edition in EDITIONS]
        self._read_cas()  # raises where there are none
        self._clock = clock
        self._lock = threading.Lock()

    def _cas(self) -> list[_Ca]:
        """Return the CAs as they are now: their folder may have been removed, and made anew."""
        try:
            return self._read_cas()
        except WorkshopError:
            return []

    def _read_cas(self) -> list[_Ca]:
        return [_Ca(folder, *named) for folder in self._folders for named in folder.cas()]

    def revoke(self, certificate: x509.Certificate, reason: x509.ReasonFlags) -> bool:
        """
        Put a certificate on its CA's CRL.

        Returns: False where it is there already.
        Raises:
            WorkshopError: None of these CAs has issued it.
        """
        for ca in self._cas():
            if _issued(ca.identity, certificate):
                with self._lock:
                    return self._add(ca, certificate.serial_number, reason)
        raise WorkshopError("none of the CAs here has issued this certificate")

    def find_crl(self, path: str) -> bytes | None:
        """Sign the CRL that certificates name by *path*, DER; None where they name none so."""
        for ca in self._cas():
            if crl_path(ca.identity.certificate) == path:
                return self._sign(ca, ca.revoked()).public_bytes(Encoding.DER)
        return None

    def answer(self, request_der: bytes) -> bytes:
        """
        Answer an OCSPRequest.

        Returns: An OCSPResponse, DER, which says why where it does not answer.
        Source: RFC 6960, 2.3 and 4.2.
        """
        try:
            request = ocsp.load_der_ocsp_request(request_der)
            asked = request.issuer_name_hash, request.issuer_key_hash
            algorithm = request.hash_algorithm
        except (ValueError, NotImplementedError):
            return _refusal(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
        for ca in self._cas():
            certificate = ca.identity.certificate
            if _hashes(certificate, algorithm.name) == asked:
                break
        else:
            return _refusal(ocsp.OCSPResponseStatus.UNAUTHORIZED)
        found = {one.serial_number: one for one in ca.revoked()}.get(request.serial_number)
        now = self._clock()
        response = ocsp.OCSPResponseBuilder().add_response_by_hash(
            *asked,
            request.serial_number,
            algorithm,
            ocsp.OCSPCertStatus.REVOKED if found else ocsp.OCSPCertStatus.GOOD,
            now,
            now + _OCSP_VALID,
            found.revocation_date_utc if found else None,
            _reason(found) if found else None,
        )
        response = response.responder_id(ocsp.OCSPResponderEncoding.HASH, certificate)
        key = ca.identity.key
        return response.sign(key, certificate_hash(key)).public_bytes(Encoding.DER)

    def _add(self, ca: _Ca, serial_number: int, reason: x509.ReasonFlags) -> bool:
        last = ca.revoked()
        if any(one.serial_number == serial_number for one in last):
            return False
        revoked = x509.RevokedCertificateBuilder().serial_number(serial_number)
        revoked = revoked.revocation_date(self._clock())
        revoked = revoked.add_extension(x509.CRLReason(reason), critical=False)
        crl = self._sign(ca, [*last, revoked.build()])
        ca.folder.save_crl(ca.name, crl.public_bytes(Encoding.PEM))
        return True

    def _sign(
        self, ca: _Ca, revoked: Iterable[x509.RevokedCertificate]
    ) -> x509.CertificateRevocationList:
        now, key = self._clock(), ca.identity.key
        builder = x509.CertificateRevocationListBuilder()
        builder = builder.issuer_name(ca.identity.certificate.subject)
        builder = builder.last_update(now).next_update(now + _CRL_VALID)
        for one in revoked:
            builder = builder.add_revoked_certificate(one)
        return builder.sign(key, certificate_hash(key))


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
                yield common_name(certificate), _reason(found).value


def _reason(revoked: x509.RevokedCertificate) -> x509.ReasonFlags:
    return revoked.extensions.get_extension_for_class(x509.CRLReason).value.reason


def _refusal(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)


def _hashes(ca: x509.Certificate, algorithm: str) -> tuple[bytes, bytes]:
    """By what a request names a CA: digests of its name, and of the bits of its key."""
    key = ca.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        bits = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    else:
        bits = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    parts = ca.subject.public_bytes(), bits
    of_name, of_key = (hashlib.new(algorithm, part).digest() for part in parts)
    return of_name, of_key


def _issued(ca: Identity, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(ca.certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
