"""What is fuzzed, and what has to hold of every answer, whatever the input is."""

import asyncio
import json
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import httpx2
from connexion import FlaskApp
from starlette.types import Message as Event

from ccp.app import create_app
from ccp.domain.identifiers import Emaid
from ccp.iso15118 import decode, encode, iso20, sniff, with_session_id, with_time_stamp
from ccp.workshop import EDITION_2, EDITION_20, EDITIONS, Edition
from tests.builders import BASE, NOW, SESSION_20, b64, post_body
from tests.conftest import make_settings
from tests.contract.conformance import assert_conforms
from tests.iso15118.outcome import outcome
from tests.proof.fuzz.mutator import Mutate, mutate_body, mutate_message
from tests.trusted import PCIDS, contract_draft, request_draft, trust_folder
from tests.vectors import (
    departures,
    genuine_res,
    iso20_departures,
    iso20_requests,
    iso20_shapes,
    requests,
    shapes,
)
from tests.web.asgi import scope

SIGNED = f"{BASE}/signedcontractdata"
FUZZED = "DEFUZC00000001"
KEPT = {EDITION_2: "DEFUZC00000002", EDITION_20: "DEFUZC00000020"}
_LONGEST_MESSAGE = 8192
_LONGEST_BODY = 16384


@dataclass(frozen=True)
class Target:
    """
    Something that takes whatever comes.

    Attributes:
        name: One of TARGETS.
        take: Takes one input; raises where something does not hold.
        seeds: Inputs to begin with; the last are whole contracts and requests.
        mutate: Changes inputs so that they get far.
        longest: In bytes; what is longer takes long to get anywhere.
    """

    name: str
    take: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    mutate: Callable[[bytes, int, Random, Mutate], bytes] = mutate_message
    longest: int = _LONGEST_MESSAGE


TARGETS = ("decoder", "messages", "bodies")


@contextmanager
def made_target(name: str, folder: Path) -> Iterator[Target]:
    """One of TARGETS; *folder* takes its pools, if it has some."""
    if name == "decoder":
        yield Target(name, decode_or_tell, messages)
        return
    with closing(Pools(folder)) as pools:
        yield {
            "messages": Target(name, pools.take_message, messages),
            "bodies": Target(name, pools.take_body, bodies, mutate_body, _LONGEST_BODY),
        }[name]


def decode_or_tell(exi: bytes) -> None:
    """Any bytes are one message, whose session id and time stamp can be replaced, or an error."""
    if outcome(exi):
        return
    message = decode(exi)
    if isinstance(message.header, iso20.Header):
        message.header.time_stamp = 1 << 40
        exi = with_time_stamp(exi, 1 << 40)
        assert exi == encode(message)
    message.header.session_id = SESSION_20
    assert with_session_id(exi, SESSION_20) == encode(message)


def messages() -> Iterator[bytes]:
    """Messages of both editions: valid ones in many shapes, and what is none."""
    yield genuine_res()
    vectors = [*requests().values(), *iso20_requests().values(), *shapes(), *iso20_shapes()]
    yield from (vector.exi for vector in [*vectors, *departures(), *iso20_departures()])
    for edition in EDITIONS:
        yield contract_draft(edition=edition, emaid=FUZZED).exi()
        yield request_draft(edition=edition).exi()


def bodies() -> Iterator[bytes]:
    """Bodies of PUT and POST: some that no pool accepts, then some that a strict one does."""
    yield from (b"", b"{}", b"null", b'{"emaid":"\\ud800","pcid":1e999}', b"[" * 40 + b"]" * 40)
    yield b'{"emaid":' + b"[" * 950 + b"]" * 950 + b',"emaid":1}'  # hidden by another
    for edition in EDITIONS:
        yield json.dumps(contract_draft(edition=edition).put_body()).encode()
        yield json.dumps(request_draft(edition=edition).post_body()).encode()


class Pools:
    """
    A strict pool and one in lab mode, which goes on where the strict one refuses.

    Both have a contract for a car of each edition, and are asked without a network.
    """

    def __init__(self, folder: Path) -> None:
        trust = str(trust_folder(folder, None))
        self._pools = {}
        for checks in ("strict", "lab"):
            (home := folder / checks).mkdir()
            settings = make_settings(home, checks=checks, trust_dir=trust)
            self._pools[checks] = create_app(settings, clock=lambda: NOW)
        self._loop = asyncio.new_event_loop()
        self._requests = {
            edition: request_draft(edition=edition).post_body() for edition in EDITIONS
        }
        self._contracts = {
            edition: contract_draft(edition=edition, emaid=FUZZED).put_body()
            for edition in EDITIONS
        }
        for pool in self._pools.values():
            for edition in EDITIONS:
                draft = contract_draft(edition=edition, emaid=KEPT[edition])
                answer = self._ask(pool, "PUT", SIGNED, draft.put_body())
                assert answer.status_code == 201, answer.text

    def close(self) -> None:
        """Close what is open."""
        self._loop.close()
        for pool in self._pools.values():
            pool.services.store.close()

    def take_message(self, exi: bytes) -> None:
        """Any bytes as a car's request, or as what a CPS signed."""
        edition = EDITION_20 if sniff(exi).name.startswith("ISO20") else EDITION_2
        for pool in self._pools.values():
            if sniff(exi).name.endswith("_REQ"):
                body = post_body(exi, xsdMsgDefNamespace=edition.namespace)
                self._answers(pool, body)
            else:
                self._stores(pool, exi, edition)

    def take_body(self, body: bytes) -> None:
        """Any bytes as the body of PUT and of POST."""
        for pool in self._pools.values():
            self._ask(pool, "POST", SIGNED, body)
            if self._ask(pool, "PUT", SIGNED, body).status_code == 201:
                emaid = json.loads(body)["emaid"]
                if Emaid.parse(emaid) not in map(Emaid.parse, KEPT.values()):
                    assert self._ask(pool, "DELETE", f"{SIGNED}/{emaid}").status_code == 200

    def _stores(self, pool: FlaskApp, exi: bytes, edition: Edition) -> None:
        """What is stored comes back as it was, the car gets a message, and then it is gone."""
        message = {"certificateInstallationRes": b64(exi)}
        put = self._ask(pool, "PUT", SIGNED, self._contracts[edition] | message)
        if put.status_code != 201:
            assert put.status_code == 400, put.text
            return
        one = f"{SIGNED}/{FUZZED}/{PCIDS[edition]}"
        found = self._ask(pool, "GET", one, query=f"xsdMsgDefNamespace={edition.namespace}").json()
        (item,) = found["signedContractDataCollection"]
        assert b64decode(item["certificateInstallationRes"]) == exi
        assert self._ask(pool, "POST", f"{one}/setdefault").status_code == 200
        self._answers(pool, self._requests[edition])
        assert self._ask(pool, "DELETE", f"{SIGNED}/{FUZZED}").status_code == 200

    def _answers(self, pool: FlaskApp, body: dict[str, Any]) -> None:
        """What a car gets is a message, whatever it has sent."""
        answer = self._ask(pool, "POST", SIGNED, body).json()
        for item in answer.get("signedContractDataCollection", [answer]):
            if "certificateInstallationRes" in item:
                decode(b64decode(item["certificateInstallationRes"]))

    def _ask(
        self,
        pool: FlaskApp,
        method: str,
        path: str,
        body: bytes | dict[str, Any] = b"",
        query: str = "",
    ) -> httpx2.Response:
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        answer = self._loop.run_until_complete(ask(pool, method, path, body, query))
        assert answer.status_code < 500, answer.text
        assert_conforms(answer)
        return answer


async def ask(pool: FlaskApp, method: str, path: str, body: bytes, query: str) -> httpx2.Response:
    """Ask a pool as its server does, from below HTTP."""
    request = scope(
        method,
        path,
        query_string=query.encode(),
        headers=[(b"host", b"localhost"), (b"content-type", b"application/json")],
    )
    events: list[Event] = []

    async def receive() -> Event:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(event: Event) -> None:
        events.append(event)

    await pool(request, receive, send)
    start, *rest = events
    return httpx2.Response(
        start["status"],
        headers=start["headers"],
        content=b"".join(event.get("body", b"") for event in rest),
        request=httpx2.Request(method, f"http://pool{path}"),
    )
