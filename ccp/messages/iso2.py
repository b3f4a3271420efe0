"""CertificateInstallation messages of ISO 15118-2: an answer has one contract."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ccp.domain.errors import CcpError
from ccp.domain.identifiers import ISO_15118_2
from ccp.iso15118 import Message, iso2, iso2_failure, with_session_id
from ccp.messages.contract import SignedContract
from ccp.messages.request import InstallationRequest
from ccp.pki.signatures import ISO_15118_2_SUITES

_ENCRYPTED_KEY_BYTES = 16 + 32
_DH_KEY_BYTES = 1 + 2 * 32  # an uncompressed point


@dataclass(frozen=True, slots=True, kw_only=True)
class Iso2Request(InstallationRequest):
    """A request with the provisioning certificate only; the answer is the default contract."""

    namespace = ISO_15118_2
    suites = ISO_15118_2_SUITES
    default_only = True

    def answer(
        self, exi: bytes, unsigned_bits: tuple[int, int] | None, *, remaining: int, at: datetime
    ) -> bytes:
        return with_session_id(exi, self.message.header.session_id)

    def response_code(self, error: CcpError) -> str:
        return error.iso2_code

    def failure(self, error: CcpError, *, at: datetime) -> bytes:
        return iso2_failure(self.message.header.session_id, self.response_code(error))


def iso2_request(message: Message, req: iso2.CertificateInstallationReq) -> InstallationRequest:
    """Convert a request; *req* is the body of *message*."""
    return Iso2Request(
        message=message,
        certificates=[req.oem_provisioning_cert],
        roots=req.list_of_root_certificate_ids,
    )


def iso2_contract(message: Message, res: iso2.CertificateInstallationRes) -> SignedContract:
    """Convert a contract; *res* is the body of *message*."""
    cps, contract = res.sa_provisioning_certificate_chain, res.contract_signature_cert_chain
    return SignedContract(
        message=message,
        namespace=ISO_15118_2,
        suites=ISO_15118_2_SUITES,
        response_code=res.response_code,
        cps_chain=[cps.certificate, *cps.sub_certificates],
        contract_chain=[contract.certificate, *contract.sub_certificates],
        emaid=res.emaid.value,
        key_problems=list(_key_problems(res)),
    )


def _key_problems(res: iso2.CertificateInstallationRes) -> Iterator[str]:
    """Check the lengths of the keys; the schema has upper limits only."""
    size = len(res.contract_signature_encrypted_private_key.value)
    if size != _ENCRYPTED_KEY_BYTES:
        yield (
            f"ContractSignatureEncryptedPrivateKey has {size} bytes, not {_ENCRYPTED_KEY_BYTES}:"
            " an initialization vector of 16, and a private key on P-256."
        )
    size = len(res.dh_publickey.value)
    if size != _DH_KEY_BYTES:
        yield f"DHpublickey has {size} bytes, not the {_DH_KEY_BYTES} of a point on P-256."
