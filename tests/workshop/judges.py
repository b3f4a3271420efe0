"""EXIficient and OpenSSL as judges of what CPS and car have signed."""

from pathlib import Path
from xml.etree.ElementTree import fromstring, tostring

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ccp.iso15118 import decode
from ccp.workshop import EDITION_2, EDITION_20, Edition
from ccp.workshop.profiles import PublicKey
from tests.iso15118.exificient import Exificient
from tests.workshop.openssl import openssl

GRAMMARS = {EDITION_2: "iso2", EDITION_20: "iso20"}
DIGESTS = {EDITION_2: "sha256", EDITION_20: "sha512"}


def fragment_of(
    exificient: Exificient, exi: bytes, name: str, edition: Edition, *, grammar: str | None = None
) -> bytes:
    """The fragment of an element of a message, which EXIficient has read and encoded anew."""
    xml = fromstring(exificient.decode(exi, GRAMMARS[edition]))  # noqa: S314
    (element,) = [one for one in xml.iter() if one.tag.rpartition("}")[2] == name]
    element.tail = None
    text = tostring(element, "unicode")
    return exificient.encode(text, grammar or GRAMMARS[edition], fragment=True)


def signed_info_holds(
    folder: Path, exi: bytes, fragment: bytes, key: PublicKey, edition: Edition
) -> bool:
    """Whether OpenSSL takes the SignatureValue for that of a SignedInfo's *fragment*."""
    signature = decode(exi).header.signature
    assert signature
    value = signature.signature_value.value
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "key.pem").write_bytes(pem)
    (folder / "signed").write_bytes(fragment)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        (folder / "signature").write_bytes(value)
        arguments = ("-pubin", "-inkey", "key.pem", "-sigfile", "signature", "-in", "signed")
        ran = openssl("pkeyutl", "-verify", "-rawin", *arguments, folder=folder)
        return ran.returncode == 0
    half = (key.key_size + 7) // 8
    assert len(value) == 2 * half
    r, s = int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big")
    (folder / "signature").write_bytes(encode_dss_signature(r, s))
    arguments = ("-verify", "key.pem", "-signature", "signature", "signed")
    return openssl("dgst", f"-{DIGESTS[edition]}", *arguments, folder=folder).returncode == 0
