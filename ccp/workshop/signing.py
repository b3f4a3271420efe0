"""XML-DSig over EXI fragments, as CPS and car sign: one Reference for each signed element."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from ccp.iso15118 import (
    ISO2,
    Message,
    Reference,
    Signature,
    SignatureMethod,
    SignatureValue,
    SignedInfo,
    Transform,
    encode_fragment,
    iso2,
)
from ccp.workshop.errors import WorkshopError

CANONICAL_EXI = "http://www.w3.org/TR/canonical-exi/"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
SHA256_URI = "http://www.w3.org/2001/04/xmlenc#sha256"


def signed_elements(message: Message) -> Mapping[str, Any]:
    """What ISO 15118-2 has signed in a message: elements, by name, in their order."""
    body = message.body
    if isinstance(body, iso2.CertificateInstallationReq):
        return {"CertificateInstallationReq": body}
    if not isinstance(body, iso2.CertificateInstallationRes):
        raise WorkshopError("the workshop makes no messages of ISO 15118-20 yet")
    return {
        "ContractSignatureCertChain": body.contract_signature_cert_chain,
        "ContractSignatureEncryptedPrivateKey": body.contract_signature_encrypted_private_key,
        "DHpublickey": body.dh_publickey,
        "eMAID": body.emaid,
    }


def sign(
    message: Message,
    key: ec.EllipticCurvePrivateKey,
    *,
    alter: Callable[[SignedInfo], SignedInfo] = lambda info: info,
    message_grammar_for: frozenset[str] = frozenset(),
) -> Message:
    """
    Sign a message.

    Args:
        message: Its signature, if it has one, is replaced.
        key: The signer's.
        alter: Changes what is going to be signed, to sign something wrong.
        message_grammar_for: Of eMAID and SignedInfo, those to be encoded with the message's
            grammar, as some signers do.
    Returns: The message with its signature.
    """
    references = [
        Reference(
            SHA256_URI,
            sha256(fragment(name, element, message_grammar_for)).digest(),
            [Transform(CANONICAL_EXI)],
            uri=f"#{element.id}",
        )
        for name, element in signed_elements(message).items()
    ]
    info = alter(SignedInfo(CANONICAL_EXI, SignatureMethod(ECDSA_SHA256), references))
    value = _raw_signature(key, fragment("SignedInfo", info, message_grammar_for))
    signature = Signature(info, SignatureValue(value))
    return replace(message, header=replace(message.header, signature=signature))


def fragment(name: str, element: Any, message_grammar_for: frozenset[str] = frozenset()) -> bytes:
    """Encode one element as its digest is made of, or the signature of SignedInfo."""
    return encode_fragment(
        name, element, message_grammar=ISO2 if name in message_grammar_for else None
    )


def _raw_signature(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """r and s one after the other, each as long as the key."""
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    size = (key.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")
