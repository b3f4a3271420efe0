"""What extensions allow a leaf, and where they send to ask; asn1crypto is the judge."""

from typing import Any

import pytest
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID
from hypothesis import example, given
from hypothesis import strategies as st

from ccp.iso15118 import decode, iso2
from ccp.pki.extensions import Role, read_role, read_status_urls
from ccp.workshop.bad_certificates import with_leaf
from ccp.workshop.certificates import ca, key_usage
from tests.builders import certificate
from tests.pki.rebuilt import rebuilt
from tests.trusted import car, pki
from tests.vectors import genuine_res

CPS = pki().cps["A"]
LEAF = CPS.leaf.der


def judged(der: bytes) -> Role:
    """The same, by asn1crypto's own types."""
    parsed = asn1.Certificate.load(der)
    constraints, usage = parsed.basic_constraints_value, parsed.key_usage_value
    return Role(
        constraints is not None and bool(constraints["ca"].native),
        usage is None or "digital_signature" in usage.native,
        usage is None or "crl_sign" in usage.native,
    )


def genuine() -> list[bytes]:
    """The certificates of the published message: booleans that are not DER among them."""
    body = decode(genuine_res()).body
    assert isinstance(body, iso2.CertificateInstallationRes)
    chains = body.sa_provisioning_certificate_chain, body.contract_signature_cert_chain
    return [der for chain in chains for der in (chain.certificate, *chain.sub_certificates)]


@pytest.mark.parametrize(
    "der",
    [
        *genuine(),
        LEAF,
        car().leaf.der,
        pki().oem.root.der,
        pki().oem.sub_2.der,
        certificate("CN=Nobody"),
        with_leaf(CPS, usage=key_usage(agrees=True)).leaf.der,
        with_leaf(CPS, usage=key_usage(signs=True)).leaf.der,
        with_leaf(CPS, constraints=ca(0)).leaf.der,
    ],
)
def test_it_is_what_asn1crypto_reads(der: bytes) -> None:
    """Leaves and CAs, genuine ones too, and a certificate without extensions."""
    assert read_role(der) == judged(der)


def test_without_extensions_a_certificate_may_sign() -> None:
    """What is not limited is allowed (RFC 5280, 4.2.1.3), but nobody is a CA without saying so."""
    assert read_role(certificate("CN=Nobody")) == Role(
        is_ca=False, may_sign=True, may_sign_crls=True
    )


@pytest.mark.parametrize(
    "value", [x509.KeyUsage(*[True] + [False] * 8), x509.BasicConstraints(False, None)]
)
def test_an_extension_that_is_there_twice_has_no_meaning(value: x509.ExtensionType) -> None:
    """RFC 5280, 4.2; who takes the first and who takes the last would disagree."""
    builder = rebuilt(CPS.leaf.certificate, extensions=[]).add_extension(value, critical=False)
    stand_in = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.99"), value.public_bytes())
    der = builder.add_extension(stand_in, critical=False).sign(CPS.leaf.key, hashes.SHA256())
    other = bytes.fromhex("0603551d63")
    twice = der.public_bytes(Encoding.DER).replace(
        other, bytes.fromhex("0603551d") + bytes([int(value.oid.dotted_string.split(".")[-1])])
    )
    with pytest.raises(ValueError, match="twice"):
        read_role(twice)


@given(st.integers(0, len(LEAF) - 1), st.integers(0, 255))
@example(0, 0x31)
def test_a_changed_byte_raises_nothing_but_value_errors(place: int, byte: int) -> None:
    """Whatever stands there: an answer, or the one error that is expected."""
    changed = bytearray(LEAF)
    changed[place] = byte
    try:
        read_role(bytes(changed))
    except ValueError:
        return


@given(st.binary(max_size=64))
def test_no_bytes_raise_anything_but_value_errors(data: bytes) -> None:
    """Not even none at all."""
    try:
        read_role(data)
    except ValueError:
        return


URL = "http://pki.example/ocsp"


def with_urls(*extensions: x509.ExtensionType) -> bytes:
    """A certificate with these extensions and no others."""
    listed = [x509.Extension(one.oid, False, one) for one in extensions]
    builder = rebuilt(CPS.leaf.certificate, extensions=listed)
    return builder.sign(CPS.leaf.key, hashes.SHA256()).public_bytes(Encoding.DER)


def access(*urls: str, method: x509.ObjectIdentifier = AuthorityInformationAccessOID.OCSP):
    """The extension that names OCSP responders."""
    places = [x509.UniformResourceIdentifier(url) for url in urls]
    return x509.AuthorityInformationAccess([x509.AccessDescription(method, p) for p in places])


def points(*urls: str, **limits: Any) -> x509.CRLDistributionPoints:
    """The extension that names CRLs."""
    names = [x509.UniformResourceIdentifier(url) for url in urls]
    limits = {"reasons": None, "crl_issuer": None} | limits
    return x509.CRLDistributionPoints([x509.DistributionPoint(names, None, **limits)])


def test_where_the_status_is_told_is_read() -> None:
    """OCSP responders and CRLs, in the CA's order; where there are none, none."""
    der = with_urls(access(URL, "https://b.example"), points("http://c.example/x.crl"))
    assert read_status_urls(der) == ((URL, "https://b.example"), ("http://c.example/x.crl",))
    assert read_status_urls(LEAF) == read_status_urls(certificate("CN=Nobody")) == ((), ())


def test_genuine_certificates_are_read() -> None:
    """Also those whose extensions pyca/cryptography refuses."""
    read = [read_status_urls(der) for der in genuine()]
    judged = [asn1.Certificate.load(der).ocsp_urls for der in genuine()]
    assert [list(urls.ocsp) for urls in read] == judged
    assert any(judged)


@pytest.mark.parametrize(
    "extension",
    [
        access(URL, method=AuthorityInformationAccessOID.CA_ISSUERS),
        access("ldap://pki.example", "file:///etc/passwd", "http://", "http://a b", "x"),
        access("http://user@pki.example", "http://pki.example:port", "http://a\r\nX: y"),
        access("http://pki.example/" + "x" * 2048),
        points("ldap:///CN=x"),
        points(URL, reasons=frozenset([x509.ReasonFlags.key_compromise])),
        points(URL, crl_issuer=[x509.DirectoryName(CPS.leaf.certificate.subject)]),
    ],
)
def test_what_is_not_asked_is_left_out(extension: x509.ExtensionType) -> None:
    """Other protocols, no URLs at all, lists of some reasons or of somebody else."""
    assert read_status_urls(with_urls(extension)) == ((), ())


def test_a_few_are_enough() -> None:
    """Each once, and not all of very many."""
    many = [f"http://{n}.example" for n in range(100)]
    assert read_status_urls(with_urls(access(URL, URL, *many))).ocsp == (URL, *many[:3])


@pytest.mark.parametrize("value", [b"", b"\5\0", b"\x30\3\2\1\1", b"\x30\2\5\0"])
@pytest.mark.parametrize("oid", ["1.3.6.1.5.5.7.1.1", "2.5.29.31"])
def test_urls_that_cannot_be_read_are_told(oid: str, value: bytes) -> None:
    """As for all extensions."""
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
    with pytest.raises(ValueError, match="has an extension that cannot be read"):
        read_status_urls(with_urls(unknown))
