"""Decode EXI bytes of either edition, or refuse them with a reason."""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from ccp.domain.errors import ExiInvalid, MessageNotSupported
from ccp.iso15118 import ExiError, Message, MessageKind, decode, iso2, iso20, sniff
from ccp.messages.contract import SignedContract
from ccp.messages.iso2 import iso2_contract, iso2_request
from ccp.messages.iso20 import iso20_contract, iso20_request
from ccp.messages.request import InstallationRequest
from ccp.observability import measures

log = structlog.get_logger()

T = TypeVar("T")

_REQ, _RES = "CertificateInstallationReq", "CertificateInstallationRes"

FORGIVEN_ZERO_BYTES = 4
"""The number of zero bytes after a request that are ignored; some charging stations add them."""


def read_installation_req(exi: bytes, namespace: str) -> InstallationRequest:
    """
    Decode the CertificateInstallationReq of a car.

    Args:
        exi: The message of the car; up to four zero bytes after it are ignored.
        namespace: The namespace that the caller names. If the message has another one, that is
            logged, and the message's own counts.
    Raises: See `decode_installation_req`.
    """
    request = _timed(_REQ, decode_installation_req, exi)
    _compare(namespace, request.namespace)
    return request


def decode_installation_req(exi: bytes) -> InstallationRequest:
    """
    Decode the CertificateInstallationReq of a car, without metrics and log.

    Args:
        exi: See `read_installation_req`.
    Raises:
        MessageNotSupported: The message is a CertificateUpdateReq.
        ExiInvalid: The message is something else; the error says what.
    """
    request = understand(_decode(exi, trailing_zeros=FORGIVEN_ZERO_BYTES))
    if not isinstance(request, InstallationRequest):
        raise ExiInvalid("The message is a CertificateInstallationRes, not a Req.")
    return request


def read_installation_res(exi: bytes, namespace: str) -> SignedContract:
    """
    Decode the CertificateInstallationRes that a CPS signed.

    Args:
        exi: The message, without any bytes after it.
        namespace: See `read_installation_req`.
    Raises: See `decode_installation_res`.
    """
    contract = _timed(_RES, decode_installation_res, exi)
    _compare(namespace, contract.namespace)
    return contract


def decode_installation_res(exi: bytes) -> SignedContract:
    """
    Decode the CertificateInstallationRes that a CPS signed, without metrics and log.

    Args:
        exi: See `read_installation_res`.
    Raises:
        MessageNotSupported: The message is a CertificateUpdateReq.
        ExiInvalid: The message is something else; the error says what.
    """
    contract = understand(_decode(exi, trailing_zeros=0))
    if not isinstance(contract, SignedContract):
        raise ExiInvalid("The message is a CertificateInstallationReq, not a Res.")
    return contract


def understand(message: Message) -> InstallationRequest | SignedContract:
    """Convert a decoded message of either edition to a request or a contract."""
    match message:
        case Message(iso2.Header(), iso2.CertificateInstallationReq() as req):
            return iso2_request(message, req)
        case Message(iso20.Header() as header, iso20.CertificateInstallationReq() as req):
            return iso20_request(message, header, req)
        case Message(body=iso2.CertificateInstallationRes() as res):
            return iso2_contract(message, res)
        case Message(body=iso20.CertificateInstallationRes() as res):
            return iso20_contract(message, res)
    raise ValueError("header and body are not of one edition")


def _timed(name: str, decoder: Callable[[bytes], T], exi: bytes) -> T:
    started = time.perf_counter()
    try:
        return decoder(exi)
    finally:
        measures.now.decoded(name, time.perf_counter() - started)


def _decode(exi: bytes, *, trailing_zeros: int) -> Message:
    try:
        return decode(exi, trailing_zeros=trailing_zeros)
    except ExiError as error:
        if sniff(exi) is MessageKind.ISO2_CERTIFICATE_UPDATE_REQ:
            raise MessageNotSupported(
                "Only certificate installation is supported, not certificate update."
            ) from None
        raise ExiInvalid(error.reason) from None


def _compare(stated: str, found: str) -> None:
    if stated != found:
        log.warning("the namespace is not the message's", found=found)
