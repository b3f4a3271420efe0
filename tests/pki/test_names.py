"""Distinguished names, as we write them and as cars do."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from ccp.pki.names import distinguished_name, names_agree
from tests.builders import NOW, name
from tests.workshop.openssl import needs_openssl, openssl

OURS = "CN=V2G Root CA QA G1, DC=V2G, O=Hubject GmbH, C=DE"


def test_a_name_is_written_as_the_published_example() -> None:
    """The order and the spaces are those of the published cpsRootDistinguishedName."""
    assert distinguished_name(name("CN=V2G Root CA QA G1,DC=V2G,O=Hubject GmbH,C=DE")) == OURS


@pytest.mark.parametrize(
    "given_name",
    [
        "CN=V2G Root CA QA G1,DC=V2G,O=Hubject GmbH,C=DE",
        "DC=V2G,C=DE,O=Hubject GmbH,CN=V2G Root CA QA G1",
        "C=DE; O=Hubject GmbH; DC=V2G; CN=V2G Root CA QA G1",
        "CN = V2G Root CA QA G1 , O = Hubject GmbH",
        "cn=v2g root ca qa g1",
        "CN=V2G  Root CA QA G1",
        "V2G Root CA QA G1",
        "<Name(C=DE,O=Hubject GmbH,DC=V2G,CN=V2G Root CA QA G1)>",
        "0.9.2342.19200300.100.1.25=V2G,CN=V2G Root CA QA G1",
        "OID.0.9.2342.19200300.100.1.25=V2G,CN=V2G Root CA QA G1",
    ],
)
def test_cars_write_one_name_in_many_ways(given_name: str) -> None:
    """Order, case, spaces, separators and left-out attributes do not matter."""
    assert names_agree(given_name, OURS)


@pytest.mark.parametrize(
    "given_name",
    [
        "",
        " ",
        ",",
        "CN=",
        "<Name()>",
        "CN=V2G Root CA QA G2",
        "CN=V2G Root CA QA G1,DC=V2G,O=Hubject GmbH,C=FR",
        "CN=V2G Root CA QA G1,OU=Unknown",
        "O=V2G Root CA QA G1",
        "Root",
    ],
)
def test_another_name_does_not_agree(given_name: str) -> None:
    """One attribute that is not ours makes another name, and nothing at all agrees with nothing."""
    assert not names_agree(given_name, OURS)


def test_an_escaped_comma_belongs_to_its_value() -> None:
    """RFC 4514 escapes a comma with a backslash, in ours and in the car's."""
    ours = distinguished_name(name("CN=Root,O=Hubject\\, Inc."))
    assert names_agree("O=Hubject\\, Inc.,CN=Root", ours)
    assert not names_agree("O=Hubject,CN=Root", ours)


ODD = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
        x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "V2G"),
        x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "#x"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Hubject / Partner = GmbH, Inc."),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "a=b"),
        x509.NameAttribute(NameOID.COMMON_NAME, 'V2G, Root "A" +1;é'),
    ]
)
ODD_DN = distinguished_name(ODD)


@pytest.mark.parametrize(
    "given_name",
    [
        r"CN=V2G\2C Root \22A\22 \2B1\3B\C3\a9,C=DE",  # RFC 4514, 2.4: every octet in hex
        r'CN="V2G, Root \"A\" +1;é",O="Hubject / Partner = GmbH, Inc."',  # RFC 2253, 4
        r'CN = "V2G, Root \"A\" +1;é" ; OID.2.5.4.8=\#x',
        "CN=#0C16" + 'V2G, Root "A" +1;é'.encode().ljust(22).hex() + ",DC=V2G",
        "2.5.4.3=#1E24" + 'V2G, Root "A" +1;é'.encode("utf-16-be").hex(),  # a BMPString
        r'/C=DE/DC=V2G/O=Hubject / Partner = GmbH, Inc./CN=V2G, Root "A" +1;\xC3\xA9',
        "/C=DE/ST=#x/OU=a=b",
        'CN=V2G, Root \\"A\\" +1;é, O=Hubject / Partner = GmbH, Inc., C=DE',  # not escaped
        "countryName = DE\norganizationalUnitName = a=b\r\ndomainComponent=V2G\n",
        "O=Hubject\\ / Partner \\= GmbH\\, Inc.\\ ,",
        r'V2G\, Root "A" +1\;é',
        r"C=DE,DC=V2G\ ",
        "  <Name(C=DE,DC=V2G)>\n",
    ],
)
def test_names_agree_in_each_form_of_rfc_4514_and_before(given_name: str) -> None:
    """Escapes, hex, quotes, slashes, lines, and separators that were not escaped."""
    assert names_agree(given_name, ODD_DN)


@pytest.mark.parametrize(
    "given_name",
    [
        "CN=V2G",
        r"CN=V2G\, Root",
        r"CN=#0403563247",  # an OCTET STRING
        "CN=#0C0256",  # broken BER
        "/C=DE/O=Hubject",
        "/C=DE/O=Hubject / Partner",
        'O="Hubject / Partner = GmbH"',
        r"O=Hubject / Partner \= GmbH\, Inc.,DC=CPO",
        "CN=" + "x" * 5000,
    ],
)
def test_names_agree_with_a_part_of_a_value_is_false(given_name: str) -> None:
    assert not names_agree(given_name, ODD_DN)


_VALUES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)


@given(st.dictionaries(st.sampled_from(["CN", "O", "OU", "L", "ST"]), _VALUES, min_size=1))
def test_names_agree_with_what_another_library_writes(values: dict[str, str]) -> None:
    """Any name, as pyca/cryptography writes it, in both orders and as Python shows it."""
    kinds = {
        "CN": NameOID.COMMON_NAME,
        "O": NameOID.ORGANIZATION_NAME,
        "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
        "L": NameOID.LOCALITY_NAME,
        "ST": NameOID.STATE_OR_PROVINCE_NAME,
    }
    ours = x509.Name([x509.NameAttribute(kinds[kind], text) for kind, text in values.items()])
    for given_name in (
        ours.rfc4514_string(),
        x509.Name(reversed(ours.rdns)).rfc4514_string(),
        repr(ours),
    ):
        assert names_agree(given_name, distinguished_name(ours))


@needs_openssl
@pytest.mark.parametrize(
    "form",
    [
        "rfc2253",
        "oneline",
        "compat",
        "multiline",
        "RFC2253,-esc_msb",
        "oneline,sep_semi_plus_space",
    ],
)
def test_names_agree_with_what_openssl_writes(form: str, tmp_path: Path) -> None:
    """Each form of `openssl x509 -nameopt`; the slashes are its form of old."""
    save_certificate(tmp_path / "root.der", ODD)
    arguments = ("-inform", "DER", "-in", "root.der", "-noout", "-subject", "-nameopt", form)
    ran = openssl("x509", *arguments, folder=tmp_path)
    assert ran.returncode == 0
    given_name = ran.stdout.decode().removeprefix("subject=").strip()
    assert names_agree(given_name, ODD_DN)
    assert not names_agree(given_name.replace("V2G", "V3G"), ODD_DN)


def save_certificate(path: Path, subject: x509.Name) -> None:
    """Write a certificate with this subject, DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1, NOW, NOW)
    path.write_bytes(builder.sign(key, SHA256()).public_bytes(Encoding.DER))


@given(st.text(max_size=200) | st.binary(max_size=20).map(lambda data: f"CN=#{data.hex()}"))
def test_any_text_is_a_name_or_none(text: str) -> None:
    """A car may send anything: the comparison answers, it does not fail."""
    assert names_agree(text, OURS) in (True, False)
