"""The values of the elements that can be signed."""

from typing import Any

from ccp.iso15118 import (
    Message,
    iso2,
)


def signed_elements(message: Message) -> dict[str, Any]:
    """Name to value of every element in *message* that a signature may refer to, or is about."""
    found: dict[str, Any] = {}
    if message.header.signature:
        found["SignedInfo"] = message.header.signature.signed_info
    body = message.body
    if isinstance(body, iso2.CertificateInstallationReq):
        return found | {"CertificateInstallationReq": body}
    return found | {
        "ContractSignatureCertChain": body.contract_signature_cert_chain,
        "ContractSignatureEncryptedPrivateKey": body.contract_signature_encrypted_private_key,
        "DHpublickey": body.dh_publickey,
        "eMAID": body.emaid,
    }
