"""The last good roots of a root pool, beside the database."""

from pathlib import Path

import pytest

from ccp.clients.last_good import NothingKept
from ccp.trust.kept_roots import KeptRoots
from tests.conftest import make_settings

URL = "https://rcp.example/opnc/v1/rcp"
ROOTS = {"v2g": [b"\x00first", b"second"], "emsp": [], "oem": [b"\xff"]}


def kept(folder: Path, url: str = URL) -> KeptRoots:
    """What is kept of a root pool."""
    return KeptRoots(make_settings(folder, rcp_url=url))


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    """Byte for byte, for this root pool alone, in a file that nobody else reads."""
    kept(tmp_path).save(ROOTS)
    assert kept(tmp_path).load() == ROOTS
    assert (tmp_path / "ccp.db.roots").stat().st_mode & 0o077 == 0
    with pytest.raises(NothingKept, match="another URL"):
        kept(tmp_path, "https://other.example").load()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"{",
        b"\xff",
        b"[" * 9999,
        b'{"v2g": 7}',
        b'{"v2g": [], "emsp": []}',
        b'{"v2g": [7], "emsp": [], "oem": []}',
        b'{"v2g": ["A"], "emsp": [], "oem": []}',
    ],
)
def test_what_somebody_has_changed_is_nothing(tmp_path: Path, content: bytes) -> None:
    """Whatever stands there, the pool starts."""
    kept(tmp_path).save(ROOTS)
    (tmp_path / "ccp.db.roots").write_bytes(URL.encode() + b"\n" + content)
    with pytest.raises(NothingKept, match="changed"):
        kept(tmp_path).load()
