"""The store: identity, defaults, atomicity, several processes at once."""

import gc
import multiprocessing
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ccp.domain.errors import (
    ContractLimitReached,
    EmaidBelongsToOtherPcid,
    StoreBusy,
    StoreFull,
    StoreUnreachable,
)
from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20, Emaid, Pcid
from ccp.store import SignedContractData, Store, StoreUnusable, read_audit_trail
from tests.builders import EMAID_TEXT, NOW, ORIGIN, PCID_TEXT, ROOT_A, ROOT_B, record
from tests.waiting import SECONDS, wait_until

EMAID, PCID = Emaid.parse(EMAID_TEXT), Pcid.parse(PCID_TEXT)
OTHER_EMAID, OTHER_PCID = Emaid.parse("FRXYZ123456789"), Pcid.parse("VF1AAAAA0AA000001")


def exis(store: Store, emaid: Emaid = EMAID, namespace: str = ISO_15118_2) -> list[bytes]:
    """The stored messages of a contract, newest first."""
    return [found.installation_res_exi for found in store.find_by_emaid(emaid, namespace)]


def defaults(store: Store, namespace: str = ISO_15118_2) -> set[str]:
    """The EMAIDs that the car has as default: one, or none."""
    return {found.emaid.text for found in store.find_by_pcid(PCID, namespace) if found.is_default}


def test_what_is_put_is_found_again(store: Store) -> None:
    """Every field of a record comes back as it was, and the first record is the default."""
    put = record(
        meta_data="note",
        v2g_root_serial_number=2**159 + 1,
        unsigned_bits=(146, 20_000),
        valid_to=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    )
    store.put(put, ORIGIN)
    (found,) = store.find_by_emaid(EMAID, ISO_15118_2)
    assert found.is_default
    assert found == replace(put, is_default=True)


@pytest.mark.parametrize(
    "changes",
    [{"root": ROOT_B}, {"root": None}, {"namespace": ISO_15118_20}],
    ids=["root", "no root", "namespace"],
)
def test_another_key_is_another_record(store: Store, changes: dict[str, str | None]) -> None:
    """Namespace and V2G root are part of a record's identity, an unknown root too."""
    store.put(record(exi=b"1"), ORIGIN)
    store.put(record(exi=b"2", **changes), ORIGIN)
    assert sorted(exis(store) + exis(store, namespace=ISO_15118_20)) == [b"1", b"2"]


@pytest.mark.parametrize("emaid", ["DEICECOPNCCERT", "de-ice-copnccert"])
@pytest.mark.parametrize("pcid", [PCID_TEXT, PCID_TEXT.lower()])
@pytest.mark.parametrize("root", [ROOT_A, None])
def test_the_same_key_replaces(store: Store, emaid: str, pcid: str, root: str | None) -> None:
    """Put again under the same key in any spelling, a record takes the place of the old one."""
    store.put(record(root=root, exi=b"old"), ORIGIN)
    store.put(record(emaid, pcid, root=root, exi=b"new"), ORIGIN)
    (found,) = store.with_messages(store.find_by_pcid(PCID, ISO_15118_2))
    assert found.installation_res_exi == b"new"
    assert found.pcid.text == pcid
    assert found.is_default


def test_the_check_digit_does_not_make_another_contract(store: Store) -> None:
    """With and without its check digit an EMAID is one contract, answered as it was put last."""
    store.put(record("FRXYZ123456789", exi=b"14"), ORIGIN)
    store.put(record("FR-XYZ-123456789-2", exi=b"15"), ORIGIN)
    (found,) = store.find_by_emaid(Emaid.parse("FRXYZ123456789"), ISO_15118_2)
    assert (found.installation_res_exi, found.emaid.text) == (b"15", "FRXYZ1234567892")


def test_variants_come_newest_first(store: Store) -> None:
    """The order is that of the puts, and putting a variant again makes it the newest."""
    for exi, root in ((b"1", ROOT_A), (b"2", ROOT_B), (b"3", ROOT_A)):
        store.put(record(root=root, exi=exi), ORIGIN)
    assert exis(store) == [b"3", b"2"]


def test_lookups_keep_to_what_is_asked(store: Store) -> None:
    """EMAID, PCID, namespace and fingerprint each narrow what is found."""
    store.put(record(), ORIGIN)
    store.put(record(root=ROOT_B), ORIGIN)
    store.put(record("FRXYZ123456789"), ORIGIN)
    assert len(store.find_by_emaid(EMAID, ISO_15118_2)) == 2
    assert len(store.find_by_emaid(EMAID, ISO_15118_2, v2g_root_fingerprint=ROOT_B)) == 1
    assert store.find_by_emaid(EMAID, ISO_15118_2, v2g_root_fingerprint="c" * 64) == []
    assert store.find_by_emaid(EMAID, ISO_15118_20) == []
    assert store.find_by_emaid(EMAID, ISO_15118_2, pcid=OTHER_PCID) == []
    assert len(store.find_by_pcid(PCID, ISO_15118_2)) == 3
    assert store.find_by_pcid(OTHER_PCID, ISO_15118_2) == []


def test_a_contract_belongs_to_one_car(store: Store) -> None:
    """An EMAID stored for one car is refused for another, in any namespace; nothing changes."""
    store.put(record(exi=b"mine"), ORIGIN)
    for namespace in (ISO_15118_2, ISO_15118_20):
        with pytest.raises(EmaidBelongsToOtherPcid):
            store.put(record(pcid=OTHER_PCID.text, namespace=namespace, exi=b"theirs"), ORIGIN)
    assert exis(store) == [b"mine"]
    assert store.find_by_pcid(OTHER_PCID, ISO_15118_20) == []


def test_a_deleted_contract_may_go_to_another_car(store: Store) -> None:
    """An EMAID is bound to a car only as long as a record says so."""
    store.put(record(), ORIGIN)
    store.delete(EMAID, ORIGIN)
    store.put(record(pcid=OTHER_PCID.text), ORIGIN)
    assert store.find_by_pcid(OTHER_PCID, ISO_15118_2)[0].is_default


def test_the_first_contract_is_the_default_and_later_ones_are_not(store: Store) -> None:
    """Per car and namespace the first contract is the default; replacing a record keeps it."""
    store.put(record(), ORIGIN)
    store.put(record("FRXYZ123456789"), ORIGIN)
    store.put(record("FRXYZ123456789", namespace=ISO_15118_20), ORIGIN)
    store.put(record(exi=b"again"), ORIGIN)
    assert defaults(store) == {EMAID.text}
    assert defaults(store, ISO_15118_20) == {OTHER_EMAID.text}
    (found,) = store.find_default(PCID, ISO_15118_2)
    assert found.installation_res_exi == b"again"


def test_the_default_has_all_its_variants(store: Store) -> None:
    """A default is a contract, not one of its records."""
    store.put(record(root=ROOT_A, exi=b"a"), ORIGIN)
    store.put(record("FRXYZ123456789"), ORIGIN)
    store.put(record(root=ROOT_B, exi=b"b"), ORIGIN)
    found = store.find_default(PCID, ISO_15118_2)
    assert [variant.installation_res_exi for variant in found] == [b"b", b"a"]


def test_setting_the_default_does_it_in_every_namespace(store: Store) -> None:
    """The contract becomes the one default wherever it has a record, and nowhere else."""
    for namespace in (ISO_15118_2, ISO_15118_20):
        store.put(record(namespace=namespace), ORIGIN)
        store.put(record("FRXYZ123456789", namespace=namespace), ORIGIN)
    for _ in range(2):  # it is idempotent
        assert store.set_default(OTHER_EMAID, PCID, ORIGIN)
        assert defaults(store) == defaults(store, ISO_15118_20) == {OTHER_EMAID.text}
    store.put(record("ITA1B2C3E4F5G6"), ORIGIN)
    assert store.set_default(Emaid.parse("ITA1B2C3E4F5G6"), PCID, ORIGIN)
    assert defaults(store) == {"ITA1B2C3E4F5G6"}
    assert defaults(store, ISO_15118_20) == {OTHER_EMAID.text}


def test_an_unknown_pair_cannot_be_the_default(store: Store) -> None:
    """Neither an unknown contract nor a foreign car changes which contract is the default."""
    store.put(record(), ORIGIN)
    assert not store.set_default(OTHER_EMAID, PCID, ORIGIN)
    assert not store.set_default(EMAID, OTHER_PCID, ORIGIN)
    assert defaults(store) == {EMAID.text}


def test_deleting_takes_all_records_of_the_contract(store: Store) -> None:
    """Every namespace and root goes, other contracts stay; a second time there is nothing."""
    store.put(record(), ORIGIN)
    store.put(record(root=ROOT_B), ORIGIN)
    store.put(record(namespace=ISO_15118_20), ORIGIN)
    store.put(record("FRXYZ123456789"), ORIGIN)
    assert store.delete(EMAID, ORIGIN)
    assert not store.delete(EMAID, ORIGIN)
    assert exis(store) == exis(store, namespace=ISO_15118_20) == []
    assert len(exis(store, OTHER_EMAID)) == 1


def test_nobody_is_given_a_new_default(store: Store) -> None:
    """Without its default a car has none, later contracts included; an empty car starts anew."""
    store.put(record(), ORIGIN)
    store.put(record("FRXYZ123456789"), ORIGIN)
    store.delete(EMAID, ORIGIN)
    assert defaults(store) == set()
    store.put(record("ITA1B2C3E4F5G6"), ORIGIN)
    store.put(record(), ORIGIN)
    assert defaults(store) == set()
    assert store.find_default(PCID, ISO_15118_2) == []
    for emaid in (EMAID_TEXT, "FRXYZ123456789", "ITA1B2C3E4F5G6"):
        store.delete(Emaid.parse(emaid), ORIGIN)
    store.put(record("FRXYZ123456789"), ORIGIN)
    assert defaults(store) == {OTHER_EMAID.text}


def test_a_failing_write_changes_nothing(store: Store) -> None:
    """A put that breaks halfway leaves neither a record nor a default behind."""
    with pytest.raises(sqlite3.IntegrityError):
        store.put(record(exi=None), ORIGIN)
    assert store.find_by_pcid(PCID, ISO_15118_2) == []
    store.put(record("FRXYZ123456789"), ORIGIN)
    assert defaults(store) == {OTHER_EMAID.text}


def test_what_is_stored_survives_the_process(tmp_path: Path) -> None:
    """A store that is opened again has what was put, and applies no step twice."""
    first = Store(tmp_path / "ccp.db")
    first.put(record(exi=b"kept"), ORIGIN)
    first.close()
    second = Store(tmp_path / "ccp.db")
    assert exis(second) == [b"kept"]
    second.close()


def test_a_store_goes_on_after_close(store: Store) -> None:
    """Closing is no end: the next call opens a connection of its own."""
    store.put(record(), ORIGIN)
    store.close()
    assert len(exis(store)) == 1


def test_a_busy_database_is_told_and_nothing_lost(tmp_path: Path) -> None:
    """A write that waits too long for another writer is StoreBusy; reading goes on."""
    store = Store(tmp_path / "ccp.db", busy_timeout_seconds=0.05)
    store.put(record(exi=b"before"), ORIGIN)
    other = sqlite3.connect(tmp_path / "ccp.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for write in (
        lambda: store.put(record(exi=b"after"), ORIGIN),
        lambda: store.delete(EMAID, ORIGIN),
        lambda: store.set_default(EMAID, PCID, ORIGIN),
    ):
        with pytest.raises(StoreBusy):
            write()
    assert exis(store) == [b"before"]
    other.execute("ROLLBACK")
    other.close()
    store.put(record(exi=b"after"), ORIGIN)
    assert exis(store) == [b"after"]
    store.close()


def _put_many(path: Path, worker: int) -> None:
    store = Store(path, busy_timeout_seconds=SECONDS)  # a busy machine is no failure
    for number in range(25):
        store.put(record(f"DEICE{worker:03}{number:06}", f"WAUZZZ4B0CC00{number % 5:04}"), ORIGIN)
    store.close()


def test_processes_share_a_store(tmp_path: Path) -> None:
    """Processes that open, migrate and write at once lose nothing, and agree on defaults."""
    path = tmp_path / "ccp.db"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_put_many, args=(path, worker)) for worker in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(SECONDS)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    store = Store(path)
    for car in range(5):
        found = store.find_by_pcid(Pcid.parse(f"WAUZZZ4B0CC00{car:04}"), ISO_15118_2)
        assert len(found) == 15
        assert sum(one.is_default for one in found) == 1
    store.close()


def test_threads_share_a_store(store: Store) -> None:
    """Threads do not share connections; exactly one of many first contracts is the default."""
    failures: list[BaseException] = []

    def put(number: int) -> None:
        try:
            store.put(record(f"DEICE{number:09}"), ORIGIN)
            store.find_by_pcid(PCID, ISO_15118_2)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(defaults(store)) == 1
    assert len(store.find_by_pcid(PCID, ISO_15118_2)) == 20


@pytest.mark.parametrize("kind", ["text", "folder", "no folder"])
def test_a_file_that_is_no_database_is_told_at_start(tmp_path: Path, kind: str) -> None:
    """What cannot be used is named when the store is made, not at the first request."""
    path = tmp_path / "ccp.db"
    if kind == "text":
        path.write_text("this is no database, but it is long enough to be looked at" * 20)
    elif kind == "folder":
        path.mkdir()
    else:
        path = tmp_path / "missing" / "ccp.db"
    with pytest.raises(StoreUnusable, match=r"ccp\.db"):
        Store(path)


def test_a_database_that_somebody_holds_is_told_at_start(tmp_path: Path) -> None:
    """Who waits in vain to bring the database up to date is told so."""
    path = tmp_path / "ccp.db"
    Store(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnusable, match="busy"):
        Store(path, busy_timeout_seconds=0.05)
    other.close()


def test_a_database_that_is_taken_away_is_not_made_anew(tmp_path: Path) -> None:
    """A file that is gone is an error, not an empty pool."""
    store = Store(tmp_path / "ccp.db")
    (tmp_path / "ccp.db").unlink()
    with pytest.raises(StoreUnreachable):
        store.find_by_emaid(EMAID, ISO_15118_2)
    assert not (tmp_path / "ccp.db").exists()


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """A database that has steps we do not know is left alone."""
    path = tmp_path / "ccp.db"
    Store(path)
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('ccp', '9999_from_the_future', '2050-01-01')"
        )
    connection.close()
    with pytest.raises(StoreUnusable, match="newer version"):
        Store(path)


def test_what_is_answered_is_on_disk(store: Store) -> None:
    """WAL with full synchronisation: a power cut takes nothing that a caller was told is stored."""
    database = store._connections.database
    pragmas = [
        database.execute(f"PRAGMA {name}").fetchone() for name in ("journal_mode", "synchronous")
    ]
    assert pragmas == [("wal",), (2,)]


def test_write_ahead_log_that_grew_is_cut(store: Store, tmp_path: Path) -> None:
    """A reader that takes its time lets it grow; afterwards it does not keep the disk."""
    log_path = tmp_path / "ccp.db-wal"
    large = record(exi=bytes(3 * 2**20))
    store.put(large, ORIGIN)
    with closing(sqlite3.connect(tmp_path / "ccp.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM signed_contract_data").fetchone()
        for _ in range(4):
            store.put(large, ORIGIN)
        assert log_path.stat().st_size > 9 * 2**20
    for _ in range(3):
        store.put(record(), ORIGIN)
    assert log_path.stat().st_size <= 8 * 2**20


def test_database_and_its_side_files_are_private(tmp_path: Path) -> None:
    """Whatever the umask, even one without the owner's bits; one that exists keeps its mode."""
    for umask in (0, 0o022, 0o377):
        path = tmp_path / f"{umask:o}.db"
        before = os.umask(umask)
        try:
            store = Store(path)
            store.put(record(), ORIGIN)
        finally:
            os.umask(before)
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob(f"{path.name}*")}
        assert modes == {f"{path.name}{end}": 0o600 for end in ("", "-wal", "-shm")}
        store.close()
    path.chmod(0o640)
    store = Store(path)
    assert path.stat().st_mode & 0o777 == 0o640
    store.close()


def test_store_waits_for_a_process_that_creates_the_same_database(tmp_path: Path) -> None:
    """SQLite itself gives up at once where the journal mode of a new database is to be changed."""
    other = sqlite3.connect(tmp_path / "ccp.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE started (number)")
    created: Future[Store] = Future()

    def create() -> None:
        try:
            created.set_result(Store(tmp_path / "ccp.db", busy_timeout_seconds=60))
        except StoreUnusable as error:
            created.set_exception(error)

    thread = threading.Thread(target=create)
    thread.start()
    with pytest.raises(TimeoutError):
        created.result(0.2)
    other.execute("ROLLBACK")
    other.close()
    created.result(60).close()
    thread.join()


def test_without_a_write_ahead_log_there_is_no_pool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite says nothing where it has to do without, as on some file systems."""
    monkeypatch.setattr("ccp.store.connections._PRAGMAS", ("journal_mode=delete",))
    with pytest.raises(StoreUnusable, match="no write-ahead log"):
        Store(tmp_path / "ccp.db")


def test_a_full_database_takes_no_more_and_keeps_what_it_has(store: Store) -> None:
    """Told as such; nothing of the write is there, and with room again it succeeds."""
    store.put(record(), ORIGIN)
    (pages,) = store._connections.database.execute("PRAGMA page_count").fetchone()

    def limit(pages: int) -> None:  # it is the writing connection's
        store._writes.submit(lambda db: db.execute(f"PRAGMA max_page_count={pages}")).result()

    limit(pages)
    with pytest.raises(StoreFull):
        store.put(record("FRXYZ123456789", exi=bytes(100_000)), ORIGIN)
    assert store.find_by_emaid(Emaid.parse("FRXYZ123456789"), ISO_15118_2) == []
    assert len(store.find_by_emaid(EMAID, ISO_15118_2)) == 1
    limit(100_000)
    store.put(record("FRXYZ123456789", exi=bytes(100_000)), ORIGIN)


def test_no_statement_walks_a_table(store: Store) -> None:
    """Reads and writes find what they are about by an index, however large the pool is."""
    connection = store._connections.database.conn
    statements: list[str] = []

    def trace(callback: Callable[[str], None] | None) -> None:
        """Listen to the connection that reads here, and to the one that writes."""
        connection.set_trace_callback(callback)
        store._writes.submit(lambda db: db.conn.set_trace_callback(callback)).result()

    trace(statements.append)
    for _ in range(2):
        store.put(record(), ORIGIN)
    store.find_by_emaid(EMAID, ISO_15118_2)
    store.find_by_emaid(EMAID, ISO_15118_2, pcid=PCID, v2g_root_fingerprint=ROOT_A)
    store.find_by_pcid(PCID, ISO_15118_2)
    store.find_default(PCID, ISO_15118_2)
    store.set_default(EMAID, PCID, ORIGIN)
    store.contract_certificates(EMAID)
    store.record_revoked(EMAID, b"one", ORIGIN)
    store.is_revoked(b"one")
    store.delete(EMAID, ORIGIN, seen=store.contract_certificates(EMAID))
    trace(None)
    asking = [text for text in statements if text.split()[0] in ("SELECT", "INSERT", "DELETE")]
    assert len(asking) > 15
    for statement in asking:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
        steps = [step for _, _, _, step in plan]
        assert not [step for step in steps if "SCAN" in step and "CONSTANT" not in step], statement


def limited(path: Path, most_contracts: int) -> Store:
    """A store whose cars can have so many contracts."""
    return Store(path / "ccp.db", most_contracts=most_contracts)


def test_put_beyond_the_limit_of_contracts_is_refused(tmp_path: Path) -> None:
    """Of a car and edition; what is there can be replaced, and one that is deleted makes room."""
    store = limited(tmp_path, 2)
    emaids = [f"DEICEC0000000{n}" for n in range(3)]
    for emaid in emaids[:2]:
        store.put(record(emaid), ORIGIN)
    for default in (None, True, False):
        with pytest.raises(ContractLimitReached, match="limit for a PCID is 2 "):
            store.put(record(emaids[2]), ORIGIN, default=default)
    assert defaults(store) == {emaids[0]}
    store.put(record(emaids[0], exi=b"new"), ORIGIN)
    store.put(record(emaids[0], root=ROOT_B), ORIGIN)
    store.put(record(emaids[2], namespace=ISO_15118_20), ORIGIN)
    store.put(record("FRXYZ123456789", OTHER_PCID.text), ORIGIN)
    store.delete(Emaid.parse(emaids[1]), ORIGIN)
    store.put(record(emaids[2]), ORIGIN)
    store.close()


def test_put_beyond_the_limit_of_variants_is_refused(tmp_path: Path) -> None:
    """Without trust anchors a caller can name any number of V2G roots."""
    store = limited(tmp_path, 2)
    for root in (ROOT_A, None):
        store.put(record(root=root), ORIGIN)
    with pytest.raises(ContractLimitReached, match="variants of a contract 2"):
        store.put(record(root=ROOT_B), ORIGIN)
    store.put(record(root=ROOT_A, exi=b"new"), ORIGIN)
    store.put(record(root=ROOT_B, namespace=ISO_15118_20), ORIGIN)
    store.close()


def test_a_car_that_has_more_than_the_limit_keeps_it(tmp_path: Path) -> None:
    """As after an upgrade: all can be read and replaced, and no more are added."""
    store = Store(tmp_path / "ccp.db")
    for number in range(3):
        store.put(record(f"DEICEC0000000{number}"), ORIGIN)
    store.close()
    store = limited(tmp_path, 1)
    store.put(record("DEICEC00000002", exi=b"new"), ORIGIN)
    assert len(store.find_by_pcid(PCID, ISO_15118_2)) == 3
    with pytest.raises(ContractLimitReached):
        store.put(record("FRXYZ123456789"), ORIGIN)
    store.close()


def test_certificates_of_a_contract_are_told_once(store: Store) -> None:
    """In all its records, of all editions."""
    store.put(record(root=ROOT_A, contract_certificate_der=b"one"), ORIGIN)
    store.put(record(root=ROOT_B, contract_certificate_der=b"one"), ORIGIN)
    store.put(record(namespace=ISO_15118_20, contract_certificate_der=b"two"), ORIGIN)
    store.put(record("FRXYZ123456789", contract_certificate_der=b"other"), ORIGIN)
    assert store.contract_certificates(EMAID) == {b"one", b"two"}
    assert store.contract_certificates(Emaid.parse("NLZZZ123456789")) == set()


def test_what_was_revoked_is_known_for_ever(tmp_path: Path) -> None:
    """After the process has ended, and after the contract has gone; told in the trail once."""
    first = Store(tmp_path / "ccp.db")
    first.put(record(contract_certificate_der=b"one"), ORIGIN)
    assert not first.is_revoked(b"one")
    first.record_revoked(EMAID, b"one", ORIGIN)
    first.record_revoked(EMAID, b"one", ORIGIN)
    first.delete(EMAID, ORIGIN)
    first.close()
    second = Store(tmp_path / "ccp.db")
    assert (second.is_revoked(b"one"), second.is_revoked(b"two")) == (True, False)
    second.close()
    trail = read_audit_trail(tmp_path / "ccp.db")
    assert [line.action for line in trail] == ["put", "revoke", "delete"]


def test_a_revocation_whose_contract_has_gone_is_noted(tmp_path: Path, store: Store) -> None:
    """Somebody else may have deleted it meanwhile: the trail has a line without a car."""
    store.record_revoked(EMAID, b"one", ORIGIN)
    (line,) = read_audit_trail(tmp_path / "ccp.db")
    assert (line.action, line.emaid, line.pcid) == ("revoke", EMAID.key, "")


def test_only_what_was_seen_is_deleted(store: Store) -> None:
    """Who has looked at a contract's certificates deletes it while they are all there is."""
    store.put(record(contract_certificate_der=b"one"), ORIGIN)
    with pytest.raises(StoreBusy):
        store.delete(EMAID, ORIGIN, seen=[b"two"])
    assert store.contract_certificates(EMAID) == {b"one"}
    assert store.delete(EMAID, ORIGIN, seen=[b"one", b"two"])
    assert not store.delete(EMAID, ORIGIN, seen=[b"one"])


def texts(records: Iterable[SignedContractData]) -> list[str]:
    """The EMAIDs of records."""
    return [found.emaid.text for found in records]


def test_a_walk_sees_every_record_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few at a time, the oldest puts first; what is put meanwhile is left to the next one."""
    monkeypatch.setattr("ccp.store.reads._BATCH", 3)
    emaids = [f"DEICEC0000000{n}" for n in range(7)]
    for emaid in emaids:
        store.put(record(emaid), ORIGIN)
    store.delete(Emaid.parse(emaids[1]), ORIGIN)
    store.put(record(emaids[0]), ORIGIN)  # now the newest
    walk = store.iter_batches()
    batches = [next(walk)]
    store.put(record("FRXYZ123456789"), ORIGIN)
    batches += walk
    assert [batch.size for batch in batches] == [3, 3]
    seen = [found for batch in batches for found in batch.records]
    assert texts(seen) == [*emaids[2:], emaids[0]]
    assert seen[-1] == store.find_by_emaid(Emaid.parse(emaids[0]), ISO_15118_2)[0]


def test_a_walk_may_look_for_what_has_ended(store: Store) -> None:
    """To the second: a contract is valid up to and including its last one."""
    ends = {"DEICEC00000001": -1, "DEICEC00000002": 0, "DEICEC00000003": 1}
    for emaid, seconds in ends.items():
        store.put(record(emaid, valid_to=NOW + timedelta(seconds=seconds)), ORIGIN)

    def ended(**later: int) -> list[str]:
        (batch,) = store.iter_batches(ended_before=NOW + timedelta(**later))
        assert batch.size == 3
        return texts(batch.records)

    assert ended() == ["DEICEC00000001"]
    assert ended(microseconds=1) == ["DEICEC00000001", "DEICEC00000002"]
    assert ended(seconds=1) == ["DEICEC00000001", "DEICEC00000002"]


def test_an_empty_pool_is_a_short_walk(store: Store) -> None:
    """Also where all that there was has gone meanwhile."""
    assert list(store.iter_batches()) == []
    store.put(record(), ORIGIN)
    walk = store.iter_batches()
    store.delete(EMAID, ORIGIN)
    assert list(walk) == []


def test_a_record_goes_and_its_variants_stay(store: Store) -> None:
    """And the car keeps its default as long as there is a record of it in the namespace."""
    for root in (ROOT_A, ROOT_B):
        store.put(record(root=root), ORIGIN)
    store.put(record(namespace=ISO_15118_20), ORIGIN)
    store.put(record("FRXYZ123456789"), ORIGIN)
    for root, default in ((ROOT_A, {EMAID.text}), (ROOT_B, set())):
        found = store.find_by_emaid(EMAID, ISO_15118_2, v2g_root_fingerprint=root)
        assert store.remove(found, "cleanse-expired", ORIGIN) == found
        assert store.find_by_emaid(EMAID, ISO_15118_2, v2g_root_fingerprint=root) == []
        assert defaults(store) == default
    assert defaults(store, ISO_15118_20) == {EMAID.text}
    store.put(record(), ORIGIN)
    assert defaults(store) == set()  # which contract a driver pays with is never chosen for them


def test_a_record_that_was_replaced_stays(store: Store) -> None:
    """What was judged is another message, even where the contract certificate is the same."""
    store.put(record(exi=b"judged"), ORIGIN)
    store.put(record("FRXYZ123456789"), ORIGIN)
    judged = store.with_messages(store.find_by_pcid(PCID, ISO_15118_2))
    store.put(record(exi=b"new"), ORIGIN)
    gone = store.remove(judged, "cleanse-expired", ORIGIN)
    assert texts(gone) == ["FRXYZ123456789"]
    assert exis(store) == [b"new"]
    assert defaults(store) == {EMAID.text}
    assert store.remove(judged, "cleanse-expired", ORIGIN) == []


def test_a_revoked_certificate_may_be_barred(store: Store) -> None:
    """If that is wanted; what stays is not."""
    store.put(record(contract_certificate_der=b"one", root=ROOT_A), ORIGIN)
    store.put(record(contract_certificate_der=b"two", root=ROOT_B), ORIGIN)
    second, first = store.find_by_emaid(EMAID, ISO_15118_2)
    store.remove([first], "cleanse-revoked", ORIGIN, revoke=True)
    store.remove([first, second], "cleanse-expired", ORIGIN)
    assert (store.is_revoked(b"one"), store.is_revoked(b"two")) == (True, False)


def test_store_that_is_forgotten_closes_its_connections(tmp_path: Path) -> None:
    """Those of all threads; Python 3.13 warns of each that is left open."""

    def opened() -> int:
        files = [os.path.realpath(file) for file in Path("/proc/self/fd").iterdir()]
        return sum(file.startswith(str(tmp_path)) for file in files)

    store = Store(tmp_path / "ccp.db")
    store.put(record(), ORIGIN)
    store.find_car(record().pcid)
    assert opened() > 0
    del store
    gc.collect()
    wait_until(lambda: opened() == 0)
