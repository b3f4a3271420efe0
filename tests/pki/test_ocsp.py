"""OCSP: OpenSSL asks the same, and what it answers is believed; nothing else is."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import algos, core
from asn1crypto import ocsp as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from ccp.pki.ocsp import build_request, read_response
from ccp.pki.revocation import Status, StatusUnknown
from ccp.workshop import ED448, P256, P521, Profile, make_contract
from ccp.workshop.certificates import Authority, Identity
from ccp.workshop.pki import make_authority
from ccp.workshop.profiles import certificate_hash, new_key
from tests.pki.ca import OpensslCa
from tests.pki.raw import resigned, tlv
from tests.pki.rebuilt import rebuilt
from tests.workshop.openssl import needs_openssl

NOW = datetime.now(UTC).replace(microsecond=0)  # OpenSSL answers as of the present
EMAID = "DEWRKC00000001"
HOUR = timedelta(hours=1)


def emsp_of(profile: Profile) -> Authority:
    """An eMSP's CAs."""
    return make_authority("MO Root CA", "MO", "MO", "MO", at=NOW, profile=profile)


EMSP = emsp_of(P256)
CA = EMSP.sub_2
LEAF = make_contract(EMSP, EMAID, at=NOW).leaf
REQUEST = build_request(LEAF.der, CA.der)


def judged(der: bytes, *, at: datetime = NOW) -> Status:
    """What an answer to REQUEST says."""
    return read_response(der, REQUEST, CA.der, at=at).status


def answered_at(der: bytes) -> datetime:
    """Return when OpenSSL has answered, by its own word: it takes the time from no test."""
    return ocsp.load_der_ocsp_response(der).this_update_utc


def delegate(issuer: Identity = CA, **changes: Any) -> Identity:
    """A certificate of *issuer*'s to sign OCSP answers, but for what is given."""
    key = new_key()
    usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
    same = {
        "issuer_name": issuer.certificate.subject,
        "subject_name": x509.Name.from_rfc4514_string("CN=Responder"),
        "public_key": key.public_key(),
        "serial_number": 5,
        "extensions": [x509.Extension(usages.oid, False, usages)],
    }
    builder = rebuilt(LEAF.certificate, **(same | changes))
    return Identity(builder.sign(issuer.key, hashes.SHA256()), key)


def signed(
    signer: Identity = CA,
    *,
    certificate: x509.Certificate = LEAF.certificate,
    issuer: x509.Certificate = CA.certificate,
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    this_update: datetime = NOW,
    next_update: datetime | None = NOW + HOUR,
    extension: x509.Extension[Any] | None = None,
    brings: bool = False,
) -> bytes:
    """An answer made to measure; it brings the signer's certificate if wanted."""
    builder = ocsp.OCSPResponseBuilder().add_response(
        certificate,
        issuer,
        hashes.SHA1(),  # noqa: S303 - names the issuer, and protects nothing
        status,
        this_update,
        next_update,
        NOW if status is ocsp.OCSPCertStatus.REVOKED else None,
        None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, signer.certificate)
    if brings:
        builder = builder.certificates([signer.certificate])
    if extension:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(signer.key, certificate_hash(signer.key)).public_bytes(Encoding.DER)


@pytest.fixture(scope="module", params=[P256, P521, ED448], ids=lambda one: one.slug)
def openssl_ca(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[OpensslCa, Authority]:
    """A CA of each kind that OpenSSL runs."""
    authority = emsp_of(request.param)
    return OpensslCa(tmp_path_factory.mktemp("ca") / "ca", authority.sub_2), authority


@needs_openssl
def test_openssl_asks_the_same_and_is_believed(openssl_ca: tuple[OpensslCa, Authority]) -> None:
    """Byte for byte the same request; good, revoked, on hold, and unknown to the responder."""
    ca, authority = openssl_ca
    issuer = authority.sub_2.der
    good, revoked, held, unknown = (
        make_contract(authority, f"DEWRKC0000000{n}", at=NOW).leaf for n in range(4)
    )
    ca.know(good.certificate)
    ca.know(revoked.certificate, revoked=NOW, reason="keyCompromise")
    ca.know(held.certificate, revoked=NOW, reason="certificateHold")
    for leaf, status in (
        (good, Status.GOOD),
        (revoked, Status.REVOKED),
        (held, Status.ON_HOLD),
    ):
        request = build_request(leaf.der, issuer)
        assert request == ca.request(leaf.certificate, "-no_nonce")
        response = ca.answer(request, "-nmin", "10")
        at = answered_at(response)
        answer = read_response(response, request, issuer, at=at)
        assert answer.status is status
        assert answer.until == at + timedelta(minutes=10)
    request = build_request(unknown.der, issuer)
    response = ca.answer(request)
    with pytest.raises(StatusUnknown, match="does not know the certificate"):
        read_response(response, request, issuer, at=answered_at(response))


@needs_openssl
def test_a_responder_that_the_ca_has_charged_is_believed(tmp_path: Path) -> None:
    """OpenSSL answers with a certificate of the CA's for just that, which it brings."""
    ca = OpensslCa(tmp_path / "ca", CA)
    ca.know(LEAF.certificate, revoked=NOW, reason="superseded")
    for options in (["-nmin", "10"], ["-nmin", "10", "-resp_key_id"]):
        response = ca.answer(REQUEST, *options, signer=delegate())
        assert judged(response, at=answered_at(response)) is Status.REVOKED


@needs_openssl
def test_an_answer_that_does_not_say_until_when_is_good_for_an_hour(tmp_path: Path) -> None:
    """Without nextUpdate nobody says more."""
    ca = OpensslCa(tmp_path / "ca", CA)
    ca.know(LEAF.certificate)
    response = ca.answer(REQUEST, "-resp_no_certs")
    at = answered_at(response)
    assert read_response(response, REQUEST, CA.der, at=at).until == at + HOUR
    with pytest.raises(StatusUnknown, match="out of date"):
        judged(response, at=at + 2 * HOUR)


OTHERS = emsp_of(P256)  # of the same names
NO_USAGE = x509.Extension(x509.BasicConstraints.oid, False, x509.BasicConstraints(False, None))
SERVER = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
OCSP_USAGE = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\5\0")
AGREES_ONLY = x509.KeyUsage(False, False, False, False, True, False, False, False, False)
MADE: dict[str, tuple[Callable[[], bytes], str]] = {
    "another CA of that name": (lambda: signed(OTHERS.sub_2), "signature of the answer is wrong"),
    "another CA's responder": (
        lambda: signed(delegate(OTHERS.sub_2), brings=True),
        "may not answer for the CA",
    ),
    "the CA above": (lambda: signed(EMSP.sub_1, brings=True), "may not answer for the CA"),
    "a contract": (lambda: signed(LEAF, brings=True), "may not answer for the CA"),
    "a responder without the usage": (
        lambda: signed(delegate(extensions=[NO_USAGE]), brings=True),
        "may not answer for the CA",
    ),
    "a web server": (
        lambda: signed(
            delegate(extensions=[x509.Extension(SERVER.oid, False, SERVER)]), brings=True
        ),
        "may not answer for the CA",
    ),
    "a responder that may not sign": (
        lambda: signed(
            delegate(
                extensions=[
                    x509.Extension(OCSP_USAGE.oid, False, OCSP_USAGE),
                    x509.Extension(AGREES_ONLY.oid, True, AGREES_ONLY),
                ]
            ),
            brings=True,
        ),
        "may not answer for the CA",
    ),
    "a responder with an unknown critical extension": (
        lambda: signed(
            delegate(
                extensions=[
                    x509.Extension(OCSP_USAGE.oid, False, OCSP_USAGE),
                    x509.Extension(UNKNOWN.oid, True, UNKNOWN),
                ]
            ),
            brings=True,
        ),
        "may not answer for the CA",
    ),
    "a responder that has expired": (
        lambda: signed(
            delegate(not_valid_before=NOW - 2 * HOUR, not_valid_after=NOW - HOUR), brings=True
        ),
        "may not answer for the CA",
    ),
    "a responder that nobody knows": (
        lambda: signed(delegate(), brings=False),
        "may not answer for the CA",
    ),
    "an old answer": (
        lambda: signed(this_update=NOW - 3 * HOUR, next_update=NOW - HOUR),
        "out of date",
    ),
    "an answer of the future": (
        lambda: signed(this_update=NOW + HOUR, next_update=NOW + 2 * HOUR),
        "of the future",
    ),
    "another certificate": (
        lambda: signed(certificate=make_contract(EMSP, EMAID, at=NOW).leaf.certificate),
        "does not have the status of this certificate",
    ),
    "another CA's certificate": (
        lambda: signed(issuer=OTHERS.sub_2.certificate),
        "does not have the status of this certificate",
    ),
    "unknown": (
        lambda: signed(status=ocsp.OCSPCertStatus.UNKNOWN),
        "does not know the certificate",
    ),
    "a critical extension": (
        lambda: signed(extension=x509.Extension(x509.OCSPNonce.oid, True, x509.OCSPNonce(b"12"))),
        "critical extension",
    ),
    "try later": (
        lambda: ocsp.OCSPResponseBuilder.build_unsuccessful(
            ocsp.OCSPResponseStatus.TRY_LATER
        ).public_bytes(Encoding.DER),
        "the responder says TRY_LATER",
    ),
    "nothing": (lambda: b"", "no OCSP"),
    "HTML": (lambda: b"<html>", "no OCSP"),
    "the request": (lambda: REQUEST, "no OCSP"),
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_not_to_be_believed_is_not(name: str) -> None:
    """Whoever else has signed it, of whatever else it is, or of another time."""
    make, told = MADE[name]
    with pytest.raises(StatusUnknown, match=told):
        judged(make())


def test_what_is_made_to_measure_is_believed_otherwise() -> None:
    """So the cases above fail for what they say; an extension that is not critical does no harm."""
    nonce = x509.Extension(x509.OCSPNonce.oid, False, x509.OCSPNonce(b"12"))
    for response in (signed(), signed(delegate(), brings=True), signed(extension=nonce)):
        assert judged(response) is Status.GOOD


def merged(*responses: bytes, critical: bool = False) -> bytes:
    """
    Return one answer, signed by the CA, with the SingleResponses of several.

    Args:
        critical: Whether the last SingleResponse has a critical extension.
    """
    loaded = [asn1.OCSPResponse.load(response) for response in responses]
    basics = [one["response_bytes"]["response"].parsed for one in loaded]
    singles = [basic["tbs_response_data"]["responses"][0] for basic in basics]
    if critical:
        extension = {"extn_id": "1.2.3.4", "critical": True, "extn_value": b"\x05\x00"}
        singles[-1]["single_extensions"] = [extension]
    data = basics[0]["tbs_response_data"]
    data["responses"] = singles
    assert isinstance(CA.key, ec.EllipticCurvePrivateKey)
    basics[0]["signature"] = CA.key.sign(data.dump(force=True), ec.ECDSA(hashes.SHA256()))
    signed_answer = core.ParsableOctetString(basics[0].dump(force=True))
    loaded[0]["response_bytes"]["response"] = signed_answer
    return bytes(loaded[0].dump(force=True))


OTHER_LEAF = make_contract(EMSP, "DEWRKC00000002", at=NOW).leaf.certificate
OF_ANOTHER = {
    status: signed(certificate=OTHER_LEAF, status=status)
    for status in (ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.UNKNOWN)
}


@needs_openssl
@pytest.mark.parametrize("last", [False, True])
def test_judge_response_openssl_answers_for_three_certificates_the_right_one_counts(
    tmp_path: Path, last: bool
) -> None:
    """OpenSSL puts a SingleResponse for each certificate of a request into one answer."""
    ca = OpensslCa(tmp_path / "ca", CA)
    leaves = [make_contract(EMSP, f"DEWRKC0000000{n}", at=NOW).leaf for n in range(3)]
    reasons: list[dict[str, Any]] = [
        {},
        {"revoked": NOW, "reason": "keyCompromise"},
        {"revoked": NOW, "reason": "certificateHold"},
    ]
    for leaf, how in zip(leaves, reasons, strict=True):
        ca.know(leaf.certificate, **how)
    others: list[str] = []
    for number, leaf in enumerate(leaves[1:]):
        pem = leaf.certificate.public_bytes(Encoding.PEM)
        (ca.folder / f"other-{number}.pem").write_bytes(pem)
        others += ["-cert", f"other-{number}.pem"]
    answer = ca.answer(ca.request(leaves[0].certificate, *others, "-no_nonce"))
    assert len(list(ocsp.load_der_ocsp_response(answer).responses)) == 3
    at = datetime.now(UTC)
    found = [
        read_response(answer, build_request(leaf.der, CA.der), CA.der, at=at).status
        for leaf in (reversed(leaves) if last else leaves)
    ]
    expected = [Status.GOOD, Status.REVOKED, Status.ON_HOLD]
    assert found == (expected[::-1] if last else expected)
    with pytest.raises(StatusUnknown, match="does not have the status of this certificate"):
        read_response(answer, REQUEST, CA.der, at=at)


GOOD = signed()
REVOKED = signed(status=ocsp.OCSPCertStatus.REVOKED)
EARLIER = NOW - timedelta(minutes=1)


@pytest.mark.parametrize("other", OF_ANOTHER.values(), ids=[one.name for one in OF_ANOTHER])
@pytest.mark.parametrize(("mine", "status"), [(GOOD, Status.GOOD), (REVOKED, Status.REVOKED)])
def test_judge_response_other_certificate_beside_it_changes_nothing(
    other: bytes, mine: bytes, status: Status
) -> None:
    """The place of the SingleResponse does not matter, nor what another one says."""
    assert judged(merged(other, mine)) is status
    assert judged(merged(mine, other)) is status


def test_judge_response_other_certificate_by_an_unknown_hash_changes_nothing() -> None:
    """A responder may name other certificates by a hash that the library does not have."""
    answer = asn1.OCSPResponse.load(OF_ANOTHER[ocsp.OCSPCertStatus.GOOD])
    basic = answer["response_bytes"]["response"].parsed
    named = basic["tbs_response_data"]["responses"][0]["cert_id"]
    named["hash_algorithm"] = algos.DigestAlgorithm({"algorithm": "md2"})
    answer["response_bytes"]["response"] = core.ParsableOctetString(basic.dump(force=True))
    other = answer.dump(force=True)
    assert judged(merged(other, REVOKED)) is Status.REVOKED
    assert judged(merged(REVOKED, other)) is Status.REVOKED


@pytest.mark.parametrize(
    ("singles", "status"),
    [
        ((GOOD, REVOKED), Status.REVOKED),
        ((REVOKED, GOOD), Status.REVOKED),
        ((signed(this_update=EARLIER), REVOKED), Status.REVOKED),
        ((REVOKED, signed(this_update=EARLIER)), Status.REVOKED),
    ],
    ids=["good first", "revoked first", "earlier first", "earlier last"],
)
def test_judge_response_several_for_the_certificate_latest_counts(
    singles: tuple[bytes, bytes], status: Status
) -> None:
    """Of two that are equally late the one that does not say good."""
    assert judged(merged(*singles)) is status


def test_judge_response_critical_extension_counts_for_its_certificate_alone() -> None:
    """A critical extension of another certificate's SingleResponse does not matter."""
    another = OF_ANOTHER[ocsp.OCSPCertStatus.GOOD]
    assert judged(merged(REVOKED, another, critical=True)) is Status.REVOKED
    for responses in ((another, GOOD), (GOOD,)):
        with pytest.raises(StatusUnknown, match="critical extension"):
            judged(merged(*responses, critical=True))


def test_judge_response_several_and_one_bit_wrong_is_not_believed() -> None:
    """The signature covers all SingleResponses."""
    whole = merged(OF_ANOTHER[ocsp.OCSPCertStatus.GOOD], REVOKED)
    for place in range(0, len(whole), 7):
        spoilt = bytearray(whole)
        spoilt[place] ^= 1
        with suppress(StatusUnknown):
            assert judged(bytes(spoilt)) is Status.REVOKED


@given(st.integers(min_value=0), st.integers(0, 7))
def test_one_bit_wrong_is_never_believed_to_say_something_else(place: int, bit: int) -> None:
    """Whatever bit of an answer is wrong, it says the same, or nothing."""
    spoilt = bytearray(GOOD)
    spoilt[place % len(GOOD)] ^= 1 << bit
    with suppress(StatusUnknown):
        assert judged(bytes(spoilt)) is Status.GOOD


def test_what_cannot_be_read_cannot_be_asked_for() -> None:
    """An error in words, as for any status that is not known."""
    with pytest.raises(StatusUnknown, match="cannot be asked for"):
        build_request(b"nonsense", CA.der)


def test_build_request_negative_serial_number_cannot_be_asked_for() -> None:
    """OpenSSL reads and verifies such a certificate; one of them must not end the cleansing."""
    leaf = resigned(LEAF.der, CA.key, serial_number=tlv(2, b"\x90"))
    with pytest.raises(StatusUnknown, match="cannot be asked for"):
        build_request(leaf, CA.der)
