"""PKI service: revokes contract certificates that the operator's CAs have issued."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import structlog
import tenacity

from ccp.clients.http import Reply, RequestFailed
from ccp.clients.service import Service
from ccp.domain.errors import RevocationFailed, RevocationUnavailable, TooManyAtOnce
from ccp.observability import measures

log = structlog.get_logger()

MAX_ATTEMPTS = 3
_PAUSE_SECONDS = 0.25  # before the second attempt; doubled before each later attempt
# The certificate is already revoked: by an earlier attempt whose response was lost.
_CONFLICT = 409
# Outcomes of an attempt, as the metrics name them. A failed attempt is repeated.
_REVOKED, _REFUSED, _FAILED = "revoked", "refused", "failed"


class _ServerError(Exception):
    """The service has answered with a status of 500 or above."""


class RevocationClient:
    """
    Client of the OPNC PKI service.

    Args:
        seconds: Time limit for all attempts to revoke one certificate.
        max_waiting: Maximum number of requests that wait for the service.
    """

    def __init__(self, service: Service, *, seconds: float, max_waiting: int) -> None:
        self._service = service
        self._seconds = seconds
        self._slots = asyncio.Semaphore(max_waiting)

    @asynccontextmanager
    async def reserve_slot(self) -> AsyncIterator[None]:
        """
        Count the block as a request that waits for the service.

        Raises:
            TooManyAtOnce: The maximum is reached. The worker has to serve other requests too.
        """
        if self._slots.locked():
            raise TooManyAtOnce
        async with self._slots:
            yield

    async def revoke(self, certificate_der: bytes) -> None:
        """
        Revoke a contract certificate. It may be revoked already.

        The request is repeated after a connection failure or a server error.

        Raises:
            RevocationUnavailable: The service cannot be reached, or the time limit is exceeded.
            RevocationFailed: The service has answered that it did not revoke the certificate.
        Source: OPNC PKI API 1.0, revokeCertificate.
        """
        content = orjson.dumps(
            {
                "certificate": base64.b64encode(certificate_der).decode(),
                "revocationReason": "cessationOfOperation",
            }
        )
        with_retries = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type((RequestFailed, _ServerError)),
            wait=tenacity.wait_exponential(multiplier=_PAUSE_SECONDS),
            stop=tenacity.stop_after_attempt(MAX_ATTEMPTS)
            | tenacity.stop_before_delay(self._seconds),
            reraise=True,
        )
        try:
            async with asyncio.timeout(self._seconds):
                reply: Reply = await with_retries(self._attempt, content)
        except TimeoutError:
            log.warning("the revocation service takes too long", service=self._service.name)
            raise RevocationUnavailable from None
        except RequestFailed:
            raise RevocationUnavailable from None
        except _ServerError:
            raise RevocationFailed from None
        if _outcome_of(reply) != _REVOKED:
            raise RevocationFailed

    async def _attempt(self, content: bytes) -> Reply:
        outcome, started = _FAILED, time.perf_counter()
        try:
            reply = await self._service.request(
                "POST",
                "/pki/revokeCertificate",
                seconds=self._seconds,
                headers={"OPNC-to-party-type": "pki"},
                content=content,
            )
            outcome = _outcome_of(reply)
        except RequestFailed as error:
            log.warning(
                "the revocation service does not answer",
                service=self._service.name,
                error=str(error),
            )
            raise
        finally:
            duration = time.perf_counter() - started
            measures.now.call("revocation", self._service.name, outcome, duration)
        log.info(
            "the revocation service has answered", service=self._service.name, status=reply.status
        )
        if outcome == _FAILED:
            raise _ServerError
        return reply


def _outcome_of(reply: Reply) -> str:
    if 200 <= reply.status < 300 or reply.status == _CONFLICT:
        return _REVOKED
    return _REFUSED if reply.status < 500 else _FAILED
