"""The operators' socket: whose connection it is, and which number a worker has."""

from types import SimpleNamespace

import pytest

from ccp.operations.listener import Listener

WITHIN = ("10.0.0.1", 9090)


@pytest.mark.parametrize(
    ("address", "theirs", "others"),
    [
        (
            ("127.0.0.1", 9090),
            [("127.0.0.1", 9090)],
            # The API may have the same port of another address.
            [("127.0.0.1", 8080), ("10.0.0.1", 9090), ("/run/ccp.sock", None)],
        ),
        (("0.0.0.0", 9090), [("127.0.0.1", 9090), WITHIN], [("127.0.0.1", 8080)]),  # noqa: S104
        (("::", 9090), [("::1", 9090), WITHIN, ("fe80::1%eth0", 9090)], [("::1", 8080)]),
        (("::1", 9090), [("::1", 9090)], [("::1", 8080), ("127.0.0.1", 9090)]),
        (
            "/run/ccp/operators.sock",
            [("/run/ccp/operators.sock", None)],
            [("/run/ccp/pool.sock", None), ("127.0.0.1", 9090)],
        ),
    ],
    ids=str,
)
def test_a_connection_is_theirs_by_its_own_address(tmp_path, address, theirs, others):
    """That of the server's end: host and port, the port alone of every address, or the path."""
    listener = Listener("")
    assert not any(map(listener.has_accepted, theirs))  # before it is open
    listener.listen_at(address, tmp_path)
    assert all(map(listener.has_accepted, theirs))
    assert not any(map(listener.has_accepted, [*others, None]))


@pytest.mark.parametrize(
    ("address", "is_open"),
    [
        (("127.0.0.1", 9090), False),
        (("::1", 9090), False),
        (("0.0.0.0", 9090), True),  # noqa: S104
        (("10.0.0.1", 9090), True),
        ("/run/ccp/operators.sock", False),
    ],
    ids=str,
)
def test_it_is_open_where_other_machines_reach_it(tmp_path, address, is_open):
    """A Unix socket is as open as its folder."""
    listener = Listener("")
    assert not listener.is_open_to_others
    listener.listen_at(address, tmp_path)
    assert listener.is_open_to_others is is_open


def test_a_worker_has_the_lowest_number_that_is_free():
    """While it runs nobody else has it; then whoever comes next."""
    listener, workers = Listener(""), {}
    server = SimpleNamespace(WORKERS=workers)

    def fork(pid):
        worker = SimpleNamespace()
        listener.before_fork(server, worker)
        workers[pid] = worker
        return listener.slot

    assert [fork(pid) for pid in (11, 12, 13)] == [0, 1, 2]
    del workers[12]
    assert [fork(pid) for pid in (14, 15)] == [1, 3]
    assert [workers[pid].slot for pid in (11, 14, 13, 15)] == [0, 1, 2, 3]
