"""The status of certificates, as their CAs tell it by OCSP or CRL; kept while it holds."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ccp.clients.circuit_breaker import RequestNotSent
from ccp.clients.http import RequestFailed
from ccp.clients.ocsp_crl import OcspCrlClient
from ccp.pki.certificates import Certificate
from ccp.pki.crl import RevocationList, read_crl
from ccp.pki.extensions import read_status_urls
from ccp.pki.ocsp import build_request, read_response
from ccp.pki.revocation import Answer, Status, StatusUnknown

# Answers, and certificates on lists: some 20 MB.
_MOST_KEPT = 100_000

T = TypeVar("T", Answer, RevocationList)


class StatusUnavailable(Exception):
    """
    Nobody who should tell the status of a certificate does; the text says why.

    Attributes:
        was_asked: Whether all were asked; a host that keeps failing is left alone for a while, and
            so are the services of a CA that has taken too much time.
    """

    def __init__(self, reason: str, *, was_asked: bool = True) -> None:
        super().__init__(reason)
        self.was_asked = was_asked


class Statuses:
    """
    What CAs have said, for as long as they said that it holds; used by one event loop.

    Args:
        clock: Gives the present moment, aware UTC.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._kept: OrderedDict[bytes, Answer | RevocationList] = OrderedDict()
        self._weight = 0
        self._asking: dict[bytes, asyncio.Task[Any]] = {}

    async def find(
        self, certificate: Certificate, issuer: Certificate, client: OcspCrlClient
    ) -> Status | None:
        """
        Tell the status of a certificate; its OCSP responders are asked first, then its CRLs.

        Args:
            issuer: Of its CA, by which it has been proved.
        Returns: None where the certificate does not say whom to ask.
        Raises:
            StatusUnavailable: Nobody has answered, or not so that it can be believed.
        """
        try:
            urls = read_status_urls(certificate.der)
        except ValueError:
            raise StatusUnavailable("its extensions cannot be read") from None
        failures = []
        was_asked = True
        for url in urls.ocsp:
            try:
                return await self._by_ocsp(url, certificate, issuer, client)
            except (RequestFailed, StatusUnknown) as error:
                was_asked = was_asked and not isinstance(error, RequestNotSent)
                failures.append(f"OCSP at {urlsplit(url).netloc}: {error}")
        for url in urls.crl:
            try:
                return await self._by_crl(url, certificate, issuer, client)
            except (RequestFailed, StatusUnknown) as error:
                was_asked = was_asked and not isinstance(error, RequestNotSent)
                failures.append(f"CRL at {urlsplit(url).netloc}: {error}")
        if failures:
            raise StatusUnavailable("; ".join(failures), was_asked=was_asked)
        return None

    async def _by_ocsp(
        self, url: str, certificate: Certificate, issuer: Certificate, client: OcspCrlClient
    ) -> Status:
        async def ask() -> Answer:
            request = build_request(certificate.der, issuer.der)
            response = await client.query_ocsp(url, request, issuer=issuer.der)
            return read_response(response, request, issuer.der, at=self._clock())

        answer = await self._once(_key(url, issuer, certificate), ask)
        return answer.status

    async def _by_crl(
        self, url: str, certificate: Certificate, issuer: Certificate, client: OcspCrlClient
    ) -> Status:
        async def fetch() -> RevocationList:
            content = await client.fetch_crl(url, issuer=issuer.der)
            return read_crl(content, issuer.der, at=self._clock())

        crl = await self._once(_key(url, issuer), fetch)
        return crl.status_of(certificate.serial_number)

    async def _once(self, key: bytes, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Give what is kept and still holds; or else ask, for all that want it meanwhile."""
        kept = self._kept.get(key)
        if kept is not None:
            if kept.until > self._clock():
                self._kept.move_to_end(key)
                return kept  # type: ignore[return-value]
            self._forget(key)
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._ask(key, ask))
            task.add_done_callback(lambda _: self._asking.pop(key))
        return await task  # type: ignore[no-any-return]

    async def _ask(self, key: bytes, ask: Callable[[], Awaitable[T]]) -> T:
        answer = await ask()
        self._kept[key] = answer
        self._weight += _weight(answer)
        while self._weight > _MOST_KEPT and len(self._kept) > 1:
            self._forget(next(iter(self._kept)))
        return answer

    def _forget(self, key: bytes) -> None:
        self._weight -= _weight(self._kept.pop(key))


def _weight(answer: Answer | RevocationList) -> int:
    return 1 + (len(answer.statuses) if isinstance(answer, RevocationList) else 0)


def _key(url: str, *certificates: Certificate) -> bytes:
    """What an answer is kept by: who gives it, of whom."""
    digest = hashlib.sha256(url.encode())
    for certificate in certificates:
        digest.update(hashlib.sha256(certificate.der).digest())
    return digest.digest()
