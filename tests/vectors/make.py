"""
Make the vectors anew: messages that EXIficient encoded, and what it says they mean.

Run by hand, ``python -m tests.vectors.make``; needs Java. The vehicles' keys are drawn anew and
thrown away, so requests.json differs from run to run; the other files do not.
"""

import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ccp.iso15118 import (
    Message,
    Reference,
    RootCertificateID,
    Signature,
    SignatureMethod,
    SignatureValue,
    SignedInfo,
    Transform,
    iso2,
)
from ccp.iso15118.iso2_schema import FAULT_CODES, RESPONSE_CODES
from tests.iso15118.as_xml import element_xml, message_xml
from tests.iso15118.exificient import Exificient

FOLDER = Path(__file__).parent
CANONICAL_EXI = "http://www.w3.org/TR/canonical-exi/"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
SHA256_URI = "http://www.w3.org/2001/04/xmlenc#sha256"
draw = Random(15118)  # noqa: S311

REQ_ELEMENTS = ("CertificateInstallationReq",)
RES_ELEMENTS = (
    "ContractSignatureCertChain",
    "ContractSignatureEncryptedPrivateKey",
    "DHpublickey",
    "eMAID",
)


def reference(uri: str, digest: bytes) -> Reference:
    return Reference(SHA256_URI, digest, [Transform(CANONICAL_EXI)], uri=uri)


def signature(*references: Reference) -> Signature:
    info = SignedInfo(CANONICAL_EXI, SignatureMethod(ECDSA_SHA256), list(references))
    return Signature(info, SignatureValue(draw.randbytes(64)))


def req(*roots: RootCertificateID, certificate: int = 20, id_: str = "id1") -> Message:
    roots = roots or (RootCertificateID("CN=V2GRootCA", 12345),)
    body = iso2.CertificateInstallationReq(id_, draw.randbytes(certificate), list(roots))
    return Message(iso2.Header(draw.randbytes(8)), body)


def res(code: str = "OK", subs: tuple[int, int] = (2, 2), size: int = 12) -> Message:
    def chain(count: int, id_: str | None) -> iso2.CertificateChain:
        return iso2.CertificateChain(
            draw.randbytes(size), [draw.randbytes(size + n) for n in range(count)], id_
        )

    body = iso2.CertificateInstallationRes(
        code,
        chain(subs[0], None),
        chain(subs[1], "id1"),
        iso2.ContractSignatureEncryptedPrivateKey("id2", draw.randbytes(48)),
        iso2.DiffieHellmanPublickey("id3", b"\4" + draw.randbytes(64)),
        iso2.EMAID("id4", "DE8AA1A2B3C4D59"),
    )
    return Message(iso2.Header(draw.randbytes(8)), body)


def with_header(message: Message, **changes: object) -> Message:
    return replace(message, header=replace(message.header, **changes))


def full_signature() -> Signature:
    """Every attribute and element of XML Signature that the codec keeps."""
    transforms = [
        Transform(CANONICAL_EXI),
        Transform("http://www.w3.org/TR/1999/REC-xpath-19991116", ["self::node()", "/a"]),
    ]
    references = [
        Reference(SHA256_URI, draw.randbytes(32), transforms, "r1", "urn:type", "#id1"),
        Reference(SHA256_URI, draw.randbytes(32), id="r2"),
        Reference(SHA256_URI, draw.randbytes(32), type="urn:type"),
        Reference(SHA256_URI, draw.randbytes(32), id="r4", uri="#id4"),
    ]
    info = SignedInfo(CANONICAL_EXI, SignatureMethod(ECDSA_SHA256, 256), references, "info")
    return Signature(info, SignatureValue(draw.randbytes(64), "value"), "signature")


def shapes() -> dict[str, Message]:
    """Valid messages in many shapes, by name."""
    found = {"req": req(), "res": res()}
    for length in range(1, 9):
        found[f"session id of {length}"] = with_header(req(), session_id=draw.randbytes(length))
    for count in (1, 2, 3, 19):
        roots = [
            RootCertificateID(f"CN=Root {n},C=DE", draw.getrandbits(128)) for n in range(count)
        ]
        found[f"roots {count}"] = req(*roots)
    for serial in (0, -1, 127, 128, -128, -129, 2**63, 2**127, 2**159 - 1, -(2**100)):
        found[f"serial {serial}"] = req(RootCertificateID("CN=Root", serial))
    for issuer in ("ÄÖÜ GmbH", "日本", "🚗 car", "CN=" + "x" * 200, "a, b + c"):
        found[f"issuer {issuer[:10]}"] = req(RootCertificateID(issuer, 1))
    for size in (1, 127, 128, 799, 800):
        found[f"certificate of {size}"] = req(certificate=size)
    found["req signed"] = with_header(req(), signature=signature(reference("#id1", b"\1" * 32)))
    found["req, every part of a signature"] = with_header(req(), signature=full_signature())
    for fault in FAULT_CODES:
        found[f"fault {fault}"] = with_header(req(), notification=iso2.Notification(fault))
    found["fault message"] = with_header(
        res(), notification=iso2.Notification(FAULT_CODES[2], "Öl" * 32)
    )
    found["everything in the header"] = with_header(
        res(), notification=iso2.Notification(FAULT_CODES[0], "m"), signature=full_signature()
    )
    for code in RESPONSE_CODES:
        found[f"code {code}"] = res(code, (0, 0), 1)
    for sa, contract in ((0, 1), (1, 0), (2, 3), (3, 4), (4, 2), (4, 4)):
        found[f"sub-certificates {sa} and {contract}"] = res(subs=(sa, contract))
    four = [reference(f"#id{n}", draw.randbytes(32)) for n in (2, 1, 4, 3)]
    found["res signed"] = with_header(res(size=650), signature=signature(*four))
    identified = res()
    identified.body.sa_provisioning_certificate_chain.id = "id0"
    found["SA chain with an id"] = identified
    return found


def departures() -> dict[str, str]:
    """What XML may hold and ISO 15118 does not use, by name; valid or not under the schemas."""
    plain = message_xml(with_header(req(), session_id=bytes(range(1, 9))))
    signed = message_xml(with_header(req(), signature=signature(reference("#id1", b"\1" * 32))))
    noted = message_xml(
        with_header(req(), notification=iso2.Notification(FAULT_CODES[0], "message"))
    )
    made = message_xml(res(size=1))
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'

    def change(xml: str, old: str, new: str) -> str:
        assert xml.count(old) == 1, (old, xml)
        return xml.replace(old, new)

    def prefix(xml: str, name: str) -> str:
        """The name as it is spelled in *xml*, with its prefix."""
        return xml[: xml.index(f":{name}")].rpartition("<")[2].rpartition("/")[2] + f":{name}"

    def fill(xml: str, name: str, inside: str) -> str:
        """*xml* with *inside* put into the element *name*, which is empty."""
        start = xml.index(f"<{prefix(xml, name)} ")
        end = xml.index(" />", start)
        return xml[:end] + f">{inside}</{prefix(xml, name)}>" + xml[end + 3 :]

    serial = "X509SerialNumber>12345<"
    issuer = prefix(plain, "X509IssuerName")
    code = prefix(made, "ResponseCode")
    id_ = prefix(plain, "CertificateInstallationReq").replace("CertificateInstallationReq", "Id")
    value_end = f"</{prefix(signed, 'SignatureValue')}>"
    ds = prefix(signed, "Signature").partition(":")[0]
    return {
        "KeyInfo": change(
            signed,
            value_end,
            f"{value_end}<{ds}:KeyInfo><{ds}:KeyName>k</{ds}:KeyName></{ds}:KeyInfo>",
        ),
        "Object": change(signed, value_end, f"{value_end}<{ds}:Object>o</{ds}:Object>"),
        "text in Transform": fill(signed, "Transform", "text"),
        "text in DigestMethod": fill(signed, "DigestMethod", "text"),
        "text in SignatureMethod": fill(signed, "SignatureMethod", "text"),
        "text in CanonicalizationMethod": fill(signed, "CanonicalizationMethod", "text"),
        "element in DigestMethod": fill(signed, "DigestMethod", '<a xmlns="urn:a">1</a>'),
        "element in Transform": fill(signed, "Transform", '<a xmlns="urn:a">1</a>'),
        "empty SessionID": change(plain, ">0102030405060708<", "><"),
        "empty FaultMsg": change(noted, ">message<", "><"),
        "empty X509IssuerName": change(plain, ">CN=V2GRootCA<", "><"),
        "unknown ResponseCode": change(made, f"{code}>OK<", f"{code}>GREAT<"),
        "serial not a number": change(plain, serial, "X509SerialNumber>0x3039<"),
        "xsi:type on a simple element": change(
            plain,
            f"<{issuer}>",
            f'<{issuer} {xsi} xmlns:xs="http://www.w3.org/2001/XMLSchema" xsi:type="xs:string">',
        ),
        "xsi:type on the request": change(
            plain, f" {id_}=", f' {xsi} xsi:type="{id_[:-3]}:CertificateInstallationReqType" {id_}='
        ),
        "xsi:nil": change(plain, f"<{issuer}>", f'<{issuer} {xsi} xsi:nil="false">'),
        "xsi:schemaLocation": change(
            plain, f" {id_}=", f' {xsi} xsi:schemaLocation="urn:a a.xsd" {id_}='
        ),
        "comment and indentation": change(plain, f"<{issuer}>", f"<!-- c -->\n <{issuer}>"),
        "undeclared attribute": change(plain, f" {id_}=", f' xmlns:z="urn:z" z:z="1" {id_}='),
        "missing Id": change(plain, f' {id_}="id1"', ""),
        "missing X509SerialNumber": change(
            plain,
            f"<{prefix(plain, 'X509SerialNumber')}>12345</{prefix(plain, 'X509SerialNumber')}>",
            "",
        ),
        "additional element": change(plain, f"<{issuer}>", f"<{issuer}>twice</{issuer}><{issuer}>"),
        "801 bytes": message_xml(with_header(req(certificate=801))),
    }


def requests(oracle: Exificient) -> list[dict[str, str]]:
    """Requests as vehicles send them, signed; the sub-CAs that issued the leaves do not exist."""
    made = []
    for pcid, issuer, count, serials in (
        ("WAUZZZ4B0CC012345", "CN=OEM Sub2 CA,O=OEM Test,C=DE,DC=OEM", 2, 128),
        ("WP0ZZZ99ZTS392124", "CN=OEM Prov Sub CA 2", 4, 128),
        ("HUBOpenProvCert01", "CN=OEM Sub2 CA QA G1.2,O=Open Test OEM,C=DE,DC=OEM", 3, 64),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = [(NameOID.COMMON_NAME, pcid), (NameOID.ORGANIZATION_NAME, "OEM Test")]
        subject += [(NameOID.COUNTRY_NAME, "DE"), (NameOID.DOMAIN_COMPONENT, "OEM")]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(*pair) for pair in subject]))
            .issuer_name(x509.Name.from_rfc4514_string(issuer))
            .public_key(key.public_key())
            .serial_number(draw.getrandbits(127))
            .not_valid_before(datetime(2024, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2054, 1, 1, tzinfo=UTC))
            .add_extension(
                x509.KeyUsage(True, False, False, False, True, False, False, False, False),
                critical=True,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .sign(ec.generate_private_key(ec.SECP256R1()), SHA256())
        )
        roots = [
            RootCertificateID(f"CN=V2G Root CA QA G{n},DC=V2G,C=DE", draw.getrandbits(serials))
            for n in range(1, count + 1)
        ]
        der = certificate.public_bytes(Encoding.DER)
        message = Message(
            iso2.Header(draw.randbytes(8)), iso2.CertificateInstallationReq("id1", der, roots)
        )
        digest = Hash(SHA256())
        digest.update(
            oracle.encode(element_xml(message, "CertificateInstallationReq"), fragment=True)
        )
        message.header.signature = signature(reference("#id1", digest.finalize()))
        info = oracle.encode(element_xml(message, "SignedInfo"), "xmldsig", fragment=True)
        r, s = decode_dss_signature(key.sign(info, ec.ECDSA(SHA256())))
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        message.header.signature.signature_value.value = raw
        made.append({"pcid": pcid} | vector(oracle, message))
    return made


def vector(oracle: Exificient, message: Message) -> dict[str, str]:
    exi = oracle.encode(message_xml(message))
    return {"exi": b64encode(exi).decode(), "xml": oracle.decode(exi)}


def fragments(oracle: Exificient, message: Message) -> dict[str, str]:
    """All fragments of a message, base64, by name; SignedInfo also under the message's grammar."""
    names = (
        REQ_ELEMENTS if isinstance(message.body, iso2.CertificateInstallationReq) else RES_ELEMENTS
    )
    made = {name: oracle.encode(element_xml(message, name), fragment=True) for name in names}
    if message.header.signature:
        xml = element_xml(message, "SignedInfo")
        made["SignedInfo"] = oracle.encode(xml, "xmldsig", fragment=True)
        made["SignedInfo, message grammar"] = oracle.encode(xml, fragment=True)
    return {name: b64encode(exi).decode() for name, exi in made.items()}


def main() -> None:
    oracle = Exificient()
    found = {
        "shapes": [
            {"name": name} | vector(oracle, message) | {"fragments": fragments(oracle, message)}
            for name, message in shapes().items()
        ],
        "departures": [
            {"name": name, "exi": b64encode(oracle.encode(xml)).decode(), "xml": xml}
            for name, xml in departures().items()
        ],
        "requests": requests(oracle),
    }
    for name, vectors in found.items():
        text = json.dumps(vectors, indent=1, ensure_ascii=False)
        (FOLDER / f"{name}.json").write_text(text + "\n")
    oracle.close()


if __name__ == "__main__":
    main()
