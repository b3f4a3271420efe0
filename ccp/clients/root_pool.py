"""The Root Certificate Pool (RCP), which is asked for the roots that an ecosystem trusts."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import structlog

from ccp.clients.http import RequestFailed
from ccp.clients.service import Service
from ccp.domain.base64_text import read_base64
from ccp.domain.errors import ExiInvalid
from ccp.observability import measures

log = structlog.get_logger()

MAX_BYTES = 2 * 2**20
"""Of an answer; a root in it has some 2 kB."""

_SECONDS = 5
_MOST_ROOTS = 512
# Each takes time to be made, while nobody else gets on; a root has some 20, commas in names too.
_MOST_VALUES = 64 * _MOST_ROOTS
# The API has 800, which the roots of ISO 15118-20 on P-521 exceed already.
_MOST_CHARACTERS = 16 * 1024


class RootPool:
    """
    An RCP.

    Args:
        service: That listens to MAX_BYTES.
    """

    def __init__(self, service: Service) -> None:
        self.service = service

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Keep its connections for the block; without it nothing can be asked."""
        async with self.service.connected():
            yield

    async def fetch(self, kind: str) -> list[bytes]:
        """
        Ask for the roots of one kind of PKI.

        Args:
            kind: v2g, emsp or oem.
        Returns: As `read_roots`.
        Raises:
            RequestFailed: It does not answer in time, or not with roots.
        Source: OPNC RCP API 1.0, getRootCertificates.
        """
        outcome, begun = "failed", time.perf_counter()
        try:
            reply = await self.service.get(f"/rootcertificates?pkiType={kind}", seconds=_SECONDS)
            if reply.status != 200:
                raise RequestFailed(f"it answered {reply.status}")
            roots = await asyncio.to_thread(read_roots, reply.body, kind)
            outcome = "answered"
        finally:
            seconds = time.perf_counter() - begun
            measures.now.call("root pool", self.service.name, outcome, seconds)
        return roots


def read_roots(answer: bytes, kind: str) -> list[bytes]:
    """
    Take the certificates out of an answer; an entry that is none of this kind is left out.

    Nothing else in it is looked at: it says of a certificate what that says itself.

    Args:
        answer: Any bytes.
        kind: That was asked for. An entry with types (rootTypeList) has to name it; one without is
            what was asked for.
    Returns: What should be X.509 in DER, in the order of the answer.
    Raises:
        RequestFailed: It is too large, or not of the API.
    Source: OPNC RCP API 1.0, GetRootCertificatesResponseV1.
    """
    if len(answer) > MAX_BYTES:
        raise RequestFailed(f"it is larger than {MAX_BYTES // 2**20} MiB")
    if sum(map(answer.count, (b"[", b"{", b","))) > _MOST_VALUES:
        raise RequestFailed("it has too many values")
    try:
        entries = orjson.loads(answer)["rootCertificateCollection"]
    except (ValueError, LookupError, TypeError):
        entries = None
    if not isinstance(entries, list):
        raise RequestFailed("what it answers is not of the API")
    if len(entries) > _MOST_ROOTS:
        raise RequestFailed(f"it has more than {_MOST_ROOTS} roots")
    ders = []
    for number, entry in enumerate(entries):
        try:
            ders.append(_read_entry(entry, kind))
        except _EntryBroken as problem:
            log.warning(
                "an entry of the root pool is left out",
                kind=kind,
                number=number,
                reason=str(problem),
            )
    return ders


class _EntryBroken(Exception):
    """An entry is not what was asked for; the text says why."""


def _read_entry(entry: Any, kind: str) -> bytes:
    if not isinstance(entry, dict) or not isinstance(entry.get("caCertificate"), str):
        raise _EntryBroken("it has no caCertificate")
    types = entry.get("rootTypeList", [kind])
    if not isinstance(types, list) or not any(
        isinstance(one, str) and one.lower() == kind for one in types
    ):
        raise _EntryBroken("its rootTypeList does not have what was asked for")
    text = entry["caCertificate"]
    if len(text) > _MOST_CHARACTERS:
        raise _EntryBroken("its caCertificate is too long")
    try:
        return read_base64(text)
    except ExiInvalid:
        raise _EntryBroken("its caCertificate is not base64") from None
