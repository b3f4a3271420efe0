"""Check a peer pool's answer to a car's request."""

from datetime import datetime

from ccp.domain.errors import CcpError, ExiInvalid, collecting
from ccp.domain.findings import log_findings
from ccp.domain.identifiers import Emaid, parse_namespace
from ccp.messages.contract import contract_failures
from ccp.messages.reading import read_installation_res
from ccp.messages.request import InstallationRequest
from ccp.messages.signatures import verify_message
from ccp.pki.certificates import read_certificate, read_chain
from ccp.pki.signers import require_cps


def check_foreign_answer(
    exi: bytes,
    namespace: str,
    emaid: Emaid,
    request: InstallationRequest,
    *,
    at: datetime,
    cps_allow_list: bool,
) -> list[CcpError]:
    """
    Check a CertificateInstallationRes that a peer pool answers to a request.

    The root of the signer's chain is left to the car: peers may trust other roots than this pool.

    Args:
        exi, namespace, emaid: Values of the peer's answer.
        at: The present moment, aware UTC.
        cps_allow_list: See `require_cps`.
    Returns: Failures, which lab mode accepts.
    Raises:
        ExiInvalid: The message cannot be decoded, is of another edition than the request or the
            answer's namespace, or is for another session.
        CertificateUnreadable: A certificate in the message cannot be read.
    """
    signed = read_installation_res(exi, namespace)
    if not signed.namespace == request.namespace == parse_namespace(namespace):
        raise ExiInvalid("The message is of another edition.")
    if signed.message.header.session_id != request.message.header.session_id:
        raise ExiInvalid("The message is for another session.")
    contract = read_certificate(signed.contract_chain[0], "contract certificate")
    failures = list(contract_failures(signed, contract, emaid, at=at))
    cps_chain = read_chain(signed.cps_chain, "CPS certificate", cache_leaf=True)
    with collecting(failures):
        log_findings(verify_message(exi, signed.message, cps_chain[0].public_key, signed.suites))
    with collecting(failures):
        require_cps(cps_chain, allow_list=cps_allow_list)
    return failures
