"""The records of the store."""

from dataclasses import dataclass
from datetime import datetime

from ccp.domain.identifiers import Emaid, Pcid


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractData:
    """
    One contract for one car under one V2G root, without its message.

    Attributes:
        namespace: Message namespace, in the spec's spelling.
        v2g_root_fingerprint: SHA-256, 64 lower-case hex digits; None if the root is unknown.
        v2g_root_distinguished_name: Name of the root that the CPS chain ends in, as RFC 4514 text.
        v2g_root_serial_number: Serial number of that root; None if the root is unknown.
        contract_certificate_der: The contract certificate (leaf) of the message.
        valid_from, valid_to: Validity of that certificate, aware UTC.
        meta_data: A text of the CPS, returned unchanged.
        is_default: Whether this is the default contract of its car.
    """

    emaid: Emaid
    pcid: Pcid
    namespace: str
    v2g_root_fingerprint: str | None
    v2g_root_distinguished_name: str
    contract_certificate_der: bytes
    valid_from: datetime
    valid_to: datetime
    meta_data: str | None = None
    v2g_root_serial_number: int | None = None
    is_default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedContractData(ContractData):
    """
    A contract with its message.

    Attributes:
        installation_res_exi: The CertificateInstallationRes, byte for byte as it was put.
        unsigned_bits: Bit positions of EVSEProcessing and RemainingContractCertificateChains in
            *installation_res_exi*, which each answer sets; None in ISO 15118-2, which has neither.
    """

    installation_res_exi: bytes
    unsigned_bits: tuple[int, int] | None = None
