"""The load: what wrk prints, read; the file that it is given."""

from pathlib import Path

import pytest

from tests.bench.wrk import read_load, save_requests

OUTPUT = """Running 1s test @ http://127.0.0.1:8080
Requests/sec:   1000.00
{"requests": 2000, "seconds": 2.000000, "p50_ms": 7.500, "p99_ms": 30.000, "max_ms": 41.250, \
"refused": 3, "connect": 0, "read": 0, "write": 0, "timeout": 0}
"""


def test_the_line_of_the_script_is_read() -> None:
    """It stands behind what wrk prints by itself."""
    load = read_load(OUTPUT, busy_seconds=0.5)
    assert (load.p50_ms, load.p99_ms, load.max_ms) == (7.5, 30, 41.25)
    assert load.speed == 1000
    assert load.cpu_ms == 0.25


def test_errors_are_told_by_kind() -> None:
    """Kinds of which there were none are left out."""
    assert read_load(OUTPUT, busy_seconds=0).errors == {"refused": 3}


def test_no_result_is_told_with_what_was_printed() -> None:
    """As where wrk cannot read its script."""
    with pytest.raises(ValueError, match="cannot open"):
        read_load("load.lua: cannot open file\n", busy_seconds=0)


def test_each_request_stands_behind_its_length(tmp_path: Path) -> None:
    """So that line ends and digits in a body do not matter."""
    save_requests(tmp_path / "requests", [b"GET / HTTP/1.1\r\n\r\n", b"12\n3"])
    assert (tmp_path / "requests").read_bytes() == b"18\nGET / HTTP/1.1\r\n\r\n4\n12\n3"
