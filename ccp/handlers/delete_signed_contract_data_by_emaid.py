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

    What a CA of the operator's has issued is revoked before. A car whose default it was is left
    without one: which contract a driver pays with is never chosen for them.

    Raises:
        ContractNotFound: Nothing is stored under the EMAID.
        RevocationFailed, RevocationUnavailable: Not everything was revoked, and nothing deleted;
            what was revoked is known, so that the same request can go on from there.
        TooManyAtOnce: Too many requests wait for the revocation service.
        StoreBusy: A record was put meanwhile whose certificate has not been looked at.
    """
    revocation = services.clients.revocation
    if skip_revocation or revocation is None:
        return _delete(services, emaid, origin, seen=None)
    certificates = services.store.contract_certificates(emaid)
    if not certificates:
        raise ContractNotFound
    due = [der for der in certificates if _is_due(services, der)]
    if not due:
        log.info("nothing is to be revoked: no CA of the operator's has issued what is valid")
        return _delete(services, emaid, origin, seen=certificates)
    return _revoke_and_delete(services, revocation, emaid, due, origin, seen=certificates)


def _is_due(services: Services, der: bytes) -> bool:
    """What has expired needs no revocation any more, and a CA may refuse it (RFC 5280, 3.3)."""
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
        noted = services.store.begin_note_revoked(emaid, der, origin)
        # It is revoked, whether or not the caller still waits to be told.
        await asyncio.shield(asyncio.wrap_future(noted))

    async with revocation.reserve_slot():
        outcomes = await asyncio.gather(*map(revoke, due), return_exceptions=True)
    failures = [outcome for outcome in outcomes if outcome is not None]
    if failures:
        log.warning("not all certificates are revoked", of=len(due), failed=len(failures))
        raise failures[0]
    return await _delete(services, emaid, origin, seen=seen)


async def _delete(
    services: Services, emaid: Emaid, origin: Origin, *, seen: Collection[bytes] | None
) -> Answer:
    if not await asyncio.wrap_future(services.store.begin_delete(emaid, origin, seen=seen)):
        raise ContractNotFound
    return None, 200
