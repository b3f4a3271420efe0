"""Revocation status of certificates by OCSP or CRL, cached as long as the answer is valid."""

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
from ccp.pki.revocation import CertificateStatus, Status, StatusUnknown

# Cached OCSP answers plus certificates on cached CRLs: some 20 MB.
_MOST_KEPT = 100_000

T = TypeVar("T", CertificateStatus, RevocationList)


class StatusUnavailable(Exception):
    """
    No OCSP responder or CRL gave the status of a certificate; the text says why.

    Attributes:
        was_asked: Whether all of them were asked. A host whose circuit breaker is open is not, and
            neither are the services of a CA that has used up its time.
    """

    def __init__(self, reason: str, *, was_asked: bool = True) -> None:
        super().__init__(reason)
        self.was_asked = was_asked


class Statuses:
    """
    A cache of revocation statuses, for one event loop.

    Args:
        clock: Returns the present moment, aware UTC.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._kept: OrderedDict[bytes, CertificateStatus | RevocationList] = OrderedDict()
        self._weight = 0
        self._asking: dict[bytes, asyncio.Task[Any]] = {}

    async def find(
        self, certificate: Certificate, issuer: Certificate, client: OcspCrlClient
    ) -> Status | None:
        """
        Find the status of a certificate: ask its OCSP responders first, then its CRLs.

        Args:
            issuer: The certificate of the CA that issued it.
        Returns: None if the certificate names neither OCSP responder nor CRL.
        Raises:
            StatusUnavailable: None of them gave a valid answer.
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
        async def ask() -> CertificateStatus:
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
        """Return a valid cached answer; if there is none, ask once for all concurrent callers."""
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


def _weight(answer: CertificateStatus | RevocationList) -> int:
    return 1 + (len(answer.statuses) if isinstance(answer, RevocationList) else 0)


def _key(url: str, *certificates: Certificate) -> bytes:
    """Return the cache key of an answer: its URL and the certificates that it is about."""
    digest = hashlib.sha256(url.encode())
    for certificate in certificates:
        digest.update(hashlib.sha256(certificate.der).digest())
    return digest.digest()
