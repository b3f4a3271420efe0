"""The PKI service, which is asked to revoke a contract certificate of a CA of the operator's."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import orjson
import structlog

from ccp.clients.http import Reply, RequestFailed
from ccp.clients.service import Service
from ccp.domain.errors import RevocationFailed, RevocationUnavailable, TooManyAtOnce
from ccp.observability import measures

log = structlog.get_logger()

ATTEMPTS = 3
_PAUSE_SECONDS = 0.25  # before the second attempt; before each later one twice as long
# It says that the certificate has been revoked already: by an attempt whose answer was lost.
_CONFLICT = 409
# What may come of an attempt; what has failed may be better the next moment.
_REVOKED, _REFUSED, _FAILED = "revoked", "refused", "failed"


class Revocation:
    """
    The OPNC PKI service.

    Args:
        seconds: All attempts for one certificate together may take so long.
        most: So many requests wait for it at a time; more are refused at once.
    """

    def __init__(self, service: Service, *, seconds: float, most: int) -> None:
        self._service = service
        self._seconds = seconds
        self._most = most
        self._waiting = 0

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Keep its connections for the block; without it nothing can be asked."""
        async with self._service.connected():
            yield

    @contextmanager
    def place(self) -> Iterator[None]:
        """
        Take a place among the requests that wait for the service.

        Raises:
            TooManyAtOnce: There is none: a worker has other things to do than to wait.
        """
        if self._waiting >= self._most:
            raise TooManyAtOnce
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def revoke(self, certificate_der: bytes) -> None:
        """
        Have a contract certificate revoked; doing so again does no harm.

        What may be better the next moment is tried again: a connection that fails, a server error.

        Args:
            certificate_der: X.509, DER.
        Raises:
            RevocationUnavailable: The service cannot be reached, or does not answer in time.
            RevocationFailed: It has answered that it did not revoke.
        Source: OPNC PKI API 1.0, revokeCertificate.
        """
        content = orjson.dumps(
            {
                "certificate": base64.b64encode(certificate_der).decode(),
                "revocationReason": "cessationOfOperation",
            }
        )
        reply = await self._attempts(content)
        if reply is None:
            raise RevocationUnavailable
        if _outcome(reply) != _REVOKED:
            raise RevocationFailed

    async def _attempts(self, content: bytes) -> Reply | None:
        """Try a few times; None where the last try has had no answer."""
        reply = None
        try:
            async with asyncio.timeout(self._seconds):
                for attempt in range(ATTEMPTS):
                    if attempt:
                        await asyncio.sleep(_PAUSE_SECONDS * 2 ** (attempt - 1))
                    reply = None
                    reply = await self._attempt(content)
                    if reply is not None and _outcome(reply) != _FAILED:
                        break
        except TimeoutError:
            log.warning("the revocation service takes too long", service=self._service.name)
        return reply

    async def _attempt(self, content: bytes) -> Reply | None:
        outcome, begun = _FAILED, time.perf_counter()
        try:
            reply = await self._service.post(
                "/pki/revokeCertificate",
                content,
                headers={"OPNC-to-party-type": "pki"},
                seconds=self._seconds,
            )
            outcome = _outcome(reply)
        except RequestFailed as error:
            log.warning(
                "the revocation service does not answer",
                service=self._service.name,
                reason=str(error),
            )
            return None
        finally:
            seconds = time.perf_counter() - begun
            measures.now.call("revocation", self._service.name, outcome, seconds)
        log.info(
            "the revocation service has answered", service=self._service.name, status=reply.status
        )
        return reply


def _outcome(reply: Reply) -> str:
    if 200 <= reply.status < 300 or reply.status == _CONFLICT:
        return _REVOKED
    return _REFUSED if reply.status < 500 else _FAILED
