"""A message for a car that another pool has made: whether it answers what the car has asked."""

from ccp.errors import CcpError, ExiInvalid, ResponseCodeNotOk, collecting
from ccp.messages.reading import read_installation_res
from ccp.messages.request import InstallationRequest
from ccp.messages.signatures import verify_message
from ccp.pki.certificates import read_certificate


def check_foreign_answer(
    exi: bytes, namespace: str, request: InstallationRequest
) -> list[CcpError]:
    """
    Look at a CertificateInstallationRes that another pool gives for a request.

    Where its signer's chain ends is left to the car: peers may serve other roots than this pool.

    Args:
        exi, namespace: As that pool has answered them.
    Returns: What speaks against it; in lab mode that is let pass.
    Raises:
        ExiInvalid: It does not decode, or is for another session or edition.
        CertificateUnreadable: Its signer's certificate is none.
    """
    signed = read_installation_res(exi, namespace)
    if signed.namespace != request.namespace:
        raise ExiInvalid("The message is of another edition than the request.")
    if signed.message.header.session_id != request.message.header.session_id:
        raise ExiInvalid("The message is for another session.")
    failures: list[CcpError] = []
    if signed.response_code != "OK":
        failures.append(ResponseCodeNotOk(f"It is {signed.response_code}."))
    signer = read_certificate(signed.cps_chain[0], "CPS certificate")
    with collecting(failures):
        verify_message(exi, signed.message, signer.public_key, signed.suites)
    return failures
