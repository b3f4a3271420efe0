"""What is asked of a root pool, and what is read of its answer."""

import asyncio
import base64
import json
import ssl
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ccp.clients import root_pool
from ccp.clients.credentials import StaticToken
from ccp.clients.http import RequestFailed
from ccp.clients.root_pool import MAX_BYTES, RootPoolClient, read_roots
from ccp.clients.service import Service
from tests.answering import answering, response
from tests.clients.scripted import GONE, Says, scripted
from tests.root_pools import KINDS, collection, entry
from tests.waiting import NEVER
from tests.work import lines_of

DER = b"\x30\x03\x02\x01\x07"


def fetch(url: str, kind: str = "v2g") -> list[bytes]:
    """Ask a root pool."""

    async def scenario() -> list[bytes]:
        service = Service(
            url,
            StaticToken("secret"),
            ssl.create_default_context(),
            connections=1,
            max_bytes=MAX_BYTES,
        )
        pool = RootPoolClient(service)
        async with service.connected():
            return await pool.fetch(kind)

    return asyncio.run(scenario())


def read(content: Any, kind: str = "v2g") -> list[bytes]:
    """Read an answer."""
    with capture_logs():
        return read_roots(json.dumps(content).encode(), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_asked_as_the_api_wants_it(kind: str) -> None:
    """By type, in this pool's name, with its token, and without a body."""
    with scripted(Says(200, collection(entry(DER, kind)))) as service:
        assert fetch(service.url, kind) == [DER]
    (asked,) = service.asked
    assert asked.path == f"/opnc/v1/ccp/rootcertificates?pkiType={kind}"
    assert asked.headers["opnc-from-party-type"] == "ccp"
    assert asked.headers["authorization"] == "Bearer secret"
    assert asked.headers["accept"] == "application/json"
    assert "opnc-to-party-type" not in asked.headers  # the API has no name for a root pool
    assert "content-type" not in asked.headers
    assert asked.body == b""


@pytest.mark.parametrize("status", [204, 301, 302, 307, 400, 401, 403, 404, 429, 500, 502, 503])
def test_any_other_status_is_no_answer(status: int) -> None:
    """Whatever is in its body; and a redirect is not followed."""
    with scripted(Says(200, collection(entry(DER)))) as other:
        says = Says(status, collection(entry(DER)), {"Location": other.url})
        with scripted(says) as service, pytest.raises(RequestFailed, match=str(status)):
            fetch(service.url)
        assert other.asked == []


def test_who_is_not_there_does_not_answer() -> None:
    """Nobody listens any more, or the connection is closed without a word."""
    with scripted(Says(GONE)) as service, pytest.raises(RequestFailed):
        fetch(service.url)
    with pytest.raises(RequestFailed):
        fetch(service.url)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"])
def test_one_that_hangs_is_left(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its answer, or in the middle of it."""
    monkeypatch.setattr(root_pool, "_SECONDS", 0.2)

    async def scenario() -> None:
        async with answering(said, pause=NEVER) as (url, _):
            with pytest.raises(RequestFailed, match="TimeoutError"):
                await asyncio.to_thread(fetch, url)

    asyncio.run(scenario())


def test_an_answer_that_is_too_large_is_none() -> None:
    """No more is read of it than shows that."""
    padding = b'{"rootCertificateCollection": [], "x": "' + b"x" * (MAX_BYTES + 100) + b'"}'

    async def scenario() -> None:
        async with answering(response(padding)) as (url, _):
            with pytest.raises(RequestFailed, match="larger than 2 MiB"):
                await asyncio.to_thread(fetch, url)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "content",
    [
        [],
        None,
        7,
        "x",
        {},
        {"rootCertificateCollection": None},
        {"rootCertificateCollection": {"rootCertificates": [entry(DER)]}},
        {"rootCertificateCollection": "x"},
        {"errorMessages": ["no"]},
    ],
)
def test_what_is_not_of_the_api_is_no_answer(content: Any) -> None:
    """Other JSON; also that of OPCP, which is another protocol."""
    with pytest.raises(RequestFailed, match="not conform to the API"):
        read(content)


@pytest.mark.parametrize("text", [b"", b"\xff", b"{", b"<html>", b"[" * 20_000, b"NaN"])
def test_nonsense_is_no_answer(text: bytes) -> None:
    """No JSON at all, or such of any depth."""
    with pytest.raises(RequestFailed, match="not conform to the API"):
        read_roots(text, "v2g")


@pytest.mark.parametrize(
    "broken",
    [
        None,
        7,
        [],
        {},
        {"caCertificate": None},
        {"caCertificate": [base64.b64encode(DER).decode()]},
        {"caCertificate": "*"},
        {"caCertificate": "A"},
        {"caCertificate": "\u00e4\ud7ff"},
        entry(b"x" * 16 * 1024),
        entry(DER, rootTypeList=None),
        entry(DER, rootTypeList="V2G"),
        entry(DER, rootTypeList={"V2G": 1}),
        entry(DER, rootTypeList=[]),
        entry(DER, rootTypeList=[None, 7, ["V2G"]]),
        entry(DER, "emsp", "oem"),
    ],
    ids=lambda broken: str(broken)[:60],
)
def test_a_broken_entry_is_skipped_and_the_others_count(broken: Any) -> None:
    """One line in the log says which it was; nothing of it is repeated there."""
    content = json.dumps(collection(entry(b"first"), broken, entry(b"last"))).encode()
    with capture_logs() as lines:
        assert read_roots(content, "v2g") == [b"first", b"last"]
    (line,) = lines
    assert (line["log_level"], line["kind"], line["number"]) == ("warning", "v2g", 1)
    assert "V2G" not in line["error"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_root_is_for_what_it_is_listed_for(kind: str) -> None:
    """One that is for several is given for each; a pool that does not filter does no harm."""
    both = entry(b"both", "v2g", "oem")
    every = collection(entry(b"v2g", "v2g"), entry(b"emsp", "emsp"), both, entry(b"any"))
    expected = {
        "v2g": [b"v2g", b"both", b"any"],
        "emsp": [b"emsp", b"any"],
        "oem": [b"both", b"any"],
    }
    assert read(every, kind) == expected[kind]


def test_white_space_and_missing_padding_are_forgiven() -> None:
    """As everywhere in this pool."""
    assert read(collection({"caCertificate": "QU\r\nI"})) == [b"AB"]


def test_what_is_said_besides_is_not_believed() -> None:
    """Names, dates and fingerprints of an answer are informative, wrong ones too."""
    lies = {"distinguishedName": 7, "validTo": "1999", "fingerprint": "00", "commonName": []}
    assert read(collection(entry(DER, "v2g", **lies))) == [DER]


def test_very_many_roots_are_no_answer() -> None:
    """An ecosystem has a few dozen."""
    assert len(read(collection(*[entry(DER)] * 512))) == 512
    with pytest.raises(RequestFailed, match="more than 512 roots"):
        read(collection(*[entry(DER)] * 513))


def test_very_many_values_are_no_answer() -> None:
    """Whatever they are in: each of them costs time to be made."""
    full = [entry(DER, x=[0] * 40)] * 512
    assert len(read(collection(*full))) == 512
    with pytest.raises(RequestFailed, match="too many values"):
        read(collection(*full[1:], entry(DER, x=[0] * 20_000)))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["rootCertificateCollection", "caCertificate", "rootTypeList", "x"]),
            inner,
            max_size=4,
        )
    ),
)


@given(json_values)
def test_any_json_is_roots_or_no_answer(content: Any) -> None:
    """And nothing else is raised."""
    with suppress(RequestFailed):
        assert all(isinstance(der, bytes) for der in read(content))


WORST = {
    "arrays": b"[" + b"[]," * (MAX_BYTES // 3 - 2) + b"0]",
    "entries": b'{"rootCertificateCollection": [' + b"{}," * (MAX_BYTES // 3 - 20) + b"{}]}",
    "long": b'{"rootCertificateCollection": [{"caCertificate": "'
    + b"A" * (MAX_BYTES - 60)
    + b'"}]}',
    "deep": b'{"a":' * 300_000,
}
"""The worst answers that are listened to; `make proof` measures the time they take."""


@pytest.mark.parametrize("body", WORST.values(), ids=WORST)
def test_no_answer_takes_long(body: bytes) -> None:
    """However much is in it, little of it comes to be looked at outside of C."""
    assert len(body) <= MAX_BYTES
    assert lines_of(lambda: read_worst(body)) < 1000


def read_worst(body: bytes) -> None:
    """Read an answer without a root."""
    with capture_logs(), suppress(RequestFailed):
        assert read_roots(body, "v2g") == []
