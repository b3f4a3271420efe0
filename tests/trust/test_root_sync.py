"""The roots of a root pool: fetched at the start and again, kept while there are no others."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from structlog.testing import capture_logs

from ccp.clients import root_pool
from ccp.clients.clients import Clients
from ccp.clients.root_pool import MAX_BYTES
from ccp.domain.errors import CertificateChainBroken
from ccp.pki.certificates import read_chain
from ccp.pki.signatures import ISO_15118_2_SUITES
from ccp.trust import root_sync as root_keeper
from ccp.trust.current import TrustSnapshot, TrustStore
from ccp.trust.folder import Trust
from ccp.trust.kept_roots import KeptRoots
from ccp.trust.root_sync import RootKeeper
from ccp.workshop import EDITION_20
from ccp.workshop.bad_certificates import future, past
from ccp.workshop.certificates import Identity, reissue
from ccp.workshop.pki import fingerprint
from tests.answering import answering, response
from tests.builders import NOW
from tests.clients.of import CONFORMS
from tests.clients.scripted import Asked, Says, Scripted, scripted
from tests.conftest import make_settings
from tests.root_pools import KINDS, answer, collection, entry, serving_roots
from tests.trusted import pki, trust_folder
from tests.waiting import NEVER, SECONDS, until

PKI = pki()
ROOT_A, ROOT_B = PKI.v2g_root("A"), PKI.v2g_root("B")
ALL = {"v2g": (ROOT_A, ROOT_B), "emsp": (PKI.emsp.root,), "oem": (PKI.oem.root,)}
DOWN = Says(503)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Renewals follow one another at once."""
    monkeypatch.setattr(root_keeper, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(root_keeper, "_JITTER_SECONDS", 0)


class Worker:
    """A worker's roots, with its trust in files; its clock stands at NOW."""

    def __init__(
        self, folder: Path, url: str, files: Trust | None = None, seconds: float = 0.01
    ) -> None:
        settings = make_settings(folder, rcp_url=url)
        self.file = folder / "ccp.db.roots"
        self.trusted = TrustStore(
            TrustSnapshot.of((files or Trust()).with_roots({})), files or Trust()
        )
        self._clients = Clients.from_settings(settings, CONFORMS)
        assert self._clients.root_pool is not None
        self._keeper = RootKeeper(
            self._clients.root_pool,
            self.trusted,
            KeptRoots(settings),
            seconds=seconds,
            clock=lambda: NOW,
        )

    def fingerprints(self, kind: str) -> set[str]:
        """The anchors of a kind."""
        anchors = getattr(self.trusted.current.trust, kind)
        return {one.to_cryptography().fingerprint(SHA256()).hex() for one in anchors.valid_at(NOW)}

    @property
    def names(self) -> list[str]:
        """The letters of the V2G anchors."""
        letters = {fingerprint(ROOT_A): "A", fingerprint(ROOT_B): "B"}
        return sorted(letters[found] for found in self.fingerprints("v2g"))

    def verify_cps(self, root: str) -> None:
        """Prove the CPS chain under V2G root A or B with the caches of the moment."""
        cps = PKI.cps[root]
        ders = [cps.leaf.der, cps.authority.sub_2.der, cps.authority.sub_1.der]
        self.trusted.current.cps_chains.verify(
            read_chain(ders, "CPS certificate"), at=NOW, suites=ISO_15118_2_SUITES
        )

    def run(self, scenario: Callable[[], Awaitable[None]]) -> None:
        """Keep the roots fresh while *scenario* runs; nothing may take longer than `SECONDS`."""

        async def whole() -> None:
            async with (
                asyncio.timeout(SECONDS),
                self._clients.connected(),
                self._keeper.kept_fresh(),
            ):
                await scenario()

        with capture_logs():
            asyncio.run(whole())


async def at_once() -> None:
    """A scenario that sees what is there as soon as the worker serves."""


def says(roots: dict[str, Sequence[Identity]]) -> Callable[[Asked], Says]:
    """A root pool that has these roots."""

    def script(asked: Asked) -> Says:
        kind = asked.path.rpartition("=")[2]
        return Says(200, answer(*roots.get(kind, ())))

    return script


async def renewals(service: Scripted, number: int = 2) -> None:
    """Wait until so many renewals have begun and ended since now."""
    wanted = len(service.asked) + len(KINDS) * (number + 1)
    await until(lambda: len(service.asked) >= wanted)


def test_the_workshop_s_root_pool_is_trusted(tmp_path: Path) -> None:
    """Before the first request: all its roots, each for what it is for, and no sub-CA."""
    trust_folder(tmp_path / "workshop", edition=None)
    with serving_roots(tmp_path / "workshop") as url:
        worker = Worker(tmp_path, url)
        worker.run(at_once)
    other = pki(EDITION_20)
    expected = {
        "v2g": [ROOT_A, ROOT_B, other.v2g_root("A"), other.v2g_root("B")],
        "emsp": [PKI.emsp.root, other.emsp.root],
        "oem": [PKI.oem.root, other.oem.root],
    }
    for kind, roots in expected.items():
        assert {fingerprint(root) for root in roots} <= worker.fingerprints(kind)
        # The anchors of Ed448 lie there too.
        assert len(worker.fingerprints(kind)) == len(roots) * 3 // 2
    worker.verify_cps("A")


def test_files_stay(tmp_path: Path) -> None:
    """What the root pool has comes besides, and does not go in their place."""
    files = Trust().with_roots({"v2g": [ROOT_B.der]})
    with scripted(says({"v2g": [ROOT_A]})) as service:
        worker = Worker(tmp_path, service.url, files)
        worker.run(at_once)
    assert worker.names == ["A", "B"]
    assert worker.fingerprints("oem") == set()


def test_a_root_that_has_left_is_trusted_no_more(tmp_path: Path) -> None:
    """Not in the next request either that brings a chain which was proved and remembered."""
    with scripted(says(ALL)) as service:
        worker = Worker(tmp_path, service.url)

        async def scenario() -> None:
            for root in "AB" * 2:
                worker.verify_cps(root)
            before = worker.trusted.current
            service.script = says({**ALL, "v2g": [ROOT_A]})
            await until(lambda: worker.trusted.current is not before)
            worker.verify_cps("A")
            with pytest.raises(CertificateChainBroken):
                worker.verify_cps("B")
            service.script = says(ALL)
            await until(lambda: worker.names == ["A", "B"])
            worker.verify_cps("B")

        worker.run(scenario)


def test_a_request_sees_one_set(tmp_path: Path) -> None:
    """Who has looked once goes on with what was trusted then, whole."""
    with scripted(says({"v2g": [ROOT_A]})) as service:
        worker = Worker(tmp_path, service.url)

        async def scenario() -> None:
            seen = worker.trusted.current
            service.script = says({"v2g": [ROOT_B]})
            await until(lambda: worker.names == ["B"])
            assert seen.cps_chains.of_root(fingerprint(ROOT_A)) is not None
            assert worker.trusted.current.cps_chains.of_root(fingerprint(ROOT_A)) is None

        worker.run(scenario)


def test_while_nothing_changes_nothing_is_replaced(tmp_path: Path) -> None:
    """What has been proved stays, also where the root pool has shuffled its answer."""
    with scripted(says({"v2g": [ROOT_A, ROOT_B]})) as service:
        worker = Worker(tmp_path, service.url)

        async def scenario() -> None:
            before = worker.trusted.current
            service.script = says({"v2g": [ROOT_B, ROOT_A, ROOT_B]})
            await renewals(service)
            assert worker.trusted.current is before

        worker.run(scenario)


@pytest.mark.parametrize(
    "later",
    [
        Says(200, collection()),
        Says(200, collection(entry(PKI.cps["A"].leaf.der, "v2g"))),
        Says(200, collection(entry(reissue(ROOT_A, ROOT_A, validity=past(NOW)).der))),
        Says(200, collection(entry(reissue(ROOT_A, ROOT_A, validity=future(NOW)).der))),
        Says(200, collection(entry(ROOT_A.der, "emsp"), None, {})),
        Says(200, b"nonsense"),
        Says(200, b"[" * 20_000),
        Says(200, {}),
        Says(204),
        Says(302, collection(entry(ROOT_B.der)), {"Location": "http://127.0.0.1:9/"}),
        Says(401),
        Says(404, {"errorMessages": ["no"]}),
        DOWN,
        Says(200, b"x" * (MAX_BYTES + 1)),
    ],
    ids=lambda one: f"{one.status}-{str(one.body)[:40]}",
)
def test_an_empty_or_failing_answer_keeps_the_last_roots(tmp_path: Path, later: Says) -> None:
    """In this worker, and in the next one."""
    with scripted(says(ALL)) as service:
        worker = Worker(tmp_path, service.url)

        async def scenario() -> None:
            service.script = lambda _: later
            await renewals(service, 1)

        worker.run(scenario)
        assert worker.names == ["A", "B"]
        another = Worker(tmp_path, service.url)
        another.run(at_once)
        assert another.names == ["A", "B"]
        assert another.fingerprints("oem") == {fingerprint(PKI.oem.root)}


def test_one_kind_that_fails_keeps_no_other_from_changing(tmp_path: Path) -> None:
    """Of each kind the last good ones stay."""
    with scripted(says(ALL)) as service:
        worker = Worker(tmp_path, service.url)

        def half(asked: Asked) -> Says:
            return DOWN if asked.path.endswith("emsp") else says({"v2g": [ROOT_B]})(asked)

        async def scenario() -> None:
            service.script = half
            await until(lambda: worker.names == ["B"])

        worker.run(scenario)
        assert worker.fingerprints("emsp") == {fingerprint(PKI.emsp.root)}
        assert worker.fingerprints("oem") == {fingerprint(PKI.oem.root)}


def test_broken_entries_keep_no_good_one_from_being_trusted(tmp_path: Path) -> None:
    """A leaf, an expired root, broken base64 and what is no entry, all beside a good root."""
    broken: list[Any] = [
        None,
        entry(PKI.cps["A"].leaf.der, "v2g"),
        {"caCertificate": "***", "rootTypeList": ["V2G"]},
        entry(reissue(ROOT_A, ROOT_A, validity=past(NOW)).der, "v2g"),
        entry(PKI.cps["A"].authority.sub_1.der, "v2g"),
    ]
    with scripted(Says(200, collection(*broken, entry(ROOT_B.der, "V2G".lower())))) as service:
        worker = Worker(tmp_path, service.url)
        worker.run(at_once)
    assert worker.fingerprints("v2g") == {fingerprint(ROOT_B)}


@pytest.mark.parametrize("hangs", [False, True])
def test_the_last_roots_outlive_process_and_root_pool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hangs: bool
) -> None:
    """A worker that starts while it is gone has what another one was given, without waiting."""
    monkeypatch.setattr(root_keeper, "PATIENCE_SECONDS", NEVER)
    with scripted(says(ALL)) as service:
        Worker(tmp_path, service.url).run(at_once)
        assert Worker(tmp_path, service.url).file.stat().st_mode & 0o077 == 0
        service.script = lambda _: Says(200, answer(ROOT_A), after=NEVER)
        if not hangs:
            service.stop()
        worker = Worker(tmp_path, service.url)
        worker.run(at_once)
    assert worker.names == ["A", "B"]
    worker.verify_cps("A")


def test_what_is_kept_is_judged_again(tmp_path: Path) -> None:
    """Somebody has put a sub-CA into the file: it is no root there either."""
    with scripted(DOWN) as service:
        worker = Worker(tmp_path, service.url)
        sub_ca = PKI.cps["A"].authority.sub_1.der
        KeptRoots(make_settings(tmp_path, rcp_url=service.url)).save(
            {"v2g": [sub_ca, ROOT_B.der, b"x"], "emsp": [], "oem": []}
        )
        worker.run(at_once)
    assert worker.fingerprints("v2g") == {fingerprint(ROOT_B)}


def test_root_keeper_copy_on_disk_loses_a_kind_the_known_roots_stay(tmp_path: Path) -> None:
    """A worker that starts after the copy was spoilt has what the server had at its start."""
    with scripted(DOWN) as service:
        kept = KeptRoots(make_settings(tmp_path, rcp_url=service.url))
        worker = Worker(tmp_path, service.url)
        worker.trusted.roots = {kind: tuple(one.der for one in ALL[kind]) for kind in KINDS}
        kept.save({"v2g": [ROOT_B.der], "emsp": [], "oem": []})
        worker.run(at_once)
    assert worker.names == ["B"]
    assert worker.fingerprints("emsp") == {fingerprint(PKI.emsp.root)}
    assert worker.fingerprints("oem") == {fingerprint(PKI.oem.root)}


def test_root_keeper_root_that_begins_later_is_kept_for_its_time(tmp_path: Path) -> None:
    """It is trusted once it is valid, without another answer of the root pool."""
    soon = reissue(ROOT_A, ROOT_A, validity=future(NOW))
    with scripted(says({"v2g": [ROOT_B, soon]})) as service:
        worker = Worker(tmp_path, service.url)
        worker.run(at_once)
    anchors = worker.trusted.current.trust.v2g
    begin = soon.certificate.not_valid_before_utc
    found = [
        {one.to_cryptography().fingerprint(SHA256()).hex() for one in anchors.valid_at(at)}
        for at in (NOW, begin)
    ]
    assert found == [{fingerprint(ROOT_B)}, {fingerprint(ROOT_B), fingerprint(soon)}]


def test_what_another_root_pool_gave_is_nothing(tmp_path: Path) -> None:
    """Whoever names another URL does not trust the roots of the former one."""
    with scripted(says(ALL)) as former, scripted(DOWN) as service:
        Worker(tmp_path, former.url).run(at_once)
        worker = Worker(tmp_path, service.url)
        worker.run(at_once)
    assert worker.names == []


def test_without_any_root_nothing_holds(tmp_path: Path) -> None:
    """A pool that was told whom to ask does not trust everybody because nobody answers."""
    with scripted(DOWN) as service:
        worker = Worker(tmp_path, service.url)
        worker.run(at_once)
    for anchors in (worker.trusted.current.trust.v2g, worker.trusted.current.trust.oem):
        assert (anchors.certificates, anchors.configured) == ((), True)
    with pytest.raises(CertificateChainBroken):
        worker.verify_cps("A")
    assert not worker.file.exists()


def test_a_first_start_does_not_wait_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the root pool hangs; and the roots are there soon after it answers."""
    monkeypatch.setattr(root_keeper, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(root_pool, "_SECONDS", NEVER)
    answers = threading.Event()

    def hanging(_: Asked) -> Says:
        answers.wait(NEVER)
        return Says(200, collection(entry(ROOT_A.der, "v2g")))

    with scripted(hanging) as service:
        worker = Worker(tmp_path, service.url)

        async def scenario() -> None:
            assert worker.names == []
            answers.set()
            await until(lambda: worker.names == ["A"])

        worker.run(scenario)


@pytest.mark.parametrize("first", [DOWN, Says(200, collection())], ids=["down", "empty"])
def test_a_root_pool_that_had_no_roots_yet_is_asked_soon(tmp_path: Path, first: Says) -> None:
    """Long before its time has come; once it has given some, no sooner."""
    with scripted(first) as service:
        worker = Worker(tmp_path, service.url, seconds=3600)

        async def scenario() -> None:
            service.script = says(ALL)
            await until(lambda: worker.names == ["A", "B"])
            asked = len(service.asked)
            await asyncio.sleep(0.2)
            assert len(service.asked) == asked  # now there is time

        worker.run(scenario)


def test_a_worker_that_ends_waits_for_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it comes drop by drop."""
    monkeypatch.setattr(root_keeper, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(root_pool, "_SECONDS", NEVER)

    async def scenario() -> None:
        drops = [bytes([byte]) for byte in response(answer(ROOT_A))]
        async with answering(*drops, pause=NEVER / len(drops)) as (url, _):
            await asyncio.to_thread(Worker(tmp_path, url).run, at_once)

    asyncio.run(scenario())


def test_what_goes_wrong_here_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of ours in one renewal is in the log, and the next one comes."""
    with scripted(says({"v2g": [ROOT_A]})) as service:
        worker = Worker(tmp_path, service.url)
        with monkeypatch.context() as patched:
            patched.setattr(root_keeper, "usable_roots", lambda *_, **__: 1 / 0)

            async def scenario() -> None:
                assert worker.names == []
                patched.undo()
                await until(lambda: worker.names == ["A"])

            worker.run(scenario)
