"""What this pool would answer to a message, without answering it."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from ccp.domain.errors import CcpError, EmaidBelongsToOtherPcid
from ccp.domain.findings import Finding
from ccp.domain.identifiers import Emaid
from ccp.iso15118 import ExiError, decode, iso2, iso20
from ccp.messages import (
    InstallationRequest,
    decode_installation_req,
    decode_installation_res,
    names_of,
)
from ccp.pki.certificates import read_certificate
from ccp.policy.installation import select_contracts
from ccp.policy.selection import is_installed
from ccp.policy.services import Services
from ccp.policy.validation import ValidationResult, validate_contract
from ccp.store import SignedContractData
from ccp.trust.current import TrustSnapshot, TrustStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """
    An error, as the API tells it.

    Attributes:
        status: Of HTTP.
        error: The pool's name of it, by which refusals are counted.
        messages: Its errorMessages.
        response_code: Of the CertificateInstallationRes that the answer carries for the car, unless
            alwaysReturnEXI is false; None where it carries none.
    """

    status: int
    error: str
    messages: Sequence[str]
    response_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedContract:
    """
    A contract that a car would get, in one variant.

    Attributes:
        emaid, pcid: As they were put.
        namespace: Of its edition, in the spec's spelling.
        v2g_root_fingerprint, v2g_root_distinguished_name: Of its variant; see `SignedContractData`.
        root_is_installed: Whether the car lists that root.
        is_default: Whether it is the default of the car.
        valid_from, valid_to: Of the contract certificate, aware UTC.
        response_code, remaining: ResponseCode and RemainingContractCertificateChains that the car
            would read in it; None where it cannot be read, or has no such element.
    """

    emaid: str
    pcid: str
    namespace: str
    v2g_root_fingerprint: str | None
    v2g_root_distinguished_name: str
    root_is_installed: bool
    is_default: bool
    valid_from: datetime
    valid_to: datetime
    response_code: str | None
    remaining: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostPreview:
    """
    What the POST of a CertificateInstallationReq would come to.

    Attributes:
        status: Of HTTP.
        refusal: None where contracts are answered.
        pcid: Of the car; None where it cannot be read.
        contracts: In the order in which they are answered.
        accepted_failures: Failures that lab mode accepts; strict mode raises the first of them.
        asks_peers: Whether peer pools would be asked, if the caller says `broadcast`.
        findings: What the log would have besides.
    """

    status: int
    refusal: Refusal | None
    pcid: str | None = None
    contracts: Sequence[OfferedContract] = ()
    accepted_failures: Sequence[Refusal] = ()
    asks_peers: bool = False
    findings: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PutPreview:
    """
    What the PUT of a CertificateInstallationRes would come to, under its own EMAID.

    Attributes:
        status: Of HTTP.
        refusal: None where it is stored.
        emaid: Its own; None where that is none, so that it can only be put under another.
        v2g_root_fingerprint, v2g_root_distinguished_name: Of the root that it would be stored
            under, if the caller names none; None where it is refused. Without anchors the
            fingerprint is what the caller says, and None here.
        accepted_failures: In lab mode, what strict mode refuses.
        pcid: Of the car that the EMAID is stored for already; None where it is not stored.
        replaces: Whether it would replace what is stored for that car; if not, it is one more
            variant.
        for_other_car: How it would be refused if it were put for another car; None where the EMAID
            is not stored.
        findings: What the log would have besides.
    """

    status: int
    refusal: Refusal | None
    emaid: str | None
    v2g_root_fingerprint: str | None
    v2g_root_distinguished_name: str | None
    accepted_failures: Sequence[Refusal]
    pcid: str | None
    replaces: bool
    for_other_car: Refusal | None
    findings: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """
    What both operations that take a message would answer; at least one of them refuses it.

    Attributes:
        post: getSignedContractDataByCertificateInstallationReq.
        put: addSignedContractData.
    """

    post: PostPreview
    put: PutPreview


def preview(services: Services, exi: bytes, *, at: datetime) -> Preview:
    """
    Tell what this pool would answer to a message; nothing else happens.

    It is decided by the code that decides when it happens. Who calls, and what else the body of the
    request has, is not looked at.

    Args:
        services: Of the pool; its store is read, and what its chains have proved is not used.
        exi: A CertificateInstallationReq or -Res of either edition, or anything else.
        at: The present, aware UTC.
    """
    trusted = TrustStore(TrustSnapshot.of(services.trusted.current.trust), services.trusted.files)
    aside = replace(services, trusted=trusted)
    return Preview(post=_preview_post(aside, exi, at), put=_preview_put(aside, exi, at))


def _preview_post(services: Services, exi: bytes, at: datetime) -> PostPreview:
    try:
        request = decode_installation_req(exi)
    except CcpError as error:
        return PostPreview(status=error.status, refusal=_refusal(error))
    outcome = select_contracts(services, exi, request, at=at)
    failure = outcome.failure
    return PostPreview(
        status=200 if failure is None else failure.status,
        refusal=None if failure is None else _refusal(failure, request),
        pcid=outcome.pcid.text if outcome.pcid else None,
        contracts=[_offered(record, request) for record in outcome.answers],
        accepted_failures=[_refusal(one, request) for one in outcome.accepted_failures],
        asks_peers=services.clients.peer_pools is not None and outcome.may_be_elsewhere,
        findings=_texts(outcome.findings),
    )


def _preview_put(services: Services, exi: bytes, at: datetime) -> PutPreview:
    emaid: Emaid | None = None
    validation: ValidationResult | None = None
    refusal: Refusal | None = None
    accepted_failures: list[CcpError] = []
    stored: list[SignedContractData] = []
    replaces = False
    try:
        signed = decode_installation_res(exi)
        contract = read_certificate(signed.contract_chain[0], "contract certificate")
        emaid = _own_emaid(names_of(signed, contract)[0])
        stored = services.store.find_contract(emaid) if emaid else []
        validation = validate_contract(services, exi, signed, emaid, None, at=at)
        accepted_failures = services.raise_unless_lab(validation.failures)
        key = signed.namespace, validation.v2g_root_fingerprint
        replaces = key in [(one.namespace, one.v2g_root_fingerprint) for one in stored]
    except CcpError as error:
        refusal = _refusal(error)
    place = validation if refusal is None else None
    return PutPreview(
        status=201 if refusal is None else refusal.status,
        refusal=refusal,
        emaid=emaid.text if emaid else None,
        v2g_root_fingerprint=place.v2g_root_fingerprint if place else None,
        v2g_root_distinguished_name=place.v2g_root_distinguished_name if place else None,
        accepted_failures=[_refusal(one) for one in accepted_failures],
        pcid=stored[0].pcid.text if stored else None,
        replaces=replaces,
        for_other_car=_refusal(EmaidBelongsToOtherPcid()) if stored else None,
        findings=_texts(validation.findings) if validation else [],
    )


def _refusal(failure: CcpError, request: InstallationRequest | None = None) -> Refusal:
    """Tell an error; to a car that asks, if its request can be read."""
    return Refusal(
        status=failure.status,
        error=type(failure).__name__,
        messages=failure.messages,
        response_code=None if request is None else request.response_code(failure),
    )


def _offered(answer: SignedContractData, request: InstallationRequest) -> OfferedContract:
    response_code, remaining = None, None
    with suppress(ExiError):  # it may have been damaged since it was put
        match decode(answer.installation_res_exi).body:
            case iso2.CertificateInstallationRes() as res:
                response_code = res.response_code
            case iso20.CertificateInstallationRes() as res:
                response_code = res.response_code
                remaining = res.remaining_contract_certificate_chains
    return OfferedContract(
        emaid=answer.emaid.text,
        pcid=answer.pcid.text,
        namespace=answer.namespace,
        v2g_root_fingerprint=answer.v2g_root_fingerprint,
        v2g_root_distinguished_name=answer.v2g_root_distinguished_name,
        root_is_installed=is_installed(answer, request.roots),
        is_default=answer.is_default,
        valid_from=answer.valid_from,
        valid_to=answer.valid_to,
        response_code=response_code,
        remaining=remaining,
    )


def _own_emaid(text: str) -> Emaid | None:
    try:
        return Emaid.parse(text)
    except ValueError:
        return None


def _texts(findings: Iterable[Finding]) -> list[str]:
    return list(dict.fromkeys(str(finding) for finding in findings))
