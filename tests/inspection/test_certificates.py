"""A certificate in words: OpenSSL's command line says the same."""

import re
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from ccp.inspection import CertificateFacts, UnreadableCertificate
from ccp.inspection.certificates import describe_certificate
from ccp.workshop import ED448, EDITION_20
from tests.builders import NOW, certificate
from tests.pki.rebuilt import rebuilt
from tests.pki.test_extensions import genuine
from tests.trusted import car, pki
from tests.workshop.openssl import needs_openssl, openssl

CPS = pki().cps["A"]
URLS = ["http://crl.example/a.crl", "ldap://crl.example/b%0A?x.crl", "http://xn--?%ff/c.crl"]
POINTS = [
    x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None) for url in URLS
]
ISSUED_ELSEWHERE = x509.DistributionPoint(
    None, None, None, [x509.DirectoryName(x509.Name.from_rfc4514_string("CN=Elsewhere"))]
)


def with_lists() -> bytes:
    """A certificate with distribution points of all kinds."""
    builder = rebuilt(CPS.leaf.certificate)
    lists = x509.CRLDistributionPoints([*POINTS, ISSUED_ELSEWHERE])
    signed = builder.add_extension(lists, critical=False).sign(CPS.authority.sub_2.key, SHA256())
    return signed.public_bytes(Encoding.DER)


MANY = [
    *genuine(),
    CPS.leaf.der,
    pki().oem.root.der,
    pki().emsp.sub_1.der,
    car(EDITION_20).leaf.der,
    pki(EDITION_20, ED448).cps["B"].leaf.der,
    certificate("CN=Nobody"),
    with_lists(),
]
CURVES = {"prime256v1": "secp256r1", "secp521r1": "secp521r1", "ED448": "Ed448"}
# Of those that openssl calls otherwise than by their OID.
SIGNATURES = {
    "ecdsa-with-SHA1": "ECDSA with SHA-1",
    "ecdsa-with-SHA224": "ECDSA with SHA-224",
    "ecdsa-with-SHA256": "ECDSA with SHA-256",
    "ecdsa-with-SHA384": "ECDSA with SHA-384",
    "ecdsa-with-SHA512": "ECDSA with SHA-512",
    "sha1WithRSAEncryption": "RSA with SHA-1",
    "sha224WithRSAEncryption": "RSA with SHA-224",
    "sha256WithRSAEncryption": "RSA with SHA-256",
    "sha384WithRSAEncryption": "RSA with SHA-384",
    "sha512WithRSAEncryption": "RSA with SHA-512",
    "rsassaPss": "RSA-PSS",
    "ED25519": "Ed25519",
    "ED448": "Ed448",
}
USAGES = {
    "Digital Signature": "digitalSignature",
    "Non Repudiation": "nonRepudiation",
    "Key Encipherment": "keyEncipherment",
    "Key Agreement": "keyAgreement",
    "Certificate Sign": "keyCertSign",
    "CRL Sign": "cRLSign",
}


def described(der: bytes) -> CertificateFacts:
    """All of a certificate that can be read."""
    facts = describe_certificate(der, "leaf", at=NOW, is_signed=None)
    assert isinstance(facts, CertificateFacts)
    return facts


def said(der: bytes, *asked: str) -> str:
    """What OpenSSL says of a certificate."""
    options = ("-nameopt", "RFC2253,sep_comma_plus_space,-esc_msb,utf8", "-dateopt", "iso_8601")
    ran = openssl("x509", "-inform", "DER", "-noout", *options, *asked, stdin=der)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.decode()


def signed_with(der: bytes) -> str:
    """What OpenSSL calls the algorithm of its signature."""
    return re.findall(r"Signature Algorithm: (\S+)", said(der, "-text"))[-1]


def moment(text: str) -> datetime:
    """OpenSSL's spelling of an instant."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%SZ").replace(tzinfo=UTC)


@needs_openssl
@pytest.mark.parametrize("der", MANY)
def test_names_and_validity_are_those_that_openssl_reads(der: bytes) -> None:
    """Subject, issuer, serial number, both ends of its validity, fingerprint."""
    asked = ("-subject", "-issuer", "-serial", "-startdate", "-enddate", "-fingerprint", "-sha256")
    lines = dict(line.split("=", 1) for line in said(der, *asked).splitlines())
    facts = described(der)
    assert (facts.subject, facts.issuer) == (lines["subject"], lines["issuer"])
    assert facts.serial_number == lines["serial"]
    assert facts.not_before == moment(lines["notBefore"])
    assert facts.not_after == moment(lines["notAfter"])
    assert facts.fingerprint == lines["sha256 Fingerprint"].replace(":", "").lower()


@needs_openssl
@pytest.mark.parametrize("der", MANY)
def test_what_it_is_for_is_what_openssl_reads(der: bytes) -> None:
    """Curve, basicConstraints, keyUsage and OCSP, also where their encoding breaks DER."""
    text = said(der, "-text")
    facts, extensions = described(der), described(der).extensions
    assert extensions
    curve = re.search(r"ASN1 OID: (\S+)", text) or re.search(r"(ED448) Public-Key", text)
    assert curve
    assert facts.key == CURVES[curve[1]]
    assert extensions.is_ca == ("CA:TRUE" in text)
    path = re.search(r"pathlen:(\d+)", text)
    assert extensions.path_length == (int(path[1]) if path else None)
    usage = re.search(r"X509v3 Key Usage:.*\n\s*(.*)", text)
    expected = [USAGES[name] for name in usage[1].split(", ")] if usage else None
    assert extensions.key_usage == expected
    assert list(extensions.ocsp_urls) == re.findall(r"OCSP - URI:(\S+)", text)


@needs_openssl
@pytest.mark.parametrize("der", MANY)
def test_its_signature_is_of_the_kind_that_openssl_reads(der: bytes) -> None:
    """Of certificates of both editions and of Ed448."""
    assert described(der).signature_algorithm == SIGNATURES[signed_with(der)]


# From RFC 3279, 3447, 4055, 5758, 8410; last one of nobody's, of a private enterprise (RFC 5612).
OIDS = [
    "1.2.840.10045.4.1",
    *(f"1.2.840.10045.4.3.{last}" for last in (1, 2, 3, 4)),
    *(f"1.2.840.113549.1.1.{last}" for last in (5, 14, 11, 12, 13, 10)),
    "1.3.101.112",
    "1.3.101.113",
    "1.3.6.1.4.1.32473.1",
]


@needs_openssl
@pytest.mark.parametrize("oid", OIDS)
def test_a_signature_of_any_kind_is_told(oid: str) -> None:
    """By the name that openssl's stands for, or by the OID."""
    named = asn1.Certificate.load(CPS.leaf.der)
    for algorithm in (named["signature_algorithm"], named["tbs_certificate"]["signature"]):
        algorithm["algorithm"] = oid
    der = named.dump()
    called = signed_with(der)
    assert described(der).signature_algorithm == SIGNATURES.get(called, oid)
    assert (called == oid) == (called not in SIGNATURES)


@needs_openssl
def test_where_revocation_is_listed_is_what_openssl_reads() -> None:
    """Each distribution point, letter by letter."""
    extensions = described(with_lists()).extensions
    assert extensions
    found = re.findall(r"URI:(\S+\.crl)", said(with_lists(), "-text"))
    assert list(extensions.crl_urls) == found == URLS


def test_keys_of_other_kinds_are_told() -> None:
    """Such as no message should have."""
    key = rsa.generate_private_key(65537, 2048)
    builder = rebuilt(CPS.leaf.certificate, public_key=key.public_key())
    signed = builder.sign(CPS.authority.sub_2.key, SHA256())
    assert described(signed.public_bytes(Encoding.DER)).key == "RSA, 2048 bits"


def test_what_is_none_is_told_as_such() -> None:
    """With its bytes and their fingerprint."""
    facts = describe_certificate(b"\0", "leaf", at=NOW, is_signed=None)
    assert isinstance(facts, UnreadableCertificate)
    assert facts.problem == "The leaf is not an X.509 certificate."
    assert (facts.der, facts.fingerprint) == ("AA==", sha256(b"\0").hexdigest())


def test_extensions_that_cannot_be_read_are_told_as_such() -> None:
    """The rest of the certificate is told all the same."""
    der = CPS.leaf.der
    bit_string, another = b"\x04\x04\x03\x02", b"\x04\x04\x05\x02"
    assert der.count(bit_string) == 1  # the value of keyUsage
    facts = described(der.replace(bit_string, another))
    assert facts.extensions is None
    assert facts.subject == described(der).subject


@given(st.data())
def test_any_certificate_with_bytes_changed_is_told(data: st.DataObject) -> None:
    """Nothing crashes."""
    der = bytearray(data.draw(st.sampled_from(MANY)))
    for _ in range(data.draw(st.integers(1, 3))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    describe_certificate(bytes(der), "leaf", at=NOW, is_signed=None)
