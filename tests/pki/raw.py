"""Certificates of any content, signed anew; encoded by hand, apart from the pool's own reader."""

from collections.abc import Sequence
from typing import Any

from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives.asymmetric import ec, ed448

from ccp.workshop.certificates import Identity
from ccp.workshop.profiles import certificate_hash


def tlv(tag: int, *parts: bytes) -> bytes:
    """One element in DER."""
    content = b"".join(parts)
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    length = size.to_bytes(1 if size < 256 else 2)
    return bytes((tag, 0x80 | len(length))) + length + content


def oid(dotted: str) -> bytes:
    """An object identifier, encoded."""
    return asn1.ExtensionId(dotted).dump()


def extension(dotted: str, value: bytes, critical: bytes = b"") -> bytes:
    """An extension; *critical* is its BOOLEAN, encoded."""
    return tlv(0x30, oid(dotted), critical, tlv(0x04, value))


def extensions_of(der: bytes) -> dict[str, bytes]:
    """The extensions of a certificate, encoded, by object identifier."""
    found = asn1.Certificate.load(der)["tbs_certificate"]["extensions"]
    return {one["extn_id"].dotted: one.dump() for one in found}


def resigned(old: bytes, signer: Any, **fields: bytes | Sequence[bytes]) -> bytes:
    """
    Sign a certificate anew, with other fields, each encoded.

    Args:
        signer: The private key of its issuer.
        fields: version, serial_number, signature, issuer, validity, subject,
            subject_public_key_info, and extensions: a list.
    """
    tbs = asn1.Certificate.load(old)["tbs_certificate"]
    names = ("version", "serial_number", "signature", "issuer", "validity", "subject")
    parts = {name: tbs[name].dump() for name in (*names, "subject_public_key_info", "extensions")}
    parts["version"] = tlv(0xA0, tlv(0x02, b"\2"))
    if "extensions" in fields:
        fields["extensions"] = tlv(0xA3, tlv(0x30, *fields["extensions"]))
    parts |= fields  # type: ignore[arg-type]
    signed = tlv(0x30, *parts.values())
    return tlv(0x30, signed, parts["signature"], tlv(0x03, b"\0", signature(signer, signed)))


def signature(key: Any, signed: bytes) -> bytes:
    """Sign as the CAs of each edition do."""
    if isinstance(key, ed448.Ed448PrivateKey):
        return key.sign(signed)
    return key.sign(signed, ec.ECDSA(certificate_hash(key)))


def with_extensions(old: Identity, signer: Identity, *added: bytes, dotted: str = "") -> bytes:
    """Issue a certificate again with more extensions, and without that of *dotted*."""
    kept = {name: one for name, one in extensions_of(old.der).items() if name != dotted}
    return resigned(old.der, signer.key, extensions=[*kept.values(), *added])
