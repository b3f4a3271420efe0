"""How many records there are: of each namespace, and by the time when they end."""

from datetime import timedelta
from pathlib import Path

from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20
from ccp.store import Store
from tests.builders import NOW, ORIGIN, ROOT_A, ROOT_B, record


def test_each_record_is_counted_where_it_belongs(store: Store) -> None:
    """To the second: what ends now has not ended yet; a variant is a record of its own."""
    day = timedelta(days=1)
    for number, end in enumerate([-1, 0, 86400, 86401]):
        valid_to = NOW + timedelta(seconds=end)
        store.put(record(f"DEICE{number:09}", valid_to=valid_to), ORIGIN)
    for root in (ROOT_A, ROOT_B):
        store.put(
            record("DEICE000000009", root=root, namespace=ISO_15118_20, valid_to=NOW + 5 * day),
            ORIGIN,
        )
    found = {counts.namespace: counts[1:] for counts in store.count_records(at=NOW, days=(1, 7))}
    assert found == {ISO_15118_2: (4, 1, {1: 2, 7: 3}), ISO_15118_20: (2, 0, {1: 0, 7: 2})}


def test_an_empty_database_has_none(store: Store) -> None:
    """No namespace, nothing of it."""
    assert store.count_records(at=NOW, days=(7,)) == []


def test_records_are_not_looked_at_to_be_counted(tmp_path: Path, store: Store) -> None:
    """With their messages they are a hundred times as much: an index has all that is needed."""
    store.put(record(), ORIGIN)
    statements: list[str] = []
    with store._connections.read() as database:
        database.conn.set_trace_callback(statements.append)
        store.count_records(at=NOW, days=(7, 30))
        database.conn.set_trace_callback(None)
        (statement,) = statements
        plan = [row[-1] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}")]
    assert plan[0].startswith("SCAN signed_contract_data USING COVERING INDEX")
