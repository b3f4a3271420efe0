"""Client of the PKI service: its time limit; see tests/handlers/test_revocation.py for the rest."""

import asyncio
import ssl

import pytest

from ccp.clients import revocation
from ccp.clients.credentials import StaticToken
from ccp.clients.revocation import RevocationClient
from ccp.clients.service import Service
from ccp.domain.errors import RevocationFailed
from tests.clients.scripted import Says, scripted
from tests.waiting import SECONDS


def test_revoke_no_time_for_another_attempt_reports_the_last_answer(monkeypatch):
    """The pause before the second attempt is longer than the time limit, so there is no pause."""
    monkeypatch.setattr(revocation, "_PAUSE_SECONDS", 2 * SECONDS)

    async def scenario(url):
        service = Service(url, StaticToken(), ssl.create_default_context(), connections=1)
        client = RevocationClient(service, seconds=SECONDS, max_waiting=1)
        async with service.connected():
            await client.revoke(b"certificate")

    with scripted(Says(500)) as service:
        with pytest.raises(RevocationFailed):
            asyncio.run(scenario(service.url))
        assert len(service.asked) == 1
