"""The values of the elements that can be signed."""

from typing import Any

from ccp.iso15118 import Message, iso2, iso20


def signed_elements(message: Message) -> dict[str, Any]:
    """Name to value of every element in *message* that a signature may refer to, or is about."""
    found: dict[str, Any] = {}
    if message.header.signature:
        found["SignedInfo"] = message.header.signature.signed_info
    match message.body:
        case iso2.CertificateInstallationReq() as req:
            found["CertificateInstallationReq"] = req
        case iso2.CertificateInstallationRes() as res:
            found |= {
                "ContractSignatureCertChain": res.contract_signature_cert_chain,
                "ContractSignatureEncryptedPrivateKey": (
                    res.contract_signature_encrypted_private_key
                ),
                "DHpublickey": res.dh_publickey,
                "eMAID": res.emaid,
            }
        case iso20.CertificateInstallationReq() as req:
            found["OEMProvisioningCertificateChain"] = req.oem_provisioning_certificate_chain
        case iso20.CertificateInstallationRes() as res:
            found["SignedInstallationData"] = res.signed_installation_data
    return found
