"""The CertificateInstallationRes that tells a vehicle that there is no contract for it."""

from ccp.iso15118 import iso2, iso20
from ccp.iso15118.codec import encode
from ccp.iso15118.errors import ExiError
from ccp.iso15118.messages import Message


def iso2_failure(session_id: bytes, response_code: str) -> bytes:
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
    _check_failure(response_code)
    body = iso2.CertificateInstallationRes(
        response_code=response_code,
        sa_provisioning_certificate_chain=iso2.CertificateChain(b"\0"),
        contract_signature_cert_chain=iso2.CertificateChain(b"\0", id="id1"),
        contract_signature_encrypted_private_key=iso2.ContractSignatureEncryptedPrivateKey(
            "id2", b"\0"
        ),
        dh_publickey=iso2.DiffieHellmanPublickey("id3", b"\0"),
        emaid=iso2.EMAID("id4", "0" * 14),
    )
    return encode(Message(iso2.Header(session_id), body))


def iso20_failure(session_id: bytes, response_code: str, *, time_stamp: int) -> bytes:
    """
    Make a failing CertificateInstallationRes of ISO 15118-20.

    Its schema demands every element even so, and some of a fixed length; the others have one zero
    byte.

    Args:
        session_id: That of the request, 8 bytes.
        response_code: WARNING_..., FAILED or FAILED_...; the latter two end the vehicle's session.
        time_stamp: The present, in the unit of the request.
    Returns: The EXI document, 260 to 269 bytes.
    Raises:
        ExiError: The session id is too long or short, or the response code no failure.
    """
    _check_failure(response_code)
    body = iso20.CertificateInstallationRes(
        response_code=response_code,
        evse_processing="Finished",
        cps_certificate_chain=iso20.CertificateChain(b"\0"),
        signed_installation_data=iso20.SignedInstallationData(
            id="id1",
            contract_certificate_chain=iso20.CertificateChain(b"\0", [b"\0"]),
            ecdh_curve="SECP521",
            dh_public_key=bytes(133),
            secp521_encrypted_private_key=bytes(94),
        ),
        remaining_contract_certificate_chains=0,
    )
    return encode(Message(iso20.Header(session_id, time_stamp), body))


def _check_failure(response_code: str) -> None:
    if not response_code.startswith(("FAILED", "WARNING")):
        raise ExiError("is a failure, but its response code is none")
