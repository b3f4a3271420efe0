"""The CertificateInstallationRes that tells a vehicle that there is no contract for it."""

from ccp.iso15118.codec import encode
from ccp.iso15118.errors import ExiError
from ccp.iso15118.messages import (
    EMAID,
    CertificateChain,
    CertificateInstallationRes,
    ContractSignatureEncryptedPrivateKey,
    DiffieHellmanPublickey,
    Header,
    Message,
)


def failure_res(session_id: bytes, response_code: str) -> bytes:
    """
    Make a failing CertificateInstallationRes of ISO 15118-2.

    Its schema demands every element even so. Binary values have one zero byte, for none at all
    breaks the stacks of known vehicles; the EMAID is 14 zeros, as short as is allowed.

    Args:
        session_id: That of the request, 0 to 8 bytes.
        response_code: FAILED or FAILED_...
    Returns: The EXI document, 49 bytes and the session id.
    Raises:
        ExiError: The session id is too long, or the response code no failure.
    """
    if not response_code.startswith("FAILED"):
        raise ExiError("is a failure, but its response code is none")
    body = CertificateInstallationRes(
        response_code=response_code,
        sa_provisioning_certificate_chain=CertificateChain(b"\0"),
        contract_signature_cert_chain=CertificateChain(b"\0", id="id1"),
        contract_signature_encrypted_private_key=ContractSignatureEncryptedPrivateKey("id2", b"\0"),
        dh_publickey=DiffieHellmanPublickey("id3", b"\0"),
        emaid=EMAID("id4", "0" * 14),
    )
    return encode(Message(Header(session_id), body))
