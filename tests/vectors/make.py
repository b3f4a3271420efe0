"""
Make the vectors anew: messages that EXIficient encoded, and what it says they mean.

Run by hand, ``python -m tests.vectors.make [NAME...]``, where names are those of the files without
``.json``, by default all; needs Java. The vehicles' keys are drawn anew and thrown away, so
requests differ from run to run; the other files do not.
"""

import json
import sys
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA512, Hash, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from ccp.iso15118 import ISO2, ISO20, Message, RootCertificateID, edition_of, iso2, iso20
from tests.iso15118.as_xml import element_xml, message_xml
from tests.iso15118.elements import signed_elements
from tests.iso15118.exificient import Exificient
from tests.vectors import iso2_messages, iso20_messages
from tests.vectors.parts import Signing

FOLDER = Path(__file__).parent
GRAMMARS = {ISO2: "iso2", ISO20: "iso20"}


def certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    serial: int,
    path_length: int | None = None,
) -> bytes:
    """X.509 DER; the names are RFC 4514 texts, and a CA's certificate has a path length."""
    is_ca = path_length is not None
    use = x509.KeyUsage(not is_ca, False, False, False, not is_ca, is_ca, is_ca, False, False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name.from_rfc4514_string(subject))
        .issuer_name(x509.Name.from_rfc4514_string(issuer))
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(datetime(2024, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2054, 1, 1, tzinfo=UTC))
        .add_extension(use, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )
    if is_ca:
        builder = builder.add_extension(x509.BasicConstraints(True, path_length), critical=True)
    hash_ = SHA256() if issuer_key.key_size == 256 else SHA512()
    return builder.sign(issuer_key, hash_).public_bytes(Encoding.DER)


def sign(
    oracle: Exificient, message: Message, signing: Signing, key: ec.EllipticCurvePrivateKey
) -> None:
    """Put a valid signature into a request, about the one element of it that is signed."""
    hash_: HashAlgorithm = SHA256() if key.key_size == 256 else SHA512()
    (name,) = signed_elements(message)
    digest = Hash(hash_)
    xml = element_xml(message, name)
    digest.update(oracle.encode(xml, GRAMMARS[edition_of(message)], fragment=True))
    made = signing.signature(signing.reference("#id1", digest.finalize()))
    message.header.signature = made
    info = oracle.encode(element_xml(message, "SignedInfo"), "xmldsig", fragment=True)
    size = signing.signature_size // 2
    r, s = decode_dss_signature(key.sign(info, ec.ECDSA(hash_)))
    made.signature_value.value = r.to_bytes(size, "big") + s.to_bytes(size, "big")


def roots(signing: Signing, count: int, serials: int) -> list[RootCertificateID]:
    """Roots with random serial numbers of that many bits."""
    return [
        RootCertificateID(f"CN=V2G Root CA QA G{n},DC=V2G,C=DE", signing.draw.getrandbits(serials))
        for n in range(1, count + 1)
    ]


def iso2_requests(oracle: Exificient) -> list[dict[str, str]]:
    """Requests as vehicles send them, signed; the sub-CAs that issued the leaves do not exist."""
    made = []
    signing, draw = iso2_messages.signing, iso2_messages.draw
    for pcid, issuer, count, serials in (
        ("WAUZZZ4B0CC012345", "CN=OEM Sub2 CA,O=OEM Test,C=DE,DC=OEM", 2, 128),
        ("WP0ZZZ99ZTS392124", "CN=OEM Prov Sub CA 2", 4, 128),
        ("HUBOpenProvCert01", "CN=OEM Sub2 CA QA G1.2,O=Open Test OEM,C=DE,DC=OEM", 3, 64),
    ):
        key, ca = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        subject = f"DC=OEM,C=DE,O=OEM Test,CN={pcid}"
        der = certificate(subject, key, issuer, ca, serial=draw.getrandbits(127))
        body = iso2.CertificateInstallationReq("id1", der, roots(signing, count, serials))
        message = Message(iso2.Header(draw.randbytes(8)), body)
        sign(oracle, message, signing, key)
        made.append({"pcid": pcid} | vector(oracle, message))
    return made


def iso20_requests(oracle: Exificient) -> list[dict[str, str]]:
    """Requests as vehicles send them, signed, with two sub-CAs; the root does not exist."""
    made = []
    signing, draw = iso20_messages.signing, iso20_messages.draw
    for pcid, time_stamp, most, emaids, count, sub_ca_first in (
        ("WAUZZZ4B0CC0123456", 1_760_000_000, 1, [], 2, False),
        ("WP0ZZZ99ZTS3921244", 1_760_000_000_123, 3, ["DE8AA1A2B3C4D59"], 4, True),
        ("HUBOpenProvCert020", 1_760_000_000_123_456, 255, ["DEICECOPNCCERT", "a" * 255], 3, False),
    ):
        names = [
            f"DC=OEM,C=DE,O=OEM Test,CN={name}"
            for name in (pcid, "OEM Sub2 CA", "OEM Sub1 CA", "OEM Root CA")
        ]
        keys = [ec.generate_private_key(ec.SECP521R1()) for _ in names]
        leaf, sub2, sub1 = (
            certificate(
                names[n],
                keys[n],
                names[n + 1],
                keys[n + 1],
                serial=draw.getrandbits(127),
                path_length=n - 1 if n else None,
            )
            for n in range(3)
        )
        subs = [sub1, sub2] if sub_ca_first else [sub2, sub1]
        body = iso20.CertificateInstallationReq(
            iso20.SignedCertificateChain("id1", leaf, subs),
            roots(signing, count, 128),
            most,
            emaids,
        )
        message = Message(iso20.Header(draw.randbytes(8), time_stamp), body)
        sign(oracle, message, signing, keys[0])
        made.append({"pcid": pcid} | vector(oracle, message))
    return made


def vector(oracle: Exificient, message: Message) -> dict[str, str]:
    grammar = GRAMMARS[edition_of(message)]
    exi = oracle.encode(message_xml(message), grammar)
    return {"exi": b64encode(exi).decode(), "xml": oracle.decode(exi, grammar)}


def fragments(oracle: Exificient, message: Message) -> dict[str, str]:
    """All fragments of a message, base64, by name; SignedInfo also under the message's grammar."""
    grammar = GRAMMARS[edition_of(message)]
    names = list(signed_elements(message))
    if message.header.signature:
        names.remove("SignedInfo")
    made = {
        name: oracle.encode(element_xml(message, name), grammar, fragment=True) for name in names
    }
    if message.header.signature:
        xml = element_xml(message, "SignedInfo")
        made["SignedInfo"] = oracle.encode(xml, "xmldsig", fragment=True)
        made["SignedInfo, message grammar"] = oracle.encode(xml, grammar, fragment=True)
    return {name: b64encode(exi).decode() for name, exi in made.items()}


def shapes(oracle: Exificient, messages: dict[str, Message]) -> list[dict[str, object]]:
    return [
        {"name": name} | vector(oracle, message) | {"fragments": fragments(oracle, message)}
        for name, message in messages.items()
    ]


def departures(oracle: Exificient, texts: dict[str, str], grammar: str) -> list[dict[str, str]]:
    return [
        {"name": name, "exi": b64encode(oracle.encode(xml, grammar)).decode(), "xml": xml}
        for name, xml in texts.items()
    ]


def main(names: Sequence[str]) -> None:
    oracle = Exificient()
    found = {
        "shapes": shapes(oracle, iso2_messages.shapes()),
        "departures": departures(oracle, iso2_messages.departures(), "iso2"),
        "requests": iso2_requests(oracle),
        "shapes-20": shapes(oracle, iso20_messages.shapes()),
        "departures-20": departures(oracle, iso20_messages.departures(), "iso20"),
        "requests-20": iso20_requests(oracle),
    }
    for name in names or found:
        text = json.dumps(found[name], indent=1, ensure_ascii=False)
        (FOLDER / f"{name}.json").write_text(text + "\n")
    oracle.close()


if __name__ == "__main__":
    main(sys.argv[1:])
