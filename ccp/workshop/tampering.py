"""Changes to a message, before it is signed or after, that a verifier has to find."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ccp.iso15118 import (
    Message,
    Reference,
    Signature,
    SignatureMethod,
    SignedInfo,
    iso2,
)

# After signing.


def no_signature(message: Message) -> Message:
    """Leave the signature away."""
    return replace(message, header=replace(message.header, signature=None))


def other_order(message: Message) -> Message:
    """Turn the order of the references round: each digest still holds."""
    signature = _signature(message)
    info = signature.signed_info
    info = replace(info, references=info.references[::-1])
    return _with_signature(message, replace(signature, signed_info=info))


def tamper_signature_value(message: Message) -> Message:
    """Flip the last bit of the SignatureValue."""
    signature = _signature(message)
    value = replace(signature.signature_value, value=_flipped(signature.signature_value.value))
    return _with_signature(message, replace(signature, signature_value=value))


def der_signature(message: Message) -> Message:
    """Write the signature as X.509 does."""
    signature = _signature(message)
    raw = signature.signature_value.value
    r, s = (int.from_bytes(half, "big") for half in (raw[:32], raw[32:]))
    value = replace(signature.signature_value, value=encode_dss_signature(r, s))
    return _with_signature(message, replace(signature, signature_value=value))


def tamper_request(message: Message) -> Message:
    """Put another root into the list of those that the car has installed."""
    body = deepcopy(message.body)
    if isinstance(body, iso2.CertificateInstallationReq):
        body.list_of_root_certificate_ids[0].x509_serial_number += 1
    return replace(message, body=body)


@dataclass(frozen=True, slots=True)
class SignedElement:
    """One of the four signed elements of an answer, and a way to change it after signing."""

    name: str
    slug: str
    id: str
    change: Callable[[iso2.CertificateInstallationRes], None]

    def tamper(self, message: Message) -> Message:
        """Change the element; the message stays one that can be read."""
        body = deepcopy(message.body)
        if isinstance(body, iso2.CertificateInstallationRes):
            self.change(body)
        return replace(message, body=body)


def _tamper_chain(body: iso2.CertificateInstallationRes) -> None:
    sub_cas = body.contract_signature_cert_chain.sub_certificates
    sub_cas[-1] = _flipped(sub_cas[-1])  # the last bit of its signature


def _tamper_encrypted_key(body: iso2.CertificateInstallationRes) -> None:
    key = body.contract_signature_encrypted_private_key
    key.value = _flipped(key.value)


def _tamper_dh_public_key(body: iso2.CertificateInstallationRes) -> None:
    body.dh_publickey.value = _flipped(body.dh_publickey.value)


def _tamper_emaid(body: iso2.CertificateInstallationRes) -> None:
    body.emaid.value = body.emaid.value.lower()  # the same contract, so only the digest tells


ELEMENTS = (
    SignedElement("ContractSignatureCertChain", "contract-chain", "id1", _tamper_chain),
    SignedElement(
        "ContractSignatureEncryptedPrivateKey", "encrypted-key", "id2", _tamper_encrypted_key
    ),
    SignedElement("DHpublickey", "dh-public-key", "id3", _tamper_dh_public_key),
    SignedElement("eMAID", "emaid", "id4", _tamper_emaid),
)


# Before signing: the signature is right, and says something wrong.


def without_reference(id_: str) -> Callable[[SignedInfo], SignedInfo]:
    """Do not sign one element."""
    return lambda info: replace(
        info, references=[one for one in info.references if one.uri != f"#{id_}"]
    )


def with_reference_twice(info: SignedInfo) -> SignedInfo:
    """Sign the first element twice, the last not at all: their number stays."""
    return replace(info, references=[info.references[0], *info.references[:-1]])


def with_reference_elsewhere(info: SignedInfo) -> SignedInfo:
    """Let the last Reference name an element that is not there."""
    return _with_last_reference(info, uri="#id9")


def with_digest_method(info: SignedInfo) -> SignedInfo:
    """Name an algorithm that the digest was not made with, and ISO 15118-2 does not know."""
    return _with_last_reference(info, digest_method="http://www.w3.org/2001/04/xmlenc#sha512")


def with_signature_method(info: SignedInfo) -> SignedInfo:
    """Name an algorithm that the signature is not made with, and ISO 15118-2 does not know."""
    method = SignatureMethod("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512")
    return replace(info, signature_method=method)


def with_canonicalization(info: SignedInfo) -> SignedInfo:
    """Name canonical XML."""
    return replace(info, canonicalization_method="http://www.w3.org/2001/10/xml-exc-c14n#")


def _with_last_reference(info: SignedInfo, **changes: str) -> SignedInfo:
    last: Reference = replace(info.references[-1], **changes)  # type: ignore[arg-type]
    return replace(info, references=[*info.references[:-1], last])


def _signature(message: Message) -> Signature:
    if message.header.signature is None:
        raise ValueError("the message is not signed")
    return message.header.signature


def _with_signature(message: Message, signature: Signature) -> Message:
    return replace(message, header=replace(message.header, signature=signature))


def _flipped(data: bytes) -> bytes:
    """Change the last bit."""
    return data[:-1] + bytes([data[-1] ^ 1])
