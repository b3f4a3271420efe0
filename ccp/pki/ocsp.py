"""OCSP: build requests, and verify and read responses."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha1

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from ccp.domain.errors import CertificateUnreadable
from ccp.pki.certificates import UNREADABLE, Certificate, read_certificate
from ccp.pki.der import BOOLEAN, SEQUENCE, Element, elements, items_of
from ccp.pki.extensions import ExtensionProblem, require_known_extensions
from ccp.pki.issuance import is_issuer
from ccp.pki.name_matching import same_name
from ccp.pki.revocation import CertificateStatus, Status, StatusUnknown, require_timely
from ccp.pki.structure import read_structure

_STATUSES = {
    ocsp.OCSPCertStatus.GOOD: Status.GOOD,
    ocsp.OCSPCertStatus.REVOKED: Status.REVOKED,
}
_SINGLE_EXTENSIONS = 0xA1
# Exceptions of pyca/cryptography for bytes that are not a response, or an irregular one.
_UNREADABLE = (
    *UNREADABLE,
    CertificateUnreadable,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
)


def build_request(certificate_der: bytes, issuer_der: bytes) -> bytes:
    """
    Build a request for the status of one certificate.

    The request has no nonce, so that responders can send responses signed in advance. SHA-1 only
    identifies the issuer: every responder knows it.

    Args:
        certificate_der, issuer_der: The certificate and that of its CA, X.509 DER.
    Returns: An OCSPRequest, DER.
    Raises:
        StatusUnknown: No request can be built for the certificate.
    Source: RFC 6960, 4.1; RFC 5019, 2.1.
    """
    builder = ocsp.OCSPRequestBuilder()
    try:
        certificate = read_certificate(certificate_der, "certificate")
        name = read_structure(certificate_der).issuer.encoded
        builder = builder.add_certificate_by_hash(
            sha1(name).digest(),  # noqa: S324
            _key_hash(read_certificate(issuer_der, "CA certificate", cache=True)),
            certificate.serial_number,
            hashes.SHA1(),  # noqa: S303
        )
        return builder.build().public_bytes(Encoding.DER)
    except _UNREADABLE:  # or its serial number is negative
        raise StatusUnknown("the certificate cannot be asked for") from None


def read_response(
    der: bytes, request_der: bytes, issuer_der: bytes, *, at: datetime
) -> CertificateStatus:
    """
    Verify and read a response. The CA, or a responder that it has authorized, has to sign it.

    A response may have statuses of several certificates; the requested one is selected. The status
    of the responder's own certificate is not checked: it is trusted as long as it is valid
    (RFC 6960, 4.2.2.2.1, leaves that to local policy).

    Args:
        der: The response.
        request_der: The request, from `build_request`.
        issuer_der: The certificate of the CA.
        at: The present moment, aware UTC.
    Raises:
        StatusUnknown: The response does not answer the request, is out of date, is not signed by
            an authorized signer, or has the status unknown.
    Source: RFC 6960, 3.2 and 4.2.
    """
    try:
        return _read(der, request_der, issuer_der, at)
    except _UNREADABLE:
        raise StatusUnknown("it answers no OCSP") from None


def _read(der: bytes, request_der: bytes, issuer_der: bytes, at: datetime) -> CertificateStatus:
    response = ocsp.load_der_ocsp_response(der)
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise StatusUnknown(f"the responder says {response.response_status.name}")
    _require_signature(response, read_certificate(issuer_der, "CA certificate", cache=True), at)
    if any(one.critical for one in response.extensions):
        raise StatusUnknown("the answer has a critical extension")
    wanted = _certificate_id(ocsp.load_der_ocsp_request(request_der))
    single = _select_single(response, wanted)
    until = require_timely(single.this_update_utc, single.next_update_utc, at=at)
    status = _STATUSES.get(single.certificate_status)
    if status is None:
        raise StatusUnknown("the responder does not know the certificate")
    if single.revocation_reason is x509.ReasonFlags.certificate_hold:
        status = Status.ON_HOLD
    return CertificateStatus(status, until)


def _select_single(
    response: ocsp.OCSPResponse, wanted: tuple[str, bytes, bytes, int] | None
) -> ocsp.OCSPSingleResponse:
    """
    Select the SingleResponse of one certificate.

    The latest one counts; of several with the same time, one with another status than good.

    Raises:
        StatusUnknown: The response has no such SingleResponse, or it has a critical extension.
    """
    singles = [
        (one, critical)
        for one, critical in zip(response.responses, _criticals(response), strict=True)
        if wanted and _certificate_id(one) == wanted
    ]
    if not singles:
        raise StatusUnknown("the answer does not have the status of this certificate")
    single, is_critical = max(
        singles,
        key=lambda pair: (
            pair[0].this_update_utc,
            pair[0].certificate_status is not ocsp.OCSPCertStatus.GOOD,
        ),
    )
    if is_critical:
        raise StatusUnknown("the answer has a critical extension")
    return single


def _criticals(response: ocsp.OCSPResponse) -> Sequence[bool]:
    """
    Return for each SingleResponse whether one of its extensions is critical.

    pyca/cryptography has these extensions only where there is a single SingleResponse.

    Source: RFC 6960, 4.2.1: ResponseData and SingleResponse.
    """
    data = items_of(response.tbs_response_bytes)
    (responses,) = (one for one in data if one.tag == SEQUENCE)
    return [_has_critical(items_of(one.encoded)) for one in elements(responses.content)]


def _has_critical(single: Sequence[Element]) -> bool:
    # After certID, certStatus and thisUpdate, [0] is nextUpdate, and [1] the extensions.
    wrapped = (one.content for one in single[3:] if one.tag == _SINGLE_EXTENSIONS)
    return any(
        field.tag == BOOLEAN and any(field.content)
        for extensions in wrapped
        for extension in items_of(extensions)
        for field in items_of(extension.encoded)
    )


def _certificate_id(
    named: ocsp.OCSPRequest | ocsp.OCSPSingleResponse,
) -> tuple[str, bytes, bytes, int] | None:
    """Return by what request and answer name a certificate; None if the hash is not known."""
    try:
        algorithm = named.hash_algorithm.name
    except UnsupportedAlgorithm:
        return None
    return algorithm, named.issuer_name_hash, named.issuer_key_hash, named.serial_number


def _require_signature(response: ocsp.OCSPResponse, issuer: Certificate, at: datetime) -> None:
    """Check that the CA, or a responder that it has authorized, signed the response."""
    if _is_named(response, issuer):
        signer = issuer
    else:
        brought = (
            read_certificate(one.public_bytes(Encoding.DER), "certificate")
            for one in response.certificates
        )
        delegates = (one for one in brought if _is_named(response, one))
        delegate = next(delegates, None)
        if delegate is None or not _may_answer(delegate, issuer, at):
            raise StatusUnknown("the signer may not answer for the CA")
        signer = delegate
    try:
        _verify(signer.public_key, response)
    except InvalidSignature:
        raise StatusUnknown("the signature of the answer is wrong") from None


def _is_named(response: ocsp.OCSPResponse, signer: Certificate) -> bool:
    """Return whether the response names a certificate as its signer's, by name or key."""
    if response.responder_name is not None:
        return same_name(response.responder_name, signer.subject)
    return response.responder_key_hash == _key_hash(signer)


def _key_hash(certificate: Certificate) -> bytes:
    """Return the SHA-1 of a key, by which OCSP identifies it."""
    info = read_structure(certificate.der).public_key
    _, key = elements(info.content)
    return sha1(key.content[1:]).digest()  # noqa: S324


def _may_answer(delegate: Certificate, issuer: Certificate, at: datetime) -> bool:
    """Return whether the CA has issued a responder's certificate, and it is valid now."""
    if not delegate.is_valid_at(at) or not is_issuer(issuer, delegate):
        return False
    try:
        extensions = require_known_extensions(delegate.der)
    except ExtensionProblem:
        return False
    is_for_it = ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string in extensions.extended_key_usages
    return is_for_it and extensions.role.may_sign


def _verify(key: object, response: ocsp.OCSPResponse) -> None:
    """Verify the signature of a response; raise InvalidSignature if it is wrong."""
    signature, signed = response.signature, response.tbs_response_bytes
    match key, response.signature_hash_algorithm:
        case ec.EllipticCurvePublicKey() as ecdsa_key, hashes.HashAlgorithm() as algorithm:
            ecdsa_key.verify(signature, signed, ec.ECDSA(algorithm))
        case ed448.Ed448PublicKey() as ed448_key, None:
            ed448_key.verify(signature, signed)
        case _:
            raise StatusUnknown("the answer is signed with what the pool does not know")
