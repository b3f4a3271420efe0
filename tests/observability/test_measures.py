"""What is told of calls: of each peer pool and each attempt to revoke, one word and how long."""

import asyncio
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ccp.clients.http import RequestFailed
from ccp.domain.errors import CcpError
from ccp.domain.identifiers import ISO_15118_2, Emaid
from ccp.handlers import delete_signed_contract_data_by_emaid as delete
from ccp.handlers import get_signed_contract_data_by_certificate_installation_req as post
from ccp.observability import measures
from ccp.policy.services import Services
from ccp.workshop import EDITION_2
from ccp.workshop.pki import make_contract
from tests.builders import EMAID_TEXT, ORIGIN, record
from tests.clients.of import answered, with_clients
from tests.clients.scripted import GONE, Asked, Says, scripted
from tests.handlers.test_broadcast import ARGUMENTS, NOT_FOUND, item, says
from tests.trusted import MADE_AT, pki
from tests.waiting import NEVER, SECONDS, wait_until


class Listening(measures.Measures):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.cars: list[tuple[str, str]] = []
        self.calls: Counter[tuple[str, str, str]] = Counter()
        self.seconds = 0.0

    def car(self, namespace: str, response_code: str) -> None:
        self.cars.append((namespace, response_code))

    def call(self, service: str, host: str, outcome: str, seconds: float) -> None:
        self.calls[service, host, outcome] += 1
        self.seconds = max(self.seconds, seconds)


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Listening:
    """Who is told in the test."""
    listening = Listening()
    monkeypatch.setattr(measures, "now", listening)
    return listening


def call(services: Services, handle: Any, **arguments: Any) -> None:
    """Call a handler until its answer, or an error of its."""

    async def scenario() -> None:
        async with services.clients.connected():
            await answered(services, handle(services, **arguments))

    with suppress(CcpError):
        asyncio.run(scenario())


@pytest.mark.parametrize(
    ("says", "outcome", "code"),
    [
        (says(item()), "answered", "OK"),
        (NOT_FOUND, "nothing", "FAILED_NoCertificateAvailable"),
        (says(item(pcid="WAUZZZ4B0CC099999")), "unfit", "FAILED_NoCertificateAvailable"),
        (Says(500), "failed", "FAILED_NoCertificateAvailable"),
        (Says(GONE), "failed", "FAILED_NoCertificateAvailable"),
        (Says(after=NEVER), "failed", "FAILED_NoCertificateAvailable"),
    ],
    ids=["answered", "nothing", "unfit", "500", "gone", "late"],
)
def test_what_comes_of_a_peer(
    services: Services,
    tmp_path: Path,
    listening: Listening,
    says: Says,
    outcome: str,
    code: str,
) -> None:
    """By its host; and what the car is told in the end, once."""
    with scripted(says) as peer:
        variables = {"peers": peer.url, "peer_timeout_seconds": "0.5" if says.after else "4"}
        call(with_clients(services, tmp_path, **variables), post.handle, **ARGUMENTS)
    assert listening.calls == {("peer", peer.root.removeprefix("http://"), outcome): 1}
    assert listening.cars == [(ISO_15118_2, code)]
    assert 0 < listening.seconds < SECONDS


def test_a_peer_that_is_too_slow_to_matter(
    services: Services, tmp_path: Path, listening: Listening
) -> None:
    """Another one was faster: that is no failure."""

    def answer(_: Asked) -> Says:
        wait_until(lambda: slow.asked)
        return says(item())

    with scripted(answer) as quick, scripted(Says(after=NEVER)) as slow:
        variables = {"peers": f"{slow.url},{quick.url}", "peer_timeout_seconds": "4"}
        call(with_clients(services, tmp_path, **variables), post.handle, **ARGUMENTS)
        wait_until(lambda: slow.given_up == 1)
    assert {outcome for _, _, outcome in listening.calls} == {"answered", "overtaken"}


@pytest.mark.parametrize(
    ("says", "outcome", "attempts"),
    [
        (Says(200), "revoked", 1),
        (Says(409), "revoked", 1),
        (Says(400), "refused", 1),
        (Says(500), "failed", 3),
        (Says(GONE), "failed", 3),
    ],
    ids=["200", "409", "400", "500", "gone"],
)
def test_what_comes_of_a_revocation(
    services: Services,
    tmp_path: Path,
    listening: Listening,
    says: Says,
    outcome: str,
    attempts: int,
) -> None:
    """Each attempt is one call."""
    ours = pki(EDITION_2).emsp
    cas = tmp_path / "cas"
    cas.mkdir()
    (cas / "ca.pem").write_bytes(ours.sub_2.certificate.public_bytes(Encoding.PEM))
    der = make_contract(ours, EMAID_TEXT, at=MADE_AT).leaf.der
    services.store.put(record(contract_certificate_der=der), ORIGIN)
    with scripted(says) as service:
        asking = with_clients(
            services, tmp_path, revocation_url=service.root, operator_cas=str(cas)
        )
        arguments = {"emaid": Emaid.parse(EMAID_TEXT), "skip_revocation": False, "origin": ORIGIN}
        call(asking, delete.handle, **arguments)
    host = service.root.removeprefix("http://")
    assert listening.calls == {("revocation", host, outcome): attempts}


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        (Says(200, b'{"rootCertificateCollection":[]}'), "answered"),
        (Says(500), "failed"),
        (Says(200, b"nonsense"), "failed"),
        (Says(GONE), "failed"),
    ],
    ids=["200", "500", "nonsense", "gone"],
)
def test_what_comes_of_a_root_pool(
    services: Services, tmp_path: Path, listening: Listening, says: Says, outcome: str
) -> None:
    """An answer that is not of the API is none."""

    async def scenario(asking: Services) -> None:
        async with asking.clients.connected():
            with suppress(RequestFailed):
                await asking.clients.root_pool.fetch("v2g")

    with scripted(says) as service:
        asyncio.run(scenario(with_clients(services, tmp_path, rcp_url=service.root)))
    host = service.root.removeprefix("http://")
    assert listening.calls == {("root pool", host, outcome): 1}
