"""What a leaf may do, read from two of its extensions; asn1crypto is the judge."""

import pytest
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import example, given
from hypothesis import strategies as st

from ccp.iso15118 import decode, iso2
from ccp.pki.extensions import Role, read_role
from ccp.workshop.certificates import ca, key_usage
from ccp.workshop.misissued import with_leaf
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
