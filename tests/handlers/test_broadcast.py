"""A car that this pool does not know: its request goes to the peer pools, and what comes of it."""

import asyncio
import base64
import gzip
import json
import threading
import time
from datetime import timedelta
from threading import current_thread, main_thread
from typing import Any

import pytest
from structlog.testing import capture_logs

from ccp.clients import circuit_breaker
from ccp.domain.errors import ContractOrVehicleNotFound, SignatureInvalid
from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20
from ccp.handlers import get_signed_contract_data_by_certificate_installation_req as post
from ccp.iso15118 import decode, with_session_id
from ccp.policy.services import Services
from tests.builders import (
    EMAID_TEXT,
    NOW,
    ORIGIN,
    PCID_20_TEXT,
    PCID_TEXT,
    b64,
    installation_req,
    installation_req_20,
    installation_res,
    installation_res_20,
    record,
)
from tests.clients.of import answered, with_clients
from tests.clients.scripted import GONE, Asked, Says, Script, scripted
from tests.waiting import NEVER, SECONDS, until, wait_until

SESSION = bytes.fromhex("2A3DC6D75411F647")
REQUEST = installation_req(session_id=SESSION)
TIMEOUT = 4  # the longest that can be set: no busy machine needs more
SHORT = {"peer_timeout_seconds": "1"}  # where a peer never answers
OTHER = "FRXYZ123456789"


def item(exi: bytes | None = None, **changes: Any) -> dict[str, Any]:
    """An item of a peer's answer; *changes* replace or add members."""
    message = installation_res() if exi is None else exi
    return {
        "certificateInstallationRes": b64(with_session_id(message, SESSION)),
        "emaid": EMAID_TEXT,
        "pcid": PCID_TEXT,
        "xsdMsgDefNamespace": ISO_15118_2,
    } | changes


def says(*items: dict[str, Any], **changes: Any) -> Says:
    """An answer with these items."""
    return Says(200, {"signedContractDataCollection": list(items)}, **changes)


def nested(levels: int) -> list[Any]:
    """A list in a list in a list, so many times."""
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


NOT_FOUND = Says(404, {"errorMessages": ["no"], "traceId": "x"})


ARGUMENTS = {
    "installation_req_exi": REQUEST,
    "namespace": ISO_15118_2,
    "always_return_exi": True,
    "broadcast": True,
    "from_pool": False,
}


def ask(services: Services, **changes: Any) -> Any:
    """Call the handler for a car; give its answer, whenever it comes."""

    async def scenario() -> Any:
        async with services.clients.connected():
            return await answered(services, post.handle(services, **(ARGUMENTS | changes)))

    return asyncio.run(scenario())


@pytest.fixture
def asking(services, tmp_path):
    """Gives services whose peers are these."""

    def make(*peers, **variables):
        urls = ",".join(peer.url for peer in peers)
        variables = {"peer_timeout_seconds": str(TIMEOUT)} | variables
        return with_clients(services, tmp_path, peers=urls, **variables)

    return make


def test_a_peer_s_answer_is_passed_on_unchanged(asking):
    """Every member of its items, known here or not; the message is for the car's session."""
    here = item(
        metaData="note", cpsRootDistinguishedName="CN=M\u00fcller", unknown={"a": [1, None]}
    )
    with scripted(says(here)) as peer:
        body, status = ask(asking(peer))
    assert (status, body) == (200, {"signedContractDataCollection": [here]})
    answer = base64.b64decode(body["signedContractDataCollection"][0]["certificateInstallationRes"])
    assert decode(answer).header.session_id == SESSION


def test_the_same_request_goes_to_the_peer(asking):
    """Its bytes, its edition, its metadata; in this pool's name, and no further."""
    with scripted(NOT_FOUND) as peer, pytest.raises(ContractOrVehicleNotFound):
        ask(asking(peer), metadata="for later")
    (asked,) = peer.asked
    assert asked.path == "/opnc/v1/ccp/signedcontractdata"
    assert asked.json == {
        "certificateInstallationReq": b64(REQUEST),
        "xsdMsgDefNamespace": ISO_15118_2,
        "metadata": "for later",
    }
    assert asked.headers["broadcast"] == "false"
    assert asked.headers["opnc-from-party-type"] == "ccp"
    assert asked.headers["content-type"] == "application/json"
    assert "authorization" not in asked.headers


def test_each_peer_gets_its_own_credentials(asking, tmp_path):
    """A static token for one, a fetched one for the other; neither sees the other's."""

    def issue(asked: Asked) -> Says:
        if asked.path == "/token":
            return Says(200, {"access_token": "fetched", "token_type": "Bearer"})
        return NOT_FOUND

    with scripted(NOT_FOUND) as one, scripted(issue) as other:
        (tmp_path / "peers.toml").write_text(
            f'["{one.url}"]\ntoken = "static"\n'
            f'["{other.url}"]\ntoken_endpoint = "{other.root}/token"\n'
            'client_id = "us"\nclient_secret = "secret"\n'
        )
        services = asking(one, other, credentials=f"{tmp_path}/peers.toml")
        with pytest.raises(ContractOrVehicleNotFound):
            ask(services)
    assert [asked.headers["authorization"] for asked in one.asked] == ["Bearer static"]
    assert [asked.path for asked in other.asked] == ["/token", "/opnc/v1/ccp/signedcontractdata"]
    assert other.asked[1].headers["authorization"] == "Bearer fetched"


@pytest.mark.parametrize(
    "changes",
    [
        {"broadcast": False},
        {"from_pool": True},
        {
            "installation_req_exi": installation_req_20(maximum=0),
            "namespace": ISO_15118_20,
        },
    ],
    ids=["not wanted", "a pool asks", "no room in the car"],
)
def test_nobody_is_asked(asking, changes):
    """Where nobody wants it, where a pool asks, and where no answer could help."""
    with scripted(says(item())) as peer, pytest.raises(ContractOrVehicleNotFound):
        ask(asking(peer), **changes)
    assert peer.asked == []


def test_who_is_found_here_is_not_asked_for(asking):
    """A contract of the pool's own is the answer; and a request that is refused is no question."""
    forged = bytearray(REQUEST)
    forged[-20] ^= 1
    with scripted(says(item())) as peer:
        services = asking(peer)
        with pytest.raises(SignatureInvalid):
            ask(services, installation_req_exi=bytes(forged))
        services.store.put(record(exi=installation_res()), ORIGIN)
        _, status = ask(services)
    assert status == 200
    assert peer.asked == []


def test_without_peers_nothing_is_found(services):
    """`broadcast` is then as if false."""
    with pytest.raises(ContractOrVehicleNotFound):
        ask(services)


def test_all_are_asked_at_once_and_the_first_good_answer_wins(asking):
    """Not the first one asked; the others need not answer any more."""
    fast = item(metaData="fast")

    def answer(_: Asked) -> Says:
        wait_until(lambda: slow.asked and empty.asked)
        return says(fast)

    with (
        scripted(says(item(metaData="slow"), after=NEVER)) as slow,
        scripted(NOT_FOUND) as empty,
        scripted(answer) as peer,
    ):
        body, _ = ask(asking(slow, empty, peer))
        assert [len(one.asked) for one in (slow, empty, peer)] == [1, 1, 1]
        wait_until(lambda: slow.given_up == 1)
    assert body == {"signedContractDataCollection": [fast]}


TAMPERED = bytearray(with_session_id(installation_res(), SESSION))
TAMPERED[-30] ^= 1
BAD: dict[str, Says | Script] = {
    "500": Says(500, {"errorMessages": ["x"]}),
    "503": Says(503),
    "401": Says(401),
    "201": Says(201, {"signedContractDataCollection": [item()]}),
    "closed": Says(GONE),
    "nested": says(item(unknown=nested(300))),
    "late": says(item(), after=NEVER),
    "no JSON": Says(200, b"<html>a login page</html>"),
    "no object": Says(200, [item()]),
    "empty": says(),
    "a member is missing": says({k: v for k, v in item().items() if k != "emaid"}),
    "a member of another type": says(item(metaData=5)),
    "huge": says(item(metaData="x" * 300_000)),
    "compressed": Says(
        200,
        gzip.compress(json.dumps({"signedContractDataCollection": [item()]}).encode()),
        {"Content-Encoding": "gzip"},
    ),
    "not base64": says(item(certificateInstallationRes="!!!!")),
    "not EXI": says(item(certificateInstallationRes=b64(b"\x80\x98nonsense"))),
    "a request": says(item(certificateInstallationRes=b64(REQUEST))),
    "another session": says(item(certificateInstallationRes=b64(installation_res()))),
    "another car": says(item(pcid="WAUZZZ4B0CC999999")),
    "a failure": says(item(installation_res(response_code="FAILED"))),
    "tampered": says(item(certificateInstallationRes=b64(bytes(TAMPERED)))),
    "signed by a charging station": says(item(installation_res(signer="CN=SECC,DC=CPO"))),
    "another contract": says(item(emaid=OTHER)),
    "another edition's name": says(item(xsdMsgDefNamespace=ISO_15118_20)),
    "more than the car wants": says(
        item(), item(installation_res("FRXYZ123456789"), emaid="FRXYZ123456789")
    ),
    "a contract that has expired": says(item(installation_res(not_after=NOW - timedelta(days=1)))),
    "a contract of tomorrow": says(item(installation_res(not_before=NOW + timedelta(days=1)))),
    "another edition": says(
        item(certificateInstallationRes=b64(with_session_id(installation_res_20(), SESSION)))
    ),
    "one of two is bad": says(item(), item(pcid="WAUZZZ4B0CC999999")),
}


@pytest.mark.parametrize("script", BAD.values(), ids=BAD)
def test_a_bad_answer_is_none(asking, script):
    """The car gets this pool's own 404 and its message, and the log says which peer failed."""
    patience = SHORT if script is BAD["late"] else {}
    with scripted(script) as peer, capture_logs() as logs:
        services = asking(peer, **patience)
        with pytest.raises(ContractOrVehicleNotFound) as caught:
            ask(services)
    (failure,) = caught.value.body["signedContractDataCollection"]
    message = decode(base64.b64decode(failure["certificateInstallationRes"]))
    assert (message.body.response_code, message.header.session_id) == (
        "FAILED_NoCertificateAvailable",
        SESSION,
    )
    (line,) = [line for line in logs if "peer" in line]
    assert line["peer"] == peer.root.removeprefix("http://")
    assert line["error"]
    assert line.get("exc_info") is None
    assert len(peer.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(asking, status):
    """Whoever a peer names, with or without the method, is not asked, and gets no credentials."""
    with scripted(says(item())) as other:
        elsewhere = Says(status, b"", {"Location": f"{other.url}/signedcontractdata"})
        with scripted(elsewhere) as peer, pytest.raises(ContractOrVehicleNotFound):
            ask(asking(peer))
    assert (len(peer.asked), other.asked) == (1, [])


def test_an_answer_is_judged_in_a_thread(asking, monkeypatch):
    """To decode and to verify takes time that the event loop does not have."""
    threads = []
    monkeypatch.setattr(
        post, "check_foreign_answer", lambda *_, **__: threads.append(current_thread()) or []
    )
    with scripted(says(item())) as peer:
        ask(asking(peer))
    assert threads
    assert main_thread() not in threads


@pytest.mark.parametrize("name", ["500", "late", "tampered", "another session", "huge"])
def test_a_bad_answer_does_not_beat_a_good_one(asking, name):
    """One peer's failure takes nothing from another's answer, which may come later."""
    here = item(metaData="good")

    def answer(_: Asked) -> Says:
        wait_until(lambda: bad.asked)
        return says(here, after=0.4)

    with scripted(BAD[name]) as bad, scripted(answer) as good:
        body, _ = ask(asking(bad, good))
    assert body == {"signedContractDataCollection": [here]}


def test_one_deadline_holds_for_all(asking):
    """However many are silent, the car waits for all of them together once."""
    given_up: list[int] = []

    def hang(_: Asked) -> Says:
        wait_until(lambda: one.asked and other.asked)
        given_up.append(one.given_up + other.given_up)
        return says(item(), after=NEVER)

    with scripted(hang) as one, scripted(hang) as other:
        services = asking(one, other, **SHORT)
        started = time.monotonic()
        with pytest.raises(ContractOrVehicleNotFound):
            ask(services)
        assert time.monotonic() - started >= 1
        wait_until(lambda: (one.given_up, other.given_up) == (1, 1))
    assert given_up == [0, 0]


def test_lab_mode_lets_pass_what_strict_mode_refuses(lab_services, tmp_path):
    """A wrong signature of a peer's message is a warning; another session stays another session."""
    with scripted(BAD["tampered"]) as peer:
        services = with_clients(lab_services, tmp_path, peers=peer.url)
        with capture_logs() as logs:
            _, status = ask(services)
        assert status == 200
        assert "lab mode lets pass what strict mode refuses" in [line["event"] for line in logs]
        peer.script = lambda _: BAD["another session"]
        with pytest.raises(ContractOrVehicleNotFound):
            ask(services)


def test_a_car_of_iso_15118_20_gets_what_a_peer_has(asking):
    """All its contracts, however the peer calls the edition and spells their EMAIDs."""
    named = {"pcid": PCID_20_TEXT.lower(), "xsdMsgDefNamespace": "urn:iso:15118:20:2022:MsgDef"}
    items = [
        item(installation_res_20(), emaid="de-ice-copnccert", **named),
        item(installation_res_20(OTHER), emaid=OTHER, **named),
    ]
    request = {"installation_req_exi": installation_req_20(), "namespace": ISO_15118_20}
    with scripted(says(*items)) as peer:
        body, _ = ask(asking(peer), **request)
        assert body == {"signedContractDataCollection": items}
        peer.script = lambda _: says(items[0], items[0])
        with pytest.raises(ContractOrVehicleNotFound):
            ask(asking(peer), **request)


@pytest.mark.parametrize(
    ("script", "asked"),
    [
        (Says(500), 3),
        (Says(GONE), 3),
        (Says(403), 3),
        (Says(302), 3),
        (Says(200, b"<html>"), 3),
        (Says(404), 5),
        (Says(400), 5),
        (Says(413), 5),
        (says(item(emaid=OTHER)), 5),
        (says(item(metaData="x" * 300_000)), 5),
    ],
    ids=lambda value: "",
)
def test_a_peer_that_keeps_failing_is_left_alone(asking, script, asked):
    """After some failures it is not asked; what callers or eMSPs can bring about is none of its."""

    async def scenario(services):
        async with services.clients.connected():
            for _ in range(5):
                with pytest.raises(ContractOrVehicleNotFound):
                    await post.handle(services, **ARGUMENTS)

    with scripted(script) as peer:
        asyncio.run(scenario(asking(peer)))
    assert len(peer.asked) == asked


def test_a_peer_that_was_too_slow_once_is_not_forgotten(asking, monkeypatch):
    """After the pause it is tried, and again where a faster peer has answered meanwhile."""
    monkeypatch.setattr(circuit_breaker, "PAUSE_SECONDS", 1e-6)
    slow_item = item(metaData="slow")

    async def scenario(services):
        async with services.clients.connected():
            for _ in range(3):
                with pytest.raises(ContractOrVehicleNotFound):
                    await post.handle(services, **ARGUMENTS)
            slow.script = lambda _: says(slow_item, after=0.3)
            fast.script = lambda _: says(item())
            for trial in range(1, 4):
                await post.handle(services, **ARGUMENTS)
                await until(lambda count=trial: slow.given_up == count)
            fast.script = lambda _: NOT_FOUND
            return await post.handle(services, **ARGUMENTS)

    with scripted(Says(500)) as slow, scripted(NOT_FOUND) as fast:
        body, _ = asyncio.run(scenario(asking(slow, fast)))
    assert body == {"signedContractDataCollection": [slow_item]}


def test_only_a_share_of_the_requests_waits_for_peers(services, tmp_path):
    """The others get the local answer at once: a worker has other things to do than to wait."""
    released = threading.Event()

    def answer(_: Asked) -> Says:
        released.wait(SECONDS)
        return NOT_FOUND

    with scripted(answer) as peer:
        asking = with_clients(
            services,
            tmp_path,
            peers=peer.url,
            max_requests="8",
            peer_timeout_seconds=str(TIMEOUT),
        )

        async def one():
            with pytest.raises(ContractOrVehicleNotFound):
                await post.handle(asking, **ARGUMENTS)

        async def scenario():
            async with asking.clients.connected():
                asked = [asyncio.create_task(one()) for _ in range(6)]
                await until(lambda: sum(task.done() for task in asked) >= 4)
                await until(lambda: len(peer.asked) == 2)
                assert sum(task.done() for task in asked) == 4
                released.set()
                await asyncio.gather(*asked)

        asyncio.run(scenario())
    assert len(peer.asked) == 2
