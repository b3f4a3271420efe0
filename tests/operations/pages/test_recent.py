"""What was answered lately: over workers and their deaths, within bounds, as the log has it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ccp.observability import measures
from ccp.observability.owners import merge_owners
from ccp.operations.pages.recent import GONE, SERVED, Lately, Recent, heard_in
from ccp.store import Store
from tests.builders import (
    BASE,
    NOW,
    PCID_TEXT,
    installation_req,
    installation_res,
    post_body,
    put_body,
)
from tests.issuer import bearer, ec_key, jwt_settings
from tests.operations.conftest import refusal
from tests.operations.pages.looking import looking
from tests.waiting import until

POST = "getSignedContractDataByCertificateInstallationReqV1"
URL = f"{BASE}/signedcontractdata"
HOUR = timedelta(hours=1)


class Clock:
    """Gives a moment, which is changed from outside."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def working(folder: Path, slot: int, clock: Clock) -> Iterator[Recent]:
    """What a worker hears, from its beginning to its end."""
    recent = Recent(clock)
    with asyncio.Runner() as loop:
        kept = recent.kept(folder, slot)
        loop.run(kept.__aenter__())
        yield recent
        loop.run(kept.__aexit__(None, None, None))


def read(folder: Path) -> Lately:
    """What all workers together have kept."""
    lately, *others = heard_in(folder)
    for other in others:
        lately.add(other)
    return lately


def answered(folder: Path, ask: Callable[[Any], None], **variables: str) -> Lately:
    """What is told of a pool that was asked something."""
    with looking(folder, **variables) as (api, _):
        ask(api)
    return read(folder / "counts")


def totals(lately: Lately) -> Counter[str]:
    """The outcomes of all hours together."""
    return sum(lately.posts.values(), Counter())


def test_requests_of_cars_are_told_by_outcome(tmp_path: Path) -> None:
    """Those of either API, and of no other operation; what is no answer to a car has no place."""

    def ask(client: Any) -> None:
        body = post_body()
        assert client.post(URL, json=body).status_code == 404
        client.put(URL, json=put_body())
        for _ in range(3):
            assert client.post(URL, json=body).status_code == 200
        client.post(URL, json=post_body(installation_req("VF1AAAAA0AA000001")))
        client.post(URL, json=post_body(installation_req(not_after=NOW - HOUR)))
        client.post(URL, json=post_body(b"\x80\x98\xff"))
        client.post(URL, json={})
        client.get(f"{BASE}/contractData/pcid/VF1AAAAA0AA000001")
        client.post("/v1/ccp/signedContractData", json=OPCP)
        client.get("/nowhere")

    lately = answered(tmp_path, ask, opcp="on")
    assert lately.since == NOW
    assert list(lately.posts) == [NOW]  # twelve sharp
    assert totals(lately) == {
        SERVED: 4,
        "ContractOrVehicleNotFound": 2,
        "ProvisioningCertificateExpired": 1,
        "ExiInvalid": 1,
        "RequestInvalid": 1,
    }


OPCP = {
    "certificateInstallationReq": post_body()["certificateInstallationReq"],
    "xsdMsgDefNamespace": post_body()["xsdMsgDefNamespace"],
}


def test_a_refusal_is_told_as_the_log_has_it(tmp_path: Path) -> None:
    """Operation, status, words and caller as on its log lines, under the trace id of the answer."""
    told = {}

    def ask(client: Any) -> None:
        party = {"OPNC-from-party-type": "cpo", "OPNC-from-party-id": "DE*ICE"}
        with capture_logs([merge_owners]) as lines:
            answer = client.get(f"{BASE}/contractData/pcid/{PCID_TEXT}", headers=party)
        told["trace_id"] = answer.json()["traceId"]
        told["messages"] = answer.json()["errorMessages"]
        (told["line"],) = [line for line in lines if line["event"] == "request"]

    (refused,) = answered(tmp_path, ask).latest_refusals()
    line = told["line"]
    assert (refused.reason, refused.at) == ("ContractsOfPcidNotFound", NOW)
    assert refused.operation == line["operation"] == "getContractDataByPcidV1"
    assert refused.status == line["status"] == 404
    assert refused.caller == {"party_type": "cpo", "party_id": "DE*ICE", "wmi": "WAU"}
    assert refused.caller.items() <= line.items()
    assert refused.messages == told["messages"]
    assert refused.trace_id == told["trace_id"]


def test_roles_and_ids_are_those_of_the_token(tmp_path: Path) -> None:
    """Which is verified: what the party says of itself stands beside it."""
    key = ec_key()

    def ask(client: Any) -> None:
        own = bearer(key.token(role="oem", ids=["WVW", "WAU"]))
        client.get(f"{BASE}/contractData/pcid/{PCID_TEXT}", headers=own)

    (refused,) = answered(tmp_path, ask, **jwt_settings(tmp_path, key)).latest_refusals()
    assert refused.caller["roles"] == ["oem"]
    assert refused.caller["ids"] == ["WAU", "WVW"]


def test_a_failure_tells_nothing_of_what_is_inside(tmp_path: Path, monkeypatch: Any) -> None:
    """The words that its caller got; what it was is in the log."""
    monkeypatch.setattr(Store, "find_by_pcid", lambda *_: {}["secret"])

    def ask(client: Any) -> None:
        client.get(f"{BASE}/contractData/pcid/{PCID_TEXT}")

    (refused,) = answered(tmp_path, ask).latest_refusals()
    assert (refused.reason, refused.status) == ("InternalError", 500)
    assert not any("secret" in message for message in refused.messages)


def test_no_contract_or_car_is_on_file(tmp_path: Path) -> None:
    """Whatever it is that was refused, and wherever a caller has put it."""
    emaid = "DEXYZSECRET001"

    def ask(client: Any) -> None:
        exi = installation_res(emaid)
        client.put(URL, json=put_body(exi, emaid=emaid))
        client.put(URL, json=put_body(exi, emaid=emaid, pcid="WVWZZZ4B0CC099999"))
        client.put(URL, json=put_body(exi))
        client.delete(f"{URL}/{emaid}X")
        headers = {"OPNC-from-party-type": emaid, "OPNC-from-party-id": PCID_TEXT}
        client.get(f"{BASE}/contractData/pcid/WVWZZZ4B0CC099999", headers=headers)
        client.get(f"/{emaid}")
        client.post(URL, json=post_body())

    refusals = answered(tmp_path, ask).latest_refusals()
    assert len(refusals) >= 5
    (file,) = (tmp_path / "counts").glob("recent_*")
    text = file.read_text()
    for secret in (emaid, PCID_TEXT, "WVWZZZ4B0CC099999"):
        assert secret not in text
    assert {refused.caller.get("party_id") for refused in refusals} == {None, "other"}
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_client_that_has_gone_is_one_of_its_own(tmp_path: Path) -> None:
    """Neither served nor refused."""
    with working(tmp_path, 0, Clock()) as recent:
        recent.request(POST, None, 0.1)
        recent.request("opcpGetSignedContractData", None, 0.1)
        recent.request("getContractDataByPcidV1", None, 0.1)
        recent.request(None, None, 0.1)
    assert totals(read(tmp_path)) == {GONE: 2}


EVENT = st.tuples(
    st.integers(1, 40 * 60),  # minutes since the one before
    st.sampled_from([SERVED, GONE, "ExiInvalid", "SignatureInvalid"]),
)
SHIFTS = st.lists(st.tuples(st.integers(0, 3), st.lists(EVENT, max_size=15)), min_size=1)
"""What workers hear one after the other, each in a slot."""


@settings(max_examples=50)
@given(SHIFTS)
def test_workers_together_are_as_one(tmp_path_factory: Any, shifts: Any) -> None:
    """Whoever has heard it, and however many workers have taken the place of others."""
    folder = tmp_path_factory.mktemp("counts")
    clock = Clock()
    heard = []
    for slot, events in shifts:
        with working(folder, slot, clock) as recent:
            for minutes, outcome in events:
                clock.now += timedelta(minutes=minutes)
                number = str(len(heard))
                heard.append((clock.now, outcome, number))
                if outcome in (SERVED, GONE):
                    recent.request(POST, 200 if outcome == SERVED else None, 0.1)
                else:
                    recent.refusal(refusal(outcome, operation=POST, trace_id=number))
    found = read(folder)
    assert found.since == NOW
    last = clock.now.replace(minute=0) - 23 * HOUR
    expected = Counter((at.replace(minute=0), outcome) for at, outcome, _ in heard if at >= last)
    hours = found.hours(clock.now)
    assert [hour for hour, _ in hours] == [last + number * HOUR for number in range(24)]
    assert {
        (hour, outcome): number for hour, outcomes in hours for outcome, number in outcomes.items()
    } == expected
    for reason in ("ExiInvalid", "SignatureInvalid"):
        numbers = [trace_id for _, outcome, trace_id in heard if outcome == reason][-10:]
        assert {one.trace_id for one in found.refusals[reason]} == set(numbers)
    told = [refused.at for refused in found.latest_refusals()]
    assert told == sorted(told, reverse=True)


def test_a_frequent_reason_hides_no_other(tmp_path: Path) -> None:
    """Some of each are kept, the latest ones."""
    clock = Clock()
    with working(tmp_path, 0, clock) as recent:
        recent.refusal(refusal("SignatureInvalid", trace_id="rare"))
        for number in range(1000):
            clock.now += timedelta(seconds=1)
            recent.refusal(refusal("PathNotFound", trace_id=str(number)))
    told = [refused.trace_id for refused in read(tmp_path).latest_refusals()]
    assert told == [*(str(number) for number in range(999, 989, -1)), "rare"]


def test_whatever_is_said_has_bounds(tmp_path: Path) -> None:
    """Long or many messages, days of them: the file stays small, what cannot be shown is not."""
    clock = Clock()
    messages = ["\x1b[31m\u202e\ud800<b>" + "x" * 100_000] * 1000
    with working(tmp_path, 0, clock) as recent:
        for hours in range(200):
            clock.now = NOW + hours * HOUR
            recent.request(POST, 200, 0.1)
            recent.refusal(refusal("RequestInvalid", operation=POST, messages=messages))
    (file,) = tmp_path.iterdir()
    assert file.stat().st_size < 25_000
    (refused, *_) = read(tmp_path).latest_refusals()
    first, *_, last = refused.messages
    assert first.startswith("\ufffd[31m\ufffd\ufffd<b>xxx")
    assert first.endswith("xxx...")
    assert len(first) < 310
    assert (len(refused.messages), last) == (6, "... and 995 more")
    assert len(read(tmp_path).posts) == 24


def test_others_learn_it_while_the_worker_runs(tmp_path: Path, monkeypatch: Any) -> None:
    """Soon, and without a word to the disk where nothing is new."""
    monkeypatch.setattr("ccp.operations.pages.recent._SAVE_SECONDS", 0.01)

    async def scenario() -> None:
        one, other = Recent(Clock()), Recent(Clock())
        async with one.kept(tmp_path, 0), other.kept(tmp_path, 1):
            one.request(POST, 200, 0.1)
            assert totals(one.lately()) == {SERVED: 1}
            await until(lambda: totals(other.lately()))
            written = (tmp_path / "recent_0.json").stat().st_ino
            await asyncio.sleep(0.1)
            assert (tmp_path / "recent_0.json").stat().st_ino == written

    asyncio.run(scenario())


def test_it_hears_from_several_threads() -> None:
    """None of what they say is lost."""
    recent = Recent(Clock())

    def tell() -> None:
        for _ in range(2000):
            recent.request(POST, 200, 0.1)
            recent.refusal(refusal("ExiInvalid", operation=POST))

    threads = [Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert totals(recent.lately()) == {SERVED: 8000, "ExiInvalid": 8000}


@pytest.mark.parametrize("what", ["gone", "in the way"])
def test_a_folder_that_takes_nothing_costs_nobody_an_answer(
    tmp_path: Path, monkeypatch: Any, what: str
) -> None:
    """The log says so once; the worker tells what it has heard itself, and others when it can."""
    monkeypatch.setattr("ccp.operations.pages.recent._SAVE_SECONDS", 0.01)
    folder = tmp_path / "counts"
    if what == "in the way":
        (folder / "recent_0.new").mkdir(parents=True)

    async def scenario() -> None:
        recent = Recent(Clock())
        async with recent.kept(folder, 0):
            recent.request(POST, 200, 0.1)
            await until(lambda: lines)
            await asyncio.sleep(0.1)  # in which it is tried again
            assert totals(recent.lately()) == {SERVED: 1}
            if what == "in the way":
                (folder / "recent_0.new").rmdir()
            else:
                folder.mkdir()
        assert totals(read(folder)) == {SERVED: 1}  # as soon as it can be

    with capture_logs() as lines:
        asyncio.run(scenario())
    assert [line["event"] for line in lines] == ["other workers do not learn what happens"]


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", '{"since":"x"}', "\x00"])
def test_a_file_that_is_none_is_passed_over(tmp_path: Path, content: str) -> None:
    """Nothing of ours leaves one, and nobody is refused for it."""
    for slot in (0, 1):
        (tmp_path / f"recent_{slot}.json").write_text(content)
    with working(tmp_path, 1, Clock()) as recent:
        recent.request(POST, 200, 0.1)
        assert totals(recent.lately()) == {SERVED: 1}
    assert totals(read(tmp_path)) == {SERVED: 1}


def test_both_hear_everything(tmp_path: Path) -> None:
    """Whoever listens beside others hears each word, as it was said."""
    heard: list[Any] = []

    class Listening(measures.Measures):
        def __getattribute__(self, name: str) -> Any:
            return lambda *said: heard.append((name, *said))

    told = {name for name in vars(measures.Measures) if not name.startswith("_")}
    several = measures.Several(Listening(), Listening())
    for name in told:
        arguments = getattr(measures.Measures, name).__code__.co_varnames[1:]
        getattr(several, name)(*arguments)
        assert heard[-2:] == [(name, *arguments)] * 2
    assert len(heard) == 2 * len(told) == 10
