"""Decide which contracts answer a car's CertificateInstallationReq (POST)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from ccp.domain.errors import (
    CcpError,
    CertificateUnreadable,
    ContractOrVehicleNotFound,
    InternalError,
    ProvisioningCertificateExpired,
    ProvisioningCertificateNotYetValid,
    collecting,
    findings_of,
)
from ccp.domain.findings import Finding
from ccp.domain.identifiers import Pcid
from ccp.messages import InstallationRequest, verify_message
from ccp.pki.certificates import Certificate, read_chain
from ccp.pki.irregular import irregularity_findings
from ccp.policy.selection import choose
from ccp.policy.services import Services
from ccp.store import SignedContractData


class InstallationDecision(NamedTuple):
    """
    The decision on a car's request. Nothing is logged or sent yet.

    Attributes:
        pcid: The car's PCID; None if the request has no readable one.
        answers: The selected contracts in their order, with messages that are ready to be sent.
        failure: Why no contract is selected; None if one is.
        accepted_failures: Failures that lab mode accepted; strict mode raises the first of them.
        may_be_elsewhere: Whether peer pools are worth asking: no contract was found here, and the
            car has room for one.
        findings: Facts for the log.
    """

    pcid: Pcid | None
    answers: Sequence[SignedContractData]
    failure: CcpError | None
    accepted_failures: Sequence[CcpError]
    may_be_elsewhere: bool
    findings: Sequence[Finding]


def select_contracts(
    services: Services, exi: bytes, request: InstallationRequest, *, at: datetime
) -> InstallationDecision:
    """
    Verify a car's request and select its contracts.

    Every failure becomes part of the decision; the function raises nothing.

    Args:
        exi: The EXI message that *request* was decoded from.
        at: The present moment, aware UTC.
    """
    pcid: Pcid | None = None
    answers: list[SignedContractData] = []
    failure: CcpError | None = None
    accepted_failures: list[CcpError] = []
    findings: list[Finding] = []
    try:
        chain = read_chain(request.certificates, "OEM provisioning certificate")
        findings += irregularity_findings(chain, "OEM provisioning certificate")
        failures: list[CcpError] = []
        pcid = _pcid(chain[0], failures, lab=services.settings.lab)
        with collecting(failures):
            findings += verify_message(exi, request.message, chain[0].public_key, request.suites)
        with collecting(failures):
            _verify_chain(services, request, chain, at=at)
        findings += findings_of(failures)
        accepted_failures += services.raise_unless_lab(failures)
        choice = choose(services.store, request, pcid, at=at)
        findings += findings_of(choice.failures)
        accepted_failures += services.raise_unless_lab(choice.failures)
        findings += choice.findings
        answers = [
            replace(
                record,
                installation_res_exi=request.answer(
                    record.installation_res_exi,
                    record.unsigned_bits,
                    remaining=len(choice.records) - position,
                    at=at,
                ),
            )
            for position, record in enumerate(choice.records, start=1)
        ]
    except CcpError as error:
        failure = error
    except Exception as error:  # the car gets an answer all the same
        failure = InternalError()
        failure.__cause__ = error
    not_found = isinstance(failure, ContractOrVehicleNotFound)
    return InstallationDecision(
        pcid=pcid,
        answers=answers,
        failure=failure,
        accepted_failures=accepted_failures,
        may_be_elsewhere=not_found and request.most_contracts > 0,
        findings=findings,
    )


def _pcid(certificate: Certificate, failures: list[CcpError], *, lab: bool) -> Pcid:
    """
    Read the PCID of a car; in lab mode any common name stands for one.

    Args:
        failures: In lab mode, takes the reason for which strict mode refuses the name.
    Raises:
        CertificateUnreadable: The common name is not a PCID, or in lab mode not a name at all.
    """
    name = certificate.common_name
    try:
        return Pcid.parse(name)
    except ValueError:
        failure = CertificateUnreadable(
            "The common name of the OEM provisioning certificate is not a PCID: "
            f"{_why_no_pcid(name)}, and a PCID has 17 or 18 letters and digits."
        )
    if not lab:
        raise failure
    try:
        pcid = Pcid.parse_lab(name)
    except ValueError:
        raise failure from None
    failures.append(failure)
    return pcid


def _why_no_pcid(name: str) -> str:
    """Describe a name without repeating it: it may be nearly that of a car."""
    if not name:
        return "there is none, or more than one"
    if len(name) not in (17, 18):
        return f"it has {len(name)} characters"
    return "it has other characters"


def _verify_chain(
    services: Services,
    request: InstallationRequest,
    chain: Sequence[Certificate],
    *,
    at: datetime,
) -> None:
    """Verify that the car's certificate is valid and ends in a trusted OEM root."""
    leaf = chain[0]
    if at > leaf.not_after:
        raise ProvisioningCertificateExpired
    if at < leaf.not_before:
        raise ProvisioningCertificateNotYetValid
    services.trusted.current.provisioning_chains.verify(chain, at=at, suites=request.suites)
