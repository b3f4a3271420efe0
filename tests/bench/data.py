"""
Pools of any size: databases that are made once and kept in build/bench-data.

A thousand cars have contracts of their own, which a strict pool has taken over HTTP. Between each
two of them stand contracts of cars that never ask: the same messages, so of the same size, under
their own EMAIDs and PCIDs.
"""

import hashlib
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from sqlite_utils import Database

from ccp.domain.identifiers import ISO_15118_2, Emaid, Pcid
from ccp.store import SignedContractData, Store
from ccp.store.migrations import migrations
from tests.bench.bulk import put_many
from tests.bench.contracts import (
    APART,
    CARS,
    Contract,
    emaid_of,
    load_contracts,
    make_contracts,
    pcid_of,
    save_contracts,
)
from tests.bench.operations import PUT
from tests.bench.servers import ROOT, ask, pool

_FORMAT = 1  # to be raised when what is made here changes
_MOST_AGE_SECONDS = 300 * 24 * 3600  # the workshop's leaves are valid for two years
_BYTES_OF_A_ROW = 8000  # on disk, and something to spare
_DELETED = 5_000_000  # the numbers of contracts that are there to be deleted

SIZES = (CARS, 100_000, CARS * APART)


class TooLittleDisk(Exception):
    """The disk has no room for a database, and as much again; the text says how much it takes."""


class Data:
    """
    The contracts and databases, made when they are first asked for.

    Attributes:
        contracts: Those of the cars that ask.
        trust: Folder of the trust anchors that they can be verified with.
    """

    def __init__(self) -> None:
        """Read the contracts; make them if there are none, or if they are about to expire."""
        self._folder = ROOT / "build" / "bench-data" / _version()
        self.trust = self._folder / "trust"
        file = self._folder / "contracts.json"
        if not file.exists() or time.time() - file.stat().st_mtime > _MOST_AGE_SECONDS:
            shutil.rmtree(self._folder.parent, ignore_errors=True)  # and all older versions
            self._folder.mkdir(parents=True)
            started = time.perf_counter()
            save_contracts(file, make_contracts(self.trust))
            seconds = time.perf_counter() - started
            print(f"Made {CARS} cars and contracts in {seconds:.1f} s.", flush=True)
        self.contracts: list[Contract] = load_contracts(file)

    def database(self, size: int) -> Path:
        """
        Give the database of a pool with so many contracts.

        Args:
            size: A multiple of CARS, CARS times APART at most.
        Raises:
            TooLittleDisk: There is no room to make it.
        """
        path = self._folder / f"{size}.db"
        if not path.exists():
            draft = path.with_suffix(".draft")
            for file in self._folder.glob(f"{draft.name}*"):
                file.unlink()
            needed, free = 2 * size * _BYTES_OF_A_ROW, shutil.disk_usage(self._folder).free
            if free < needed:
                raise TooLittleDisk(f"needs {needed / 1e9:.0f} GB free, not {free / 1e9:.0f}")
            started = time.perf_counter()
            if size == CARS:
                self._put_all(draft)
            else:
                put_many(draft, self.spread(size))
            seconds = time.perf_counter() - started
            how = "by PUT" if size == CARS else "by the bulk path"
            print(f"Stored {size:,} contracts {how}: {size / seconds:,.0f} a second.", flush=True)
            draft.rename(path)
        return path

    def copy(self, size: int, path: Path) -> Path:
        """Copy a database to *path*, so that what is written does not change what is kept."""
        return Path(shutil.copyfile(self.database(size), path))

    def spread(self, size: int) -> Iterator[SignedContractData]:
        """Give the contracts of a pool with so many, in the order of their EMAIDs."""
        for position, record in enumerate(self.records()):
            for number in range(size // CARS):
                yield _renamed(record, position * APART + number)

    def records(self) -> list[SignedContractData]:
        """Give what the smallest pool has stored of the cars that ask."""
        with closing(Store(self.database(CARS))) as store:
            emaids = [Emaid.parse(contract.emaid) for contract in self.contracts]
            return [store.find_by_emaid(emaid, ISO_15118_2)[0] for emaid in emaids]

    def _put_all(self, path: Path) -> None:
        """Have a pool store the contracts as it stores any."""
        with pool("first pool", self._folder, path, self.trust) as server:
            for contract in self.contracts:
                status, body = ask(server.port, PUT.request(contract))
                if status != PUT.status:
                    raise RuntimeError(f"the pool refuses a contract: {body.decode()}")
        with closing(sqlite3.connect(path)) as connection:  # the file is renamed without its log
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def to_delete(records: Sequence[SignedContractData], number: int) -> list[SignedContractData]:
    """Give so many contracts that nothing but DELETE asks for, the same ones each time."""
    return [_renamed(records[n % CARS], _DELETED + n) for n in range(number)]


def _renamed(record: SignedContractData, number: int) -> SignedContractData:
    return replace(record, emaid=Emaid.parse(emaid_of(number)), pcid=Pcid.parse(pcid_of(number)))


def _version() -> str:
    """What a database looks like: other steps of the store make another one."""
    with closing(sqlite3.connect(":memory:")) as empty:
        steps = [step.name for step in migrations.pending(Database(empty))]
    return hashlib.sha256(repr((_FORMAT, steps)).encode()).hexdigest()[:12]
