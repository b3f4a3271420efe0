"""EXI bytes -> the message that an operation wants, or the error that the caller is told."""

import structlog

from ccp.errors import ExiInvalid, MessageNotSupported
from ccp.identifiers import ISO_15118_2, ISO_15118_20
from ccp.iso15118 import (
    ExiError,
    Message,
    MessageKind,
    decode,
    iso2,
    sniff,
)

log = structlog.get_logger()

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


def read_installation_req(
    exi: bytes, namespace: str
) -> tuple[Message, iso2.CertificateInstallationReq]:
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
    if not isinstance(message.body, iso2.CertificateInstallationReq):
        raise ExiInvalid("The message is a CertificateInstallationRes, not a Req.")
    if namespace != ISO_15118_2:
        log.warning("the namespace is not the message's; the message is believed")
    return message, message.body


def read_installation_res(
    exi: bytes, namespace: str
) -> tuple[Message, iso2.CertificateInstallationRes]:
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
    if not isinstance(message.body, iso2.CertificateInstallationRes):
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
