"""CRLs: those that OpenSSL signs are believed; what is not the CA's, or not complete, is not."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from ccp.pki.crl import read_crl
from ccp.pki.revocation import Status, StatusUnknown
from ccp.workshop import ED448, P256, P521, Profile, make_contract
from ccp.workshop.certificates import Authority, Identity, key_usage, reissue
from ccp.workshop.pki import make_authority
from ccp.workshop.profiles import certificate_hash
from tests.pki.ca import OpensslCa
from tests.workshop.openssl import needs_openssl, openssl

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)


def emsp_of(profile: Profile) -> Authority:
    """An eMSP's CAs."""
    return make_authority("MO Root CA", "MO", "MO", "MO", at=NOW, profile=profile)


EMSP = emsp_of(P256)
CA = EMSP.sub_2


def crl(
    signer: Identity = CA,
    *,
    extension: tuple[x509.ExtensionType, bool] | None = None,
    of_entry: tuple[x509.ExtensionType, bool] | None = None,
    this_update: datetime = NOW,
    next_update: datetime = NOW + HOUR,
    issuer: x509.Name = CA.certificate.subject,
    revoked: int = 7,
) -> bytes:
    """A CRL made to measure, DER."""
    entry = x509.RevokedCertificateBuilder().serial_number(revoked).revocation_date(NOW)
    if of_entry:
        entry = entry.add_extension(*of_entry)
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer)
    builder = builder.last_update(this_update).next_update(next_update)
    builder = builder.add_revoked_certificate(entry.build())
    if extension:
        builder = builder.add_extension(*extension)
    return builder.sign(signer.key, certificate_hash(signer.key)).public_bytes(Encoding.DER)


@needs_openssl
@pytest.mark.parametrize("profile", [P256, P521, ED448], ids=lambda one: one.slug)
def test_what_openssl_signs_is_believed(tmp_path: Path, profile: Profile) -> None:
    """In PEM and in DER: what is revoked, what is on hold, and all else is good."""
    authority = emsp_of(profile)
    ca = OpensslCa(tmp_path / "ca", authority.sub_2)
    revoked, held, good = (
        make_contract(authority, f"DEWRKC0000000{n}", at=NOW).leaf.certificate for n in range(3)
    )
    ca.know(revoked, revoked=NOW, reason="keyCompromise")
    ca.know(held, revoked=NOW, reason="certificateHold")
    ca.know(good)
    pem = ca.crl()
    der = openssl("crl", "-outform", "DER", stdin=pem).stdout
    at = x509.load_pem_x509_crl(pem).last_update_utc
    for content in (pem, der):
        judged = read_crl(content, authority.sub_2.der, at=at)
        assert judged.status_of(revoked.serial_number) is Status.REVOKED
        assert judged.status_of(held.serial_number) is Status.ON_HOLD
        assert judged.status_of(good.serial_number) is Status.GOOD
        assert judged.until == at + timedelta(days=1)


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0")
SOME = x509.IssuingDistributionPoint(
    full_name=None,
    relative_name=None,
    only_contains_user_certs=True,
    only_contains_ca_certs=False,
    only_some_reasons=None,
    indirect_crl=False,
    only_contains_attribute_certs=False,
)
ELSEWHERE = x509.CertificateIssuer([x509.DirectoryName(EMSP.root.certificate.subject)])
MADE: dict[str, tuple[Callable[[], bytes], str]] = {
    "another CA of that name": (lambda: crl(emsp_of(P256).sub_2), "signature of the CRL is wrong"),
    "another name": (lambda: crl(issuer=EMSP.sub_1.certificate.subject), "of another CA"),
    "the CA above": (
        lambda: crl(EMSP.sub_1, issuer=EMSP.sub_1.certificate.subject),
        "of another CA",
    ),
    "an old one": (
        lambda: crl(this_update=NOW - 3 * HOUR, next_update=NOW - HOUR),
        "out of date",
    ),
    "one of the future": (
        lambda: crl(this_update=NOW + HOUR, next_update=NOW + 2 * HOUR),
        "of the future",
    ),
    "changes alone": (lambda: crl(extension=(x509.DeltaCRLIndicator(1), True)), "not complete"),
    "a part": (lambda: crl(extension=(SOME, True)), "not complete"),
    "something unknown": (lambda: crl(extension=(UNKNOWN, True)), "not complete"),
    "something unknown of one": (lambda: crl(of_entry=(UNKNOWN, True)), "not complete"),
    "what others have issued": (lambda: crl(of_entry=(ELSEWHERE, True)), "not complete"),
    "nothing": (lambda: b"", "no CRL"),
    "HTML": (lambda: b"<html>", "no CRL"),
    "broken PEM": (lambda: b"-----BEGIN X509 CRL-----\nx", "no CRL"),
    "a certificate": (lambda: CA.der, "no CRL"),
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_not_to_be_believed_is_not(name: str) -> None:
    """Whoever else has signed it, of another time, or not all that the CA has revoked."""
    make, told = MADE[name]
    with pytest.raises(StatusUnknown, match=told):
        read_crl(make(), CA.der, at=NOW)


def test_what_is_made_to_measure_is_believed_otherwise() -> None:
    """So the cases above fail for what they say; what is not critical does no harm."""
    for content in (
        crl(),
        crl(extension=(x509.CRLNumber(1), False)),
        crl(of_entry=(x509.InvalidityDate(NOW), False)),
        crl(of_entry=(x509.CRLReason(x509.ReasonFlags.ca_compromise), True)),
    ):
        judged = read_crl(content, CA.der, at=NOW)
        assert judged.status_of(7) is Status.REVOKED
        assert judged.status_of(8) is Status.GOOD


LIST = crl(revoked=7)


@given(st.integers(min_value=0), st.integers(0, 7))
def test_one_bit_wrong_is_never_believed_to_say_something_else(place: int, bit: int) -> None:
    """Whatever bit of a list is wrong, it says the same, or nothing."""
    spoilt = bytearray(LIST)
    spoilt[place % len(LIST)] ^= 1 << bit
    with suppress(StatusUnknown):
        assert read_crl(bytes(spoilt), CA.der, at=NOW).statuses == {7: Status.REVOKED}


def test_a_ca_may_have_to_leave_crls_to_others() -> None:
    """Where its key usage says so, what it signs is no CRL (RFC 5280, 6.3.3 f)."""
    may_not = reissue(CA, EMSP.sub_1, usage=key_usage(signs=True))
    with pytest.raises(StatusUnknown, match="signature of the CRL is wrong"):
        read_crl(crl(may_not), may_not.der, at=NOW)
