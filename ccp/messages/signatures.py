"""Verify the signature of a message over the elements that ISO 15118 requires to be signed."""

import logging
from collections.abc import Sequence

from ccp.domain.errors import SignatureInvalid
from ccp.domain.findings import Finding
from ccp.iso15118 import Body, Message, cut_fragment, iso2, iso20
from ccp.pki.signatures import (
    SignedMessage,
    SignedReference,
    Suite,
    Verdict,
    check_signature,
    verify_signature,
)

STANDALONE = "standalone"
"""The standard's form of SignedInfo: a fragment under the schema of XML Signature alone."""
SCHEMA = "schema"
"""The standard's form of an element: a fragment under the schemas of its edition."""
MESSAGE = "message"
"""Another form of SignedInfo and eMAID in use: with the types that they have in the message."""


def verify_message(
    exi: bytes, message: Message, key: object, suites: Sequence[Suite]
) -> list[Finding]:
    """
    Verify that the holder of *key* has signed every element that has to be signed.

    Args:
        exi: The EXI message that *message* was decoded from.
        key: A public key of pyca/cryptography, or None.
        suites: The signature suites that the edition allows.
    Returns: Findings on a signature that is valid.
    Raises:
        SignatureInvalid: See `signed_message` and `verify_signature`.
    """
    signed = signed_message(exi, message)
    form = verify_signature(signed, key, suites)
    findings = []
    if form != STANDALONE:
        text = "SignedInfo is signed in another form than the standalone one"
        findings.append(Finding(text, logging.INFO, {"form": form}))
    method = signed.signature_method
    if method not in [suite.standard.signature_method for suite in suites]:
        text = "the signature algorithm has another name than the standard's"
        findings.append(Finding(text, logging.INFO, {"signature_method": method}))
    return findings


def check_message(
    exi: bytes, message: Message, key: object, suites: Sequence[Suite]
) -> list[Verdict]:
    """
    Check each part of a message's signature, independently of the others.

    The signature is valid if no verdict has a problem; then `verify_message` raises nothing.

    Args: See `verify_message`.
    """
    try:
        signed = signed_message(exi, message)
    except SignatureInvalid as error:
        return [Verdict("Signature", error.messages[1:])]
    return list(check_signature(signed, key, suites))


def signed_message(exi: bytes, message: Message) -> SignedMessage:
    """
    Collect the parts of a message's signature, from the bits that were sent.

    Args:
        exi: The EXI message that *message* was decoded from.
        message: The message. In ISO 15118-2 the whole CertificateInstallationReq is signed, or four
            elements of a CertificateInstallationRes; in ISO 15118-20 one element of either.
    Returns: The parts, with the problems found so far: an element without an Id of its own, or an
        algorithm with parameters.
    Raises:
        SignatureInvalid: The message is not signed.
    """
    signature = message.header.signature
    if signature is None:
        raise SignatureInvalid("The message is not signed.")
    found = []
    elements: dict[str, tuple[str, dict[str, bytes]]] = {}
    for name, element_id in _signed_ids(message.body).items():
        if element_id is None or element_id in elements:
            found.append(Verdict("Id", [f"{name} has no Id of its own."], element=name))
        else:
            elements[element_id] = name, _forms(exi, message, name)
    info = signature.signed_info
    others = [signature.id, info.id, signature.signature_value.id, *(r.id for r in info.references)]
    if isinstance(message.body, iso2.CertificateInstallationRes):
        others.append(message.body.sa_provisioning_certificate_chain.id)
    if not elements.keys().isdisjoint(others):  # else a car might take one for the other
        found.append(Verdict("Id", ["An element that is not signed has the Id of one that is."]))
    transforms = [transform for reference in info.references for transform in reference.transforms]
    if info.signature_method.hmac_output_length is not None or any(t.xpath for t in transforms):
        parameters = "Its algorithms have parameters, which ISO 15118 does not use."
        found.append(Verdict("SignedInfo", [parameters]))
    return SignedMessage(
        canonicalization_method=info.canonicalization_method,
        signature_method=info.signature_method.algorithm,
        references=[
            SignedReference(
                reference.uri,
                [transform.algorithm for transform in reference.transforms],
                reference.digest_method,
                reference.digest_value,
            )
            for reference in info.references
        ],
        signed_info={
            STANDALONE: cut_fragment(exi, message, "SignedInfo"),
            MESSAGE: cut_fragment(exi, message, "SignedInfo", message_grammar=True),
        },
        signature_value=signature.signature_value.value,
        elements=elements,
        found=found,
    )


def _signed_ids(body: Body) -> dict[str, str | None]:
    """Return the Ids of the elements that have to be signed, by name."""
    match body:
        case iso2.CertificateInstallationReq():
            return {"CertificateInstallationReq": body.id}
        case iso2.CertificateInstallationRes():
            return {
                "ContractSignatureCertChain": body.contract_signature_cert_chain.id,
                "ContractSignatureEncryptedPrivateKey": (
                    body.contract_signature_encrypted_private_key.id
                ),
                "DHpublickey": body.dh_publickey.id,
                "eMAID": body.emaid.id,
            }
        case iso20.CertificateInstallationReq():
            chain = body.oem_provisioning_certificate_chain
            return {"OEMProvisioningCertificateChain": chain.id}
        case iso20.CertificateInstallationRes():
            return {"SignedInstallationData": body.signed_installation_data.id}


def _forms(exi: bytes, message: Message, name: str) -> dict[str, bytes]:
    """Return the fragments of an element that a digest may cover; eMAID has two forms in use."""
    forms = {SCHEMA: cut_fragment(exi, message, name)}
    if name == "eMAID":
        forms[MESSAGE] = cut_fragment(exi, message, name, message_grammar=True)
    return forms
