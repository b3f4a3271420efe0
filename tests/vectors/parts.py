"""What the messages of both editions are put together from: signatures, and edits of XML."""

from dataclasses import dataclass, replace
from random import Random

from ccp.iso15118 import (
    Message,
    Reference,
    Signature,
    SignatureMethod,
    SignatureValue,
    SignedInfo,
    Transform,
)

CANONICAL_EXI = "http://www.w3.org/TR/canonical-exi/"
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
SERIALS = (0, -1, 127, 128, -128, -129, 2**63, 2**127, 2**159 - 1, -(2**100))
ISSUERS = ("ÄÖÜ GmbH", "日本", "🚗 car", "CN=" + "x" * 200, "a, b + c")


@dataclass(frozen=True)
class Signing:
    """The algorithms that an edition signs with, by their URIs, and how long their values are."""

    draw: Random
    signature_method: str
    digest_method: str
    digest_size: int
    signature_size: int

    def reference(self, uri: str, digest: bytes) -> Reference:
        return Reference(self.digest_method, digest, [Transform(CANONICAL_EXI)], uri=uri)

    def signature(self, *references: Reference) -> Signature:
        """A signature of random octets."""
        method = SignatureMethod(self.signature_method)
        info = SignedInfo(CANONICAL_EXI, method, list(references))
        return Signature(info, SignatureValue(self.draw.randbytes(self.signature_size)))

    def full_signature(self) -> Signature:
        """Every attribute and element of XML Signature that the codec keeps."""
        transforms = [
            Transform(CANONICAL_EXI),
            Transform("http://www.w3.org/TR/1999/REC-xpath-19991116", ["self::node()", "/a"]),
        ]
        digest, size, draw = self.digest_method, self.digest_size, self.draw
        references = [
            Reference(digest, draw.randbytes(size), transforms, "r1", "urn:type", "#id1"),
            Reference(digest, draw.randbytes(size), id="r2"),
            Reference(digest, draw.randbytes(size), type="urn:type"),
            Reference(digest, draw.randbytes(size), id="r4", uri="#id4"),
        ]
        method = SignatureMethod(self.signature_method, 256)
        info = SignedInfo(CANONICAL_EXI, method, references, "info")
        value = SignatureValue(draw.randbytes(self.signature_size), "value")
        return Signature(info, value, "signature")


def with_header(message: Message, **changes: object) -> Message:
    return replace(message, header=replace(message.header, **changes))


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


def departures_in_signature(signed: str) -> dict[str, str]:
    """What *signed* may hold beside what ISO 15118 uses of XML Signature."""
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
    }


def departures_in_root(plain: str) -> dict[str, str]:
    """What *plain* may hold in its only root, CN=V2GRootCA with the serial number 12345."""
    issuer, serial = prefix(plain, "X509IssuerName"), prefix(plain, "X509SerialNumber")
    return {
        "empty X509IssuerName": change(plain, ">CN=V2GRootCA<", "><"),
        "serial not a number": change(plain, f"{serial}>12345<", f"{serial}>0x3039<"),
        "xsi:type on a simple element": change(
            plain,
            f"<{issuer}>",
            f'<{issuer} {XSI} xmlns:xs="http://www.w3.org/2001/XMLSchema" xsi:type="xs:string">',
        ),
        "xsi:nil": change(plain, f"<{issuer}>", f'<{issuer} {XSI} xsi:nil="false">'),
        "comment and indentation": change(plain, f"<{issuer}>", f"<!-- c -->\n <{issuer}>"),
        "missing X509SerialNumber": change(plain, f"<{serial}>12345</{serial}>", ""),
        "additional element": change(plain, f"<{issuer}>", f"<{issuer}>twice</{issuer}><{issuer}>"),
    }
