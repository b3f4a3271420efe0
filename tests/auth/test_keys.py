"""The issuer's keys: kept, renewed, shared by those who wait, and had from the network."""

import asyncio
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from ccp.auth import keys as keys_module
from ccp.auth.jwks import MAX_BYTES, KeysUnusable
from ccp.auth.keys import (
    MAX_WAITING,
    RETRY_SECONDS,
    UNKNOWN_KEY_SECONDS,
    FileSource,
    Keys,
    UrlSource,
)
from ccp.clients.last_good import LastGood
from ccp.domain.errors import KeysNotThere
from tests.answering import answering, response
from tests.issuer import ec_key, jwks, rsa_key
from tests.monotonic import Ticks
from tests.waiting import NEVER, SECONDS, until

OLD, NEW = ec_key("old"), ec_key("new")


class Issuer:
    """A source that counts how often it is asked, and answers when it may."""

    def __init__(self, document: bytes | None) -> None:
        self.document = document
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def read(self) -> bytes:
        self.asked += 1
        await self.may_answer.wait()
        if self.document is None:
            raise KeysUnusable("the issuer is down")
        return self.document


@pytest.fixture(autouse=True)
def _patient(monkeypatch) -> None:
    """Nobody gives up while a test goes on; where somebody has to, the test says so."""
    monkeypatch.setattr(keys_module, "MAX_WAIT_SECONDS", NEVER)
    monkeypatch.setattr(keys_module, "FETCH_SECONDS", NEVER)


@pytest.fixture
def clock() -> Ticks:
    """A clock that stands still."""
    return Ticks()


def run(scenario: Callable[[], object]) -> None:
    """Run a coroutine function."""
    asyncio.run(scenario())


def kept_in(file: Path) -> LastGood:
    """What keeps the keys of one issuer."""
    return LastGood(file, "https://a.example/jwks", max_bytes=MAX_BYTES)


async def found(keys: Keys, kid: str | None, algorithm: str = "ES256") -> list[str | None]:
    """The names of the keys that may have signed a token."""
    return [key.kid for key in await keys.find(algorithm, kid)]


async def those_who_wait(asking: list[asyncio.Task], number: int) -> set[asyncio.Task]:
    """Return those of *asking* that wait, which are *number*; all others have an answer."""
    await until(lambda: sum(task.done() for task in asking) >= len(asking) - number)
    done, waiting = await asyncio.wait(asking, timeout=0.05)
    assert (len(done), len(waiting)) == (len(asking) - number, number)
    return waiting


@pytest.mark.parametrize("document", [b"", b"{}", b'{"keys": []}'])
def test_a_document_without_keys_is_none(document):
    """Not at the start, nor later: an empty file is no set of keys that has been read."""
    keys = Keys(Issuer(document))
    for _ in range(2):
        with pytest.raises(KeysUnusable):
            keys.take(document)
        keys.take(jwks(OLD))


def test_the_last_good_keys_outlive_the_process(tmp_path):
    """A worker that starts while the issuer is down has what another one has read; then newer."""
    file = tmp_path / "ccp.db.jwks"
    good = [jwks(OLD), jwks(NEW)]

    async def scenario(document, expected):
        issuer = Issuer(document)
        last_good = kept_in(file)
        keys = Keys(issuer, last_good=last_good)
        async with keys.kept_fresh():
            await until(lambda: issuer.asked)
            assert await found(keys, None) == expected
            if document in good:
                await until(lambda: file.exists() and last_good.load() == document)

    with pytest.raises(KeysNotThere):
        asyncio.run(scenario(None, []))
    asyncio.run(scenario(jwks(OLD), ["old"]))
    asyncio.run(scenario(None, ["old"]))
    asyncio.run(scenario(b"broken", ["old"]))
    asyncio.run(scenario(jwks(NEW), ["new"]))
    asyncio.run(scenario(None, ["new"]))
    assert file.stat().st_mode & 0o077 == 0
    assert [found.name for found in tmp_path.iterdir()] == [file.name]


def test_keys_that_could_not_be_kept_are_kept_by_the_next_fetch(tmp_path, monkeypatch):
    """A save that failed is made good, though the issuer's keys have not changed since."""
    monkeypatch.setattr(keys_module, "REFRESH_SECONDS", 0.01)
    folder = tmp_path / "data"
    last_good = kept_in(folder / "ccp.db.jwks")

    async def scenario():
        issuer = Issuer(jwks(OLD))
        async with Keys(issuer, last_good=last_good).kept_fresh():
            await until(lambda: issuer.asked >= 2)
            folder.mkdir()
            await until((folder / "ccp.db.jwks").exists)

    asyncio.run(scenario())
    assert last_good.load() == jwks(OLD)


def test_a_new_key_is_found_when_a_token_names_it(clock):
    """The issuer changes its key while the pool runs: the first token with the new one is read."""

    async def scenario():
        issuer = Issuer(jwks(OLD))
        keys = Keys(issuer, monotonic=clock)
        assert await found(keys, "old") == ["old"]
        issuer.document = jwks(OLD, NEW)
        clock.now += UNKNOWN_KEY_SECONDS
        assert await found(keys, "new") == ["new"]
        issuer.document = jwks(NEW)
        clock.now += UNKNOWN_KEY_SECONDS
        assert await found(keys, "newest") == []
        assert await found(keys, "old") == []
        assert issuer.asked == 3

    run(scenario)


def test_unknown_keys_are_asked_for_once_a_minute(clock):
    """However many tokens name keys that are not there, the issuer is spared."""

    async def scenario():
        issuer = Issuer(jwks(OLD))
        keys = Keys(issuer, monotonic=clock)
        keys.take(jwks(OLD))
        for number in range(50):
            assert await found(keys, f"unknown {number}") == []
        assert issuer.asked == 1
        clock.now += UNKNOWN_KEY_SECONDS - 1
        await found(keys, "unknown")
        assert issuer.asked == 1
        clock.now += 1
        await found(keys, "unknown")
        assert issuer.asked == 2

    run(scenario)


def test_known_keys_ask_nobody(clock):
    """Tokens with known keys, and tokens that name none, never wait for the issuer."""

    async def scenario():
        issuer = Issuer(None)
        keys = Keys(issuer, monotonic=clock)
        keys.take(jwks(OLD, rsa_key()))
        assert await found(keys, "old") == ["old"]
        assert await found(keys, "old", "RS256") == []
        assert await found(keys, None) == ["old"]
        assert await found(keys, None, "RS256") == ["rsa"]
        assert await found(keys, "rsa", "unheard of") == []
        assert issuer.asked == 0

    run(scenario)


def test_all_wait_for_one(clock):
    """Requests that need the keys at the same time share one fetch, and all get its keys."""

    async def scenario():
        issuer = Issuer(jwks(OLD))
        issuer.may_answer.clear()
        keys = Keys(issuer, monotonic=clock)
        waiting = [asyncio.create_task(found(keys, "old")) for _ in range(MAX_WAITING)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        issuer.may_answer.set()
        assert await asyncio.gather(*waiting) == [["old"]] * MAX_WAITING
        assert issuer.asked == 1

    run(scenario)


@pytest.mark.parametrize("known", [True, False])
def test_few_wait_at_a_time(clock, known):
    """While the issuer hangs, who comes after a handful is answered at once, and holds nothing."""

    async def scenario():
        issuer = Issuer(jwks(OLD, NEW))
        issuer.may_answer.clear()
        keys = Keys(issuer, monotonic=clock)
        if known:
            keys.take(jwks(OLD))
        asking = [asyncio.create_task(found(keys, "new")) for _ in range(100)]
        waiting = await those_who_wait(asking, MAX_WAITING)
        done = set(asking) - waiting
        for task in done:
            if known:
                assert task.result() == []
            else:
                assert isinstance(task.exception(), KeysNotThere)
        leaving = list(waiting)[:3]
        for task in leaving:
            task.cancel()
        await asyncio.wait(leaving)
        later = [asyncio.create_task(found(keys, "new")) for _ in range(100)]
        replacing = await those_who_wait(later, 3)
        issuer.may_answer.set()
        assert await asyncio.gather(*replacing) == [["new"]] * 3
        assert issuer.asked == 1

    run(scenario)


def test_nobody_waits_for_a_renewal_that_is_old(clock):
    """An issuer that has hung for long holds up no further request, however few there are."""

    async def scenario():
        issuer = Issuer(jwks(OLD, NEW))
        issuer.may_answer.clear()
        keys = Keys(issuer, monotonic=clock)
        keys.take(jwks(OLD))
        first = asyncio.create_task(found(keys, "new"))
        await until(lambda: issuer.asked == 1)
        clock.now += keys_module.MAX_WAIT_SECONDS
        async with asyncio.timeout(SECONDS):
            assert await found(keys, "new") == []
        issuer.may_answer.set()
        assert await first == ["new"]
        assert issuer.asked == 1

    run(scenario)


def test_nobody_waits_for_long(clock, monkeypatch):
    """A request gives up on a slow issuer, whose answer then serves the next one."""
    monkeypatch.setattr(keys_module, "MAX_WAIT_SECONDS", 0.05)

    async def scenario():
        issuer = Issuer(jwks(OLD))
        issuer.may_answer.clear()
        keys = Keys(issuer, monotonic=clock)
        async with asyncio.timeout(SECONDS):
            with pytest.raises(KeysNotThere):
                await keys.find("ES256", "old")
        issuer.may_answer.set()
        assert await found(keys, "old") == ["old"]
        assert issuer.asked == 1

    run(scenario)


def test_one_who_leaves_takes_nothing_away(clock):
    """A client that goes while it waits does not end the fetch that others wait for."""

    async def scenario():
        issuer = Issuer(jwks(OLD))
        issuer.may_answer.clear()
        keys = Keys(issuer, monotonic=clock)
        leaving, staying = (asyncio.create_task(found(keys, "old")) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        issuer.may_answer.set()
        assert await staying == ["old"]
        assert issuer.asked == 1

    run(scenario)


def test_an_issuer_that_is_down_at_the_start_is_asked_again(clock):
    """Without keys nobody is let in; a few seconds later the issuer gets another chance."""

    async def scenario():
        issuer = Issuer(None)
        keys = Keys(issuer, monotonic=clock)
        for _ in range(10):
            with pytest.raises(KeysNotThere):
                await keys.find("ES256", "old")
        assert issuer.asked == 1
        issuer.document = jwks(OLD)
        clock.now += RETRY_SECONDS
        assert await found(keys, "old") == ["old"]

    run(scenario)


@pytest.mark.parametrize("nonsense", [None, b"", b"<html>", b'{"keys": []}', b"x" * MAX_BYTES * 2])
def test_the_last_good_keys_are_kept(clock, nonsense):
    """An issuer that goes down, or answers nonsense, takes no keys away; the log tells."""

    async def scenario():
        issuer = Issuer(jwks(OLD))
        keys = Keys(issuer, monotonic=clock)
        assert await found(keys, "old") == ["old"]
        issuer.document = nonsense
        clock.now += UNKNOWN_KEY_SECONDS
        with structlog.testing.capture_logs() as log:
            assert await found(keys, "new") == []
        assert [line["log_level"] for line in log] == ["warning"]
        assert await found(keys, "old") == ["old"]

    run(scenario)


def test_an_error_that_nobody_foresaw_is_logged(clock):
    """Whatever breaks a renewal is in the log, whole; the last keys stay, and it goes on."""

    async def scenario():
        issuer = Issuer(jwks(OLD))
        keys = Keys(issuer, monotonic=clock)
        assert await found(keys, "old") == ["old"]
        issuer.document = 5  # what no source returns
        clock.now += UNKNOWN_KEY_SECONDS
        with structlog.testing.capture_logs() as log:
            assert await found(keys, "new") == []
        (line,) = log
        assert (line["log_level"], line["keys"]) == ("error", 1)
        assert isinstance(line["exc_info"], TypeError)
        assert await found(keys, "old") == ["old"]
        issuer.document = jwks(NEW)
        clock.now += UNKNOWN_KEY_SECONDS
        assert await found(keys, "new") == ["new"]

    run(scenario)


def test_keys_are_kept_fresh(clock, monkeypatch):
    """In the background they are read at once, and then every few minutes."""
    monkeypatch.setattr(keys_module, "REFRESH_SECONDS", 0.01)

    async def scenario():
        issuer = Issuer(jwks(OLD))
        keys = Keys(issuer, monotonic=clock)
        async with keys.kept_fresh():
            await until(lambda: issuer.asked >= 1)
            assert await found(keys, "old") == ["old"]
            issuer.document = jwks(NEW)
            before = issuer.asked
            await until(lambda: issuer.asked > before)
            assert await found(keys, None) == ["new"]
        asked = issuer.asked
        await asyncio.sleep(0.05)
        assert issuer.asked == asked

    run(scenario)


def test_the_end_waits_for_no_issuer(clock):
    """A worker that ends lets go of a fetch that is under way."""

    async def scenario():
        issuer = Issuer(None)
        issuer.may_answer.clear()
        keys = Keys(issuer, monotonic=clock)
        async with keys.kept_fresh():
            await until(lambda: issuer.asked == 1)
        assert len(asyncio.all_tasks()) == 1

    run(scenario)


def test_a_token_without_a_name_has_few_keys_tried(clock):
    """A token that names no key cannot make the pool try very many."""

    async def scenario():
        keys = Keys(Issuer(None), monotonic=clock)
        keys.take(jwks(*[OLD] * 50))
        assert len(await keys.find("ES256", None)) == 8

    run(scenario)


def test_the_same_keys_are_told_once(clock):
    """Reading what is known already is no news, and no work."""
    keys = Keys(Issuer(None), monotonic=clock)
    with structlog.testing.capture_logs() as log:
        keys.take(jwks(OLD))
        keys.take(jwks(OLD))
    assert len(log) == 1


def test_a_file_is_read_in_a_thread(tmp_path):
    """A file is read within the limit; a missing one is told."""
    path = tmp_path / "jwks.json"
    with pytest.raises(KeysUnusable, match="No such file"):
        FileSource(path).read_now()
    path.write_bytes(b"x" * MAX_BYTES * 2)
    assert len(asyncio.run(FileSource(path).read())) == MAX_BYTES + 1
    with pytest.raises(KeysUnusable, match="directory"):
        asyncio.run(FileSource(tmp_path).read())


# Over the network


async def fetched(*chunks: bytes, pause: float = 0) -> bytes | str:
    """What is read from such a server, or why nothing is."""
    async with answering(*chunks, pause=pause) as (url, asked):
        try:
            return await UrlSource(f"{url}/jwks").read()
        except KeysUnusable as error:
            return str(error)
        finally:
            assert len(asked) == 1


def test_keys_are_fetched():
    """One request, without cookies or credentials, gets the document."""

    async def scenario():
        async with answering(response(jwks(OLD))) as (url, asked):
            assert await UrlSource(f"{url}/jwks").read() == jwks(OLD)
        head = asked[0].lower()
        assert head.startswith(b"get /jwks http/1.1\r\n")
        assert b"authorization" not in head
        assert b"cookie" not in head

    run(scenario)


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "204 No Content", "302 Found"])
def test_only_200_has_keys(status):
    """Errors have none, and a redirect is not followed."""
    elsewhere = "Location: http://127.0.0.1:1/jwks"
    told = asyncio.run(fetched(response(jwks(OLD), status, elsewhere)))
    assert told == f"the issuer answered with status {status[:3]}"


def test_a_huge_answer_is_not_read():
    """Reading stops a little behind the limit, whatever length is announced."""
    flood = [b"x" * 65536] * 200
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 13107200\r\n\r\n"
    body = asyncio.run(fetched(head, *flood))
    assert MAX_BYTES < len(body) < MAX_BYTES + 2 * 65536


def test_url_source_compressed_answer_is_refused():
    """The pool asks for no compression; a small compressed body could be huge."""
    packed = gzip.compress(b"0" * 10_000_000)
    body = asyncio.run(fetched(response(packed, "200 OK", "Content-Encoding: gzip")))
    assert body == "the issuer did not answer: the body is compressed"


@pytest.mark.parametrize(
    "chunks", [[b""], [b"garbage\r\n\r\n"], [response(jwks(OLD))[:-20]]], ids=["no", "bad", "cut"]
)
def test_a_broken_answer_is_told(chunks):
    """An issuer that says nothing, no HTTP, or half an answer."""
    assert str(asyncio.run(fetched(*chunks))).startswith("the issuer did not answer: ")


def test_a_slow_issuer_is_given_up(monkeypatch):
    """A byte now and then is no answer: there is one limit for all of it."""
    monkeypatch.setattr(keys_module, "FETCH_SECONDS", 1)
    drops = [bytes([byte]) for byte in response(jwks(OLD))]
    # It would be an answer, if there was a limit for each byte alone.
    told = asyncio.run(fetched(*drops, pause=0.05))
    assert told == "the issuer did not answer: TimeoutError"


def test_an_issuer_that_is_not_there_is_told():
    """A refused connection is an error in a few words."""
    with pytest.raises(KeysUnusable, match="ConnectError"):
        asyncio.run(UrlSource("http://127.0.0.1:9/jwks").read())


def test_no_proxy_of_the_environment_is_asked(monkeypatch):
    """Where the keys come from is what the setting says, and nothing else."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert asyncio.run(fetched(response(jwks(OLD)))) == jwks(OLD)


def test_tls_has_to_be_genuine(tls_server):
    """An issuer whose certificate nobody known has issued is not believed."""
    with pytest.raises(KeysUnusable, match="ConnectError"):
        asyncio.run(UrlSource(tls_server).read())
