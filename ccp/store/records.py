"""What the store keeps, as its callers see it."""

from dataclasses import dataclass
from datetime import datetime

from ccp.domain.identifiers import Emaid, Pcid


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractData:
    """
    One contract for one car under one V2G root, without its message.

    Attributes:
        namespace: Message namespace, in the spec's spelling.
        v2g_root_fingerprint: SHA-256, 64 lower-case hex digits; None where the root is not known.
        v2g_root_distinguished_name: Of the root that the CPS chain ends in, as RFC 4514 text.
        v2g_root_serial_number: Of that root's certificate; None where the root is not known.
        contract_certificate_der: The contract leaf of the message.
        valid_from, valid_to: That leaf's validity, aware UTC.
        meta_data: The CPS's own note, handed back as it came.
        is_default: Whether this is the contract of its car that is installed first.
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
    The same with its message.

    Attributes:
        installation_res_exi: The CertificateInstallationRes, byte for byte as it was put.
        unsigned_bits: Where EVSEProcessing and RemainingContractCertificateChains begin in
            *installation_res_exi*, which each answer sets anew; None in ISO 15118-2, which has
            neither.
    """

    installation_res_exi: bytes
    unsigned_bits: tuple[int, int] | None = None
