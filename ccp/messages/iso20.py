"""CertificateInstallation messages of ISO 15118-20: an answer is a message for each contract."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ccp.domain.errors import CcpError
from ccp.domain.identifiers import ISO_15118_20
from ccp.iso15118 import (
    Message,
    iso20,
    iso20_failure,
    with_session_id,
    with_time_stamp,
    with_value,
)
from ccp.messages.contract import SignedContract
from ccp.messages.request import InstallationRequest
from ccp.pki.signatures import ISO_15118_20_SUITES

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICKS_PER_SECOND = (1, 1_000, 1_000_000)  # in the order in which a TimeStamp grows
_CLOCKS_DIFFER_BY = 30  # times; from one unit to the next it is a thousand


@dataclass(frozen=True, slots=True, kw_only=True)
class Iso20Request(InstallationRequest):
    """
    A request with the provisioning chain, the number of contracts wanted, and their priority.

    Attributes:
        time_stamp: The request's TimeStamp, in seconds, milliseconds or microseconds.
    """

    namespace = ISO_15118_20
    suites = ISO_15118_20_SUITES
    default_only = False

    time_stamp: int

    def answer(
        self, exi: bytes, unsigned_bits: tuple[int, int] | None, *, remaining: int, at: datetime
    ) -> bytes:
        if unsigned_bits is None:
            raise ValueError("it was not stored as a message of ISO 15118-20")
        # These two have a fixed width; session id and TimeStamp, set after them, move other bits.
        processing_bit, remaining_bit = unsigned_bits
        exi = with_value(exi, "EVSEProcessing", processing_bit, "Finished")
        exi = with_value(exi, "RemainingContractCertificateChains", remaining_bit, remaining)
        exi = with_session_id(exi, self.message.header.session_id)
        return with_time_stamp(exi, self._present(at))

    def response_code(self, error: CcpError) -> str:
        return error.iso20_code

    def failure(self, error: CcpError, *, at: datetime) -> bytes:
        session_id, code = self.message.header.session_id, self.response_code(error)
        return iso20_failure(session_id, code, time_stamp=self._present(at))

    def _present(self, at: datetime) -> int:
        """Return the present moment in the unit of the request's TimeStamp."""
        microseconds = (at - _EPOCH) // timedelta(microseconds=1)
        present = 0
        for ticks_per_second in _TICKS_PER_SECOND:
            present = microseconds * ticks_per_second // 1_000_000
            if self.time_stamp < present * _CLOCKS_DIFFER_BY:
                break
        return present


def iso20_request(
    message: Message, header: iso20.Header, req: iso20.CertificateInstallationReq
) -> InstallationRequest:
    """Convert a request; *header* and *req* are those of *message*."""
    chain = req.oem_provisioning_certificate_chain
    return Iso20Request(
        message=message,
        certificates=[chain.certificate, *chain.sub_certificates],
        roots=req.list_of_root_certificate_ids,
        most_contracts=req.maximum_contract_certificate_chains,
        prioritized_emaids=req.prioritized_emaids,
        time_stamp=header.time_stamp,
    )


def iso20_contract(message: Message, res: iso20.CertificateInstallationRes) -> SignedContract:
    """Convert a contract; *res* is the body of *message*."""
    cps = res.cps_certificate_chain
    contract = res.signed_installation_data.contract_certificate_chain
    return SignedContract(
        message=message,
        namespace=ISO_15118_20,
        suites=ISO_15118_20_SUITES,
        response_code=res.response_code,
        cps_chain=[cps.certificate, *cps.sub_certificates],
        contract_chain=[contract.certificate, *contract.sub_certificates],
        key_problems=list(_key_problems(res.signed_installation_data)),
        unsigned_bits=(
            message.spans["EVSEProcessing"][0],
            message.spans["RemainingContractCertificateChains"][0],
        ),
    )


def _key_problems(data: iso20.SignedInstallationData) -> Iterator[str]:
    """Check that the key fits the curve; the schema has the length of each kind of key."""
    other_keys = {
        "SECP521": ("X448_EncryptedPrivateKey", data.x448_encrypted_private_key),
        "X448": ("SECP521_EncryptedPrivateKey", data.secp521_encrypted_private_key),
    }
    name, value = other_keys[data.ecdh_curve]
    if value is not None:
        yield f"ECDHCurve is {data.ecdh_curve}, and the key is in {name}."
