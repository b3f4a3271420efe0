"""
deleteSignedContractDataByEmaidV1: an eMSP withdraws a contract from the pool.

Source: OPNC CCP API 1.0, DeleteSignedContractDataByEmaid.
"""

import asyncio
from collections.abc import Awaitable, Collection

import structlog

from ccp.clients.revocation import RevocationClient
from ccp.domain.errors import ContractNotFound
from ccp.domain.identifiers import Emaid
from ccp.domain.origin import Origin
from ccp.pki.certificates import read_certificate
from ccp.policy.services import Services

log = structlog.get_logger()

Answer = tuple[None, int]


def handle(
    services: Services, *, emaid: Emaid, skip_revocation: bool, origin: Origin
) -> Awaitable[Answer]:
    """
    Remove every record of the contract, in all namespaces and for all roots.

    Certificates that a CA of the operator has issued are revoked first. If the contract was a
    car's default, the car has no default afterwards: the pool never chooses which contract a
    driver pays with.

    Raises:
        ContractNotFound: Nothing is stored under the EMAID.
        RevocationFailed, RevocationUnavailable: A certificate could not be revoked, and nothing was
            deleted. Those that were revoked are recorded, so the same request continues from there.
        TooManyAtOnce: Too many requests wait for the revocation service.
        StoreBusy: A record with another certificate was put meanwhile.
    """
    revocation = services.clients.revocation
    if skip_revocation or revocation is None:
        return _delete(services, emaid, origin, seen=None)
    certificates = services.store.contract_certificates(emaid)
    if not certificates:
        raise ContractNotFound
    due = [der for der in certificates if _is_due(services, der)]
    if not due:
        log.info("no certificate to revoke", reason="no valid one is of an operator's CA")
        return _delete(services, emaid, origin, seen=certificates)
    return _revoke_and_delete(services, revocation, emaid, due, origin, seen=certificates)


def _is_due(services: Services, der: bytes) -> bool:
    """
    Return whether a certificate has to be revoked.

    An expired certificate does not, and a CA may refuse to revoke it (RFC 5280, 3.3).
    """
    certificate = read_certificate(der, "contract certificate")
    if services.clock() > certificate.not_after:
        return False
    return services.operator_cas.issued(certificate) and not services.store.is_revoked(der)


async def _revoke_and_delete(
    services: Services,
    revocation: RevocationClient,
    emaid: Emaid,
    due: Collection[bytes],
    origin: Origin,
    *,
    seen: Collection[bytes],
) -> Answer:
    async def revoke(der: bytes) -> None:
        await revocation.revoke(der)
        recorded = services.store.begin_record_revoked(emaid, der, origin)
        # The certificate is revoked, even if the client has gone: record that in any case.
        await asyncio.shield(asyncio.wrap_future(recorded))

    async with revocation.reserve_slot():
        outcomes = await asyncio.gather(*map(revoke, due), return_exceptions=True)
    failures = [outcome for outcome in outcomes if outcome is not None]
    if failures:
        log.warning("not all certificates were revoked", wanted=len(due), failed=len(failures))
        raise failures[0]
    return await _delete(services, emaid, origin, seen=seen)


async def _delete(
    services: Services, emaid: Emaid, origin: Origin, *, seen: Collection[bytes] | None
) -> Answer:
    if not await asyncio.wrap_future(services.store.begin_delete(emaid, origin, seen=seen)):
        raise ContractNotFound
    return None, 200
