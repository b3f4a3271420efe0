"""EXI bytes -> the message that an operation wants, or the error that the caller is told."""

from typing import cast

import structlog

from ccp.errors import ExiInvalid, MessageNotSupported
from ccp.identifiers import ISO_15118_2, ISO_15118_20
from ccp.iso15118 import (
    CertificateInstallationReq,
    CertificateInstallationRes,
    ExiError,
    Header,
    Message,
    MessageKind,
    decode,
    sniff,
)

log = structlog.get_logger()

# Relays are known to append zero bytes to what the car sent.
_FORGIVEN_ZERO_BYTES = 4

_ONLY_INSTALLATION = "Only certificate installation is supported, not certificate update."
_NOT_YET_20 = "This pool does not speak ISO 15118-20 yet."


def read_installation_req(exi: bytes, namespace: str) -> tuple[Header, CertificateInstallationReq]:
    """
    Decode the CertificateInstallationReq of a car.

    Args:
        exi: As the car sent it; up to four zero bytes behind it are forgiven.
        namespace: What the caller says it is; where the bytes say otherwise they are believed.
    Raises:
        MessageNotSupported: It is a CertificateUpdateReq, or of ISO 15118-20.
        ExiInvalid: It is something else; the messages say what.
    """
    kind = sniff(exi)
    if kind is MessageKind.ISO2_CERTIFICATE_UPDATE_REQ:
        raise MessageNotSupported(_ONLY_INSTALLATION)
    if kind is MessageKind.ISO20_CERTIFICATE_INSTALLATION_REQ:
        raise MessageNotSupported(_NOT_YET_20)
    _require(kind, MessageKind.ISO2_CERTIFICATE_INSTALLATION_REQ)
    if namespace != ISO_15118_2:
        log.warning("the namespace is not the message's; the message is believed")
    message = _decode(exi, trailing_zeros=_FORGIVEN_ZERO_BYTES)
    return message.header, cast(CertificateInstallationReq, message.body)


def read_installation_res(exi: bytes, namespace: str) -> CertificateInstallationRes:
    """
    Decode the CertificateInstallationRes that a CPS signed.

    Args:
        exi: The message and nothing more.
        namespace: What the message has to be.
    Raises:
        MessageNotSupported: It is to be, or is, a message of ISO 15118-20.
        ExiInvalid: It is not the message that *namespace* names; the messages say what it is.
    """
    kind = sniff(exi)
    if namespace == ISO_15118_20 or kind is MessageKind.ISO20_CERTIFICATE_INSTALLATION_RES:
        raise MessageNotSupported(_NOT_YET_20)
    _require(kind, MessageKind.ISO2_CERTIFICATE_INSTALLATION_RES)
    return cast(CertificateInstallationRes, _decode(exi, trailing_zeros=0).body)


def _require(kind: MessageKind, wanted: MessageKind) -> None:
    if kind is not wanted:
        raise ExiInvalid(f"Expected {wanted.value}, got {kind.value}.")


def _decode(exi: bytes, *, trailing_zeros: int) -> Message:
    try:
        return decode(exi, trailing_zeros=trailing_zeros)
    except ExiError as error:
        raise ExiInvalid(error.reason) from None
