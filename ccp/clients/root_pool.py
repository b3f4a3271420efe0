"""Root Certificate Pool (RCP): publishes the root certificates that an ecosystem trusts."""

import asyncio
import time
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
"""Limit on the size of a response. A root certificate takes some 2 kB."""

_SECONDS = 5
_MAX_ROOTS = 512
# Parsing blocks the event loop, so the number of JSON values is limited first. An entry has some
# 20 values, and commas in names are counted too.
_MAX_VALUES = 64 * _MAX_ROOTS
# The API has a limit of 800, which roots of ISO 15118-20 on P-521 exceed.
_MAX_CHARACTERS = 16 * 1024


class RootPoolClient:
    """
    Client of an RCP.

    Args:
        service: A service whose `max_bytes` is MAX_BYTES.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def fetch(self, kind: str) -> list[bytes]:
        """
        Fetch the root certificates of one kind of PKI.

        Args:
            kind: v2g, emsp or oem.
        Returns: As `read_roots`.
        Raises:
            RequestFailed: The service does not answer in time, or the answer is invalid.
        Source: OPNC RCP API 1.0, getRootCertificates.
        """
        outcome, started = "failed", time.perf_counter()
        try:
            reply = await self._service.request(
                "GET", f"/rootcertificates?pkiType={kind}", seconds=_SECONDS
            )
            if reply.status != 200:
                raise RequestFailed(f"status {reply.status}")
            roots = await asyncio.to_thread(read_roots, reply.body, kind)
            outcome = "answered"
        finally:
            duration = time.perf_counter() - started
            measures.now.call("root pool", self._service.name, outcome, duration)
        return roots


def read_roots(answer: bytes, kind: str) -> list[bytes]:
    """
    Return the certificates of one kind in an answer; log and skip invalid entries.

    Only `caCertificate` and `rootTypeList` are read: the certificate itself has the other data.

    Args:
        answer: The body of the response; untrusted.
        kind: v2g, emsp or oem. An entry of another kind is skipped. An entry without `rootTypeList`
            is taken to be of this kind.
    Returns: Bytes that should be X.509, DER, in the order of the answer.
    Raises:
        RequestFailed: The answer is too large, or does not conform to the API.
    Source: OPNC RCP API 1.0, GetRootCertificatesResponseV1.
    """
    if len(answer) > MAX_BYTES:
        raise RequestFailed(f"the answer is larger than {MAX_BYTES // 2**20} MiB")
    if sum(map(answer.count, (b"[", b"{", b","))) > _MAX_VALUES:
        raise RequestFailed("the answer has too many values")
    try:
        entries = orjson.loads(answer)["rootCertificateCollection"]
    except (ValueError, LookupError, TypeError):
        entries = None
    if not isinstance(entries, list):
        raise RequestFailed("the answer does not conform to the API")
    if len(entries) > _MAX_ROOTS:
        raise RequestFailed(f"the answer has more than {_MAX_ROOTS} roots")
    ders = []
    for number, entry in enumerate(entries):
        try:
            ders.append(_read_entry(entry, kind))
        except _EntryInvalid as error:
            log.warning(
                "an entry of the root pool is skipped", kind=kind, number=number, error=str(error)
            )
    return ders


class _EntryInvalid(Exception):
    """An entry is invalid or of another kind. The text is the reason."""


def _read_entry(entry: Any, kind: str) -> bytes:
    if not isinstance(entry, dict) or not isinstance(entry.get("caCertificate"), str):
        raise _EntryInvalid("it has no caCertificate")
    types = entry.get("rootTypeList", [kind])
    if not isinstance(types, list) or not any(
        isinstance(one, str) and one.lower() == kind for one in types
    ):
        raise _EntryInvalid(f"its rootTypeList does not contain {kind}")
    text = entry["caCertificate"]
    if len(text) > _MAX_CHARACTERS:
        raise _EntryInvalid(f"its caCertificate is longer than {_MAX_CHARACTERS} characters")
    try:
        return read_base64(text)
    except ExiInvalid:
        raise _EntryInvalid("its caCertificate is not base64") from None
