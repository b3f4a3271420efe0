"""EXI bytes -> the message that an operation wants, or the error that the caller is told."""

import structlog

from ccp.errors import ExiInvalid, MessageNotSupported, SignatureInvalid
from ccp.identifiers import ISO_15118_2, ISO_15118_20
from ccp.iso15118 import (
    CertificateInstallationReq,
    CertificateInstallationRes,
    ExiError,
    Message,
    MessageKind,
    cut_fragment,
    decode,
    sniff,
)
from ccp.pki.signatures import (
    ISO_15118_2_SUITES,
    SignedMessage,
    SignedReference,
    verify_signature,
)

log = structlog.get_logger()

STANDALONE = "standalone"
"""The form in which SignedInfo is to be signed: under the schema of XML Signature alone."""

# Relays are known to append zero bytes to what the car sent.
_FORGIVEN_ZERO_BYTES = 4

_NOT_YET_20 = "This pool does not speak ISO 15118-20 yet."
_UNSUPPORTED = {
    MessageKind.ISO2_CERTIFICATE_UPDATE_REQ: (
        "Only certificate installation is supported, not certificate update."
    ),
    MessageKind.ISO20_CERTIFICATE_INSTALLATION_REQ: _NOT_YET_20,
    MessageKind.ISO20_CERTIFICATE_INSTALLATION_RES: _NOT_YET_20,
}


def read_installation_req(exi: bytes, namespace: str) -> tuple[Message, CertificateInstallationReq]:
    """
    Decode the CertificateInstallationReq of a car.

    Args:
        exi: As the car sent it; up to four zero bytes behind it are forgiven.
        namespace: What the caller says it is; where the bytes say otherwise they are believed.
    Returns: The message, and its body.
    Raises:
        MessageNotSupported: It is a CertificateUpdateReq, or of ISO 15118-20.
        ExiInvalid: It is something else; the messages say what.
    """
    message = _decode(exi, trailing_zeros=_FORGIVEN_ZERO_BYTES)
    if not isinstance(message.body, CertificateInstallationReq):
        raise ExiInvalid("The message is a CertificateInstallationRes, not a Req.")
    if namespace != ISO_15118_2:
        log.warning("the namespace is not the message's; the message is believed")
    return message, message.body


def read_installation_res(exi: bytes, namespace: str) -> tuple[Message, CertificateInstallationRes]:
    """
    Decode the CertificateInstallationRes that a CPS signed.

    Args:
        exi: The message and nothing more.
        namespace: What the message has to be.
    Returns: The message, and its body.
    Raises:
        MessageNotSupported: It is to be, or is, a message of ISO 15118-20.
        ExiInvalid: It is not the message that *namespace* names; the messages say what it is.
    """
    if namespace == ISO_15118_20:
        raise MessageNotSupported(_NOT_YET_20)
    message = _decode(exi, trailing_zeros=0)
    if not isinstance(message.body, CertificateInstallationRes):
        raise ExiInvalid("The message is a CertificateInstallationReq, not a Res.")
    return message, message.body


def _decode(exi: bytes, *, trailing_zeros: int) -> Message:
    try:
        return decode(exi, trailing_zeros=trailing_zeros)
    except ExiError as error:
        unsupported = _UNSUPPORTED.get(sniff(exi))
        if unsupported:
            raise MessageNotSupported(unsupported) from None
        raise ExiInvalid(error.reason) from None


def verify_message(exi: bytes, message: Message, key: object) -> None:
    """
    Prove that the holder of *key* has signed all that ISO 15118-2 wants signed in a message.

    Args:
        exi: What *message* was decoded from.
        key: A public key of pyca/cryptography, or None.
    Raises:
        SignatureInvalid: See `signed_message` and `verify_signature`.
    """
    form = verify_signature(signed_message(exi, message), key, ISO_15118_2_SUITES)
    if form != STANDALONE:
        log.info("SignedInfo is signed in another form than the standalone one", form=form)


def signed_message(exi: bytes, message: Message) -> SignedMessage:
    """
    Gather what the signature of a message is about, from the very bits that were sent.

    Args:
        exi: What *message* was decoded from.
        message: With a CertificateInstallationReq, which is signed as a whole, or with a
            CertificateInstallationRes, of which four elements are.
    Raises:
        SignatureInvalid: There is no signature, or an element has no Id, or that of another, or an
            algorithm has parameters.
    """
    signature = message.header.signature
    if signature is None:
        raise SignatureInvalid("The message is not signed.")
    elements: dict[str, tuple[str, list[bytes]]] = {}
    for name, element_id in _signed_ids(message.body).items():
        if element_id is None or element_id in elements:
            raise SignatureInvalid(f"{name} has no Id of its own.")
        elements[element_id] = name, _forms(exi, message, name)
    info = signature.signed_info
    others = [signature.id, info.id, signature.signature_value.id, *(r.id for r in info.references)]
    if isinstance(message.body, CertificateInstallationRes):
        others.append(message.body.sa_provisioning_certificate_chain.id)
    if not elements.keys().isdisjoint(others):  # else a car might take one for the other
        raise SignatureInvalid("An element that is not signed has the Id of one that is.")
    transforms = [transform for reference in info.references for transform in reference.transforms]
    if info.signature_method.hmac_output_length is not None or any(t.xpath for t in transforms):
        raise SignatureInvalid("Its algorithms have parameters, which ISO 15118 does not use.")
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
            "message": cut_fragment(exi, message, "SignedInfo", message_grammar=True),
        },
        signature_value=signature.signature_value.value,
        elements=elements,
    )


def _signed_ids(
    body: CertificateInstallationReq | CertificateInstallationRes,
) -> dict[str, str | None]:
    """The Ids of the elements that have to be signed, by the elements' names."""
    if isinstance(body, CertificateInstallationReq):
        return {"CertificateInstallationReq": body.id}
    return {
        "ContractSignatureCertChain": body.contract_signature_cert_chain.id,
        "ContractSignatureEncryptedPrivateKey": body.contract_signature_encrypted_private_key.id,
        "DHpublickey": body.dh_publickey.id,
        "eMAID": body.emaid.id,
    }


def _forms(exi: bytes, message: Message, name: str) -> list[bytes]:
    """The fragments of an element that a digest may be of; of eMAID some sign a shorter one."""
    forms = [cut_fragment(exi, message, name)]
    if name == "eMAID":
        forms.append(cut_fragment(exi, message, name, message_grammar=True))
    return forms
