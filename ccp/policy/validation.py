"""Validate a contract that is put: its message, its certificates, and its V2G root (PUT)."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from ccp.domain.errors import (
    CcpError,
    CertificateChainBroken,
    ContractCertificateRevoked,
    collecting,
    findings_of,
)
from ccp.domain.findings import Finding, log_findings
from ccp.domain.identifiers import Emaid, Pcid
from ccp.messages import (
    CLOCK_TOLERANCE,
    SignedContract,
    contract_failures,
    read_installation_res,
    verify_message,
)
from ccp.pki.anchors import Root
from ccp.pki.certificates import Certificate, read_chain, root_name
from ccp.pki.irregular import irregularity_findings
from ccp.pki.names import distinguished_name
from ccp.pki.signatures import Suite
from ccp.pki.signers import require_cps
from ccp.policy.services import Services
from ccp.store import SignedContractData
from ccp.trust.current import TrustSnapshot


class ValidationResult(NamedTuple):
    """
    The result of validating a signed contract, for whichever car it is put.

    Attributes:
        contract: The contract certificate.
        v2g_root_fingerprint, v2g_root_distinguished_name, v2g_root_serial_number: The root that
            the contract is stored under; see `SignedContractData`.
        failures: Reasons to refuse the contract, the gravest first.
        findings: Facts for the log.
    """

    contract: Certificate
    v2g_root_fingerprint: str | None
    v2g_root_distinguished_name: str
    v2g_root_serial_number: int | None
    failures: Sequence[CcpError]
    findings: Sequence[Finding]


def validate_contract(
    services: Services,
    exi: bytes,
    signed: SignedContract,
    emaid: Emaid | None,
    v2g_root_fingerprint: str | None,
    *,
    at: datetime,
) -> ValidationResult:
    """
    Check everything in a signed contract, and collect all failures.

    Args:
        exi: The EXI message that *signed* was decoded from.
        emaid: The EMAID that the caller names; None if it is not an EMAID.
        v2g_root_fingerprint: The root that the CPS chain has to end in: SHA-256, 64 lower-case hex
            digits; None for any root.
        at: The present moment, aware UTC.
    Raises:
        CertificateUnreadable: A certificate that the pool needs cannot be read.
    """
    contract_chain = read_chain(signed.contract_chain, "contract certificate")
    cps_chain = read_chain(signed.cps_chain, "CPS certificate", cache_leaf=True)
    contract, cps = contract_chain[0], cps_chain[0]
    trusted = services.trusted.current
    findings = [
        *irregularity_findings(contract_chain, "contract certificate"),
        *irregularity_findings(cps_chain, "CPS certificate"),
    ]
    failures = list(contract_failures(signed, contract, emaid, at=at))
    if services.store.is_revoked(contract.der):
        failures.append(ContractCertificateRevoked())
    with collecting(failures):
        findings += verify_message(exi, signed.message, cps.public_key, signed.suites)
    root = None
    with collecting(failures):
        require_cps(cps_chain, allow_list=services.settings.cps_allow_list)
        root = _verify_cps_chain(trusted, cps_chain, signed.suites, v2g_root_fingerprint, at=at)
    with collecting(failures):
        above = _verify_contract_chain(trusted, contract_chain, signed.suites, at=at)
        if above and emaid:
            services.provider_table.require(emaid.provider_id, above)
    return ValidationResult(
        contract=contract,
        v2g_root_fingerprint=root.fingerprint if root else v2g_root_fingerprint,
        v2g_root_distinguished_name=(
            root.distinguished_name if root else distinguished_name(root_name(cps_chain))
        ),
        v2g_root_serial_number=root.serial_number if root else None,
        failures=failures,
        findings=[*findings, *findings_of(failures)],
    )


def validated_record(
    services: Services,
    *,
    emaid: Emaid,
    pcid: Pcid,
    namespace: str,
    installation_res_exi: bytes,
    v2g_root_fingerprint: str | None = None,
    meta_data: str | None = None,
) -> SignedContractData:
    """
    Validate a message, and build the record to be stored.

    Raises:
        ExiInvalid, MessageNotSupported: See `read_installation_res`.
        CertificateUnreadable: A certificate that the pool needs cannot be read.
        ResponseCodeNotOk, ContractKeyUnusable, EmaidMismatch, ContractCertificateExpired,
        ContractCertificateNotYetValid, ContractCertificateRevoked, SignatureInvalid,
        CertificateChainBroken, CertificateChainExpired: In strict mode, with the messages of all
            failures.
    """
    signed = read_installation_res(installation_res_exi, namespace)
    validation = validate_contract(
        services, installation_res_exi, signed, emaid, v2g_root_fingerprint, at=services.clock()
    )
    log_findings(validation.findings)
    services.raise_or_log(validation.failures)
    return SignedContractData(
        emaid=emaid,
        pcid=pcid,
        namespace=signed.namespace,
        v2g_root_fingerprint=validation.v2g_root_fingerprint,
        v2g_root_distinguished_name=validation.v2g_root_distinguished_name,
        v2g_root_serial_number=validation.v2g_root_serial_number,
        installation_res_exi=installation_res_exi,
        contract_certificate_der=validation.contract.der,
        valid_from=validation.contract.not_before,
        valid_to=validation.contract.not_after,
        meta_data=meta_data,
        unsigned_bits=signed.unsigned_bits,
    )


def _verify_cps_chain(
    trusted: TrustSnapshot,
    chain: list[Certificate],
    suites: Sequence[Suite],
    fingerprint: str | None,
    *,
    at: datetime,
) -> Root | None:
    """Verify the CPS chain; return its V2G root, or None if the pool has no V2G anchors."""
    if not trusted.trust.v2g.configured:
        return None
    chains = trusted.cps_chains
    if fingerprint is not None:
        chains_of_root = chains.of_root(fingerprint)
        if chains_of_root is None:
            raise CertificateChainBroken(
                "cpsV2GRootCertificateFingerprint : is not that of a root that this pool trusts"
            )
        chains = chains_of_root
    try:
        verified = chains.verify(chain, at=_moment(chain[0], at), suites=suites)
    except CertificateChainBroken as failure:
        if fingerprint is not None:
            failure.add_messages(["It has to end in the root of cpsV2GRootCertificateFingerprint."])
        raise
    return verified.root if verified else None


def _verify_contract_chain(
    trusted: TrustSnapshot, chain: list[Certificate], suites: Sequence[Suite], *, at: datetime
) -> Sequence[Certificate]:
    """
    Verify that the contract's chain ends in an eMSP's root or in a V2G root.

    Returns: The CAs above the contract certificate; none if it has expired, which is reported
        already, or if there are no anchors to verify with.
    """
    at = _moment(chain[0], at)
    if not chain[0].is_valid_at(at):
        return ()
    verified = trusted.contract_chains.verify(chain, at=at, suites=suites)
    return verified.above if verified else ()


def _moment(leaf: Certificate, at: datetime) -> datetime:
    """
    Return the moment at which a chain has to be valid.

    That is *at*, or the beginning of the leaf's validity if it lies within the clock tolerance.
    """
    if at < leaf.not_before <= at + CLOCK_TOLERANCE:
        return leaf.not_before
    return at
