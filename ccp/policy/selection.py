"""Select a car's contracts: which ones, in which order, and which variant of each."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from ccp.domain.errors import CcpError, ContractOrVehicleNotFound
from ccp.domain.findings import Finding
from ccp.domain.identifiers import Emaid, Pcid
from ccp.iso15118 import RootCertificateID
from ccp.messages import InstallationRequest
from ccp.pki.names import names_agree
from ccp.store import ContractData, SignedContractData, Store

T = TypeVar("T", bound=ContractData)

_OUTSIDE_VALIDITY = Finding("the car's contracts are outside their validity")
_NO_EMAID = Finding("the car gives priority to what is no EMAID", logging.INFO)
_NO_ROOT_LISTED = Finding(
    "the car lists no V2G root that its contract is signed under; sent the newest"
)


class Choice(NamedTuple):
    """
    The selected contracts of a car.

    Attributes:
        records: One variant of each contract, in the order of the answer; at least one.
        failures: Reasons to refuse them, which lab mode accepts.
        findings: Facts for the log.
    """

    records: Sequence[SignedContractData]
    failures: Sequence[CcpError]
    findings: Sequence[Finding]


def choose(store: Store, request: InstallationRequest, pcid: Pcid, *, at: datetime) -> Choice:
    """
    Select contracts: first those that the car prioritizes, then its default, then the newest.

    A car of ISO 15118-20 may have many contracts. Only the messages of the selected ones are
    loaded.

    Args:
        at: The moment at which contracts have to be valid, aware UTC.
    Raises:
        ContractOrVehicleNotFound: The car has no contract here, or no room for one.
    """
    failures: list[CcpError] = []
    findings: list[Finding] = []
    if request.default_only:
        variants = store.find_default(pcid, request.namespace)
        return Choice(_choose(variants, request, failures, findings, at=at), failures, findings)
    with store.snapshot():
        contracts = store.find_by_pcid(pcid, request.namespace)
        chosen = _choose(contracts, request, failures, findings, at=at)
        return Choice(store.with_messages(chosen), failures, findings)


def _choose(
    variants: Sequence[T],
    request: InstallationRequest,
    failures: list[CcpError],
    findings: list[Finding],
    *,
    at: datetime,
) -> list[T]:
    """
    Select some of a car's contracts, one variant of each.

    Args:
        variants: All variants of all contracts, the newest first.
        failures, findings: Lists that take what `Choice` describes.
    """
    if not variants:
        raise ContractOrVehicleNotFound
    if request.most_contracts == 0:
        raise ContractOrVehicleNotFound("The car has no room for a contract.")
    valid = [variant for variant in variants if variant.valid_from <= at <= variant.valid_to]
    if not valid:
        failure = ContractOrVehicleNotFound()
        failure.findings.append(_OUTSIDE_VALIDITY)
        failures.append(failure)
        valid = list(variants)
    contracts: dict[Emaid, list[T]] = {}
    for variant in valid:
        contracts.setdefault(variant.emaid, []).append(variant)
    prioritized = _parse_prioritized(request.prioritized_emaids, findings)

    def rank(emaid: Emaid) -> tuple[int, bool]:
        place = prioritized.index(emaid) if emaid in prioritized else len(prioritized)
        return place, not contracts[emaid][0].is_default

    chosen = sorted(contracts, key=rank)[: request.most_contracts]
    return [_variant(contracts[emaid], request.roots, findings) for emaid in chosen]


def is_installed(variant: ContractData, car_roots: Sequence[RootCertificateID]) -> bool:
    """Return whether a car lists the V2G root that a variant is signed under."""
    return any(_is_root_of(variant, root) for root in car_roots)


def _parse_prioritized(texts: Sequence[str], findings: list[Finding]) -> list[Emaid]:
    """Parse the EMAIDs that a car prioritizes; a text that is not an EMAID becomes a finding."""
    prioritized: dict[Emaid, None] = {}
    for text in texts:
        try:
            prioritized[Emaid.parse(text)] = None
        except ValueError:
            findings.append(_NO_EMAID)
    return list(prioritized)


def _variant(
    variants: Sequence[T],
    car_roots: Sequence[RootCertificateID],
    findings: list[Finding],
) -> T:
    """Select the variant under a root that the car lists; without one, the newest."""
    for variant in variants:
        if is_installed(variant, car_roots):
            return variant
    findings.append(_NO_ROOT_LISTED)
    return variants[0]


def _is_root_of(variant: ContractData, root: RootCertificateID) -> bool:
    """
    Return whether a car's root id names the root of a variant.

    Serial numbers are compared if ours is known; then names, which cars write in many ways. A
    serial number of more than 64 bits is unique, so the name is not compared.
    """
    serial_number = variant.v2g_root_serial_number
    if serial_number is not None:
        if serial_number != root.x509_serial_number:
            return False
        if serial_number.bit_length() > 64:
            return True
    return names_agree(root.x509_issuer_name, variant.v2g_root_distinguished_name)
