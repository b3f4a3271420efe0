"""The last good answer of a service: of one URL, for its owner alone, and of a bounded size."""

import resource
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ccp.clients.last_good import LastGood, NothingKept

URL = "https://a.example/jwks"


def kept(file: Path, url: str = URL, max_bytes: int = 100) -> LastGood:
    """What keeps the answers of a URL in a file."""
    return LastGood(file, url, max_bytes=max_bytes)


def test_what_is_kept_is_of_one_url(tmp_path: Path) -> None:
    """Whoever names another URL does not believe what the former one has said."""
    file = tmp_path / "kept"
    kept(file).save(b"answer")
    assert kept(file).load() == b"answer"
    for url in ("https://b.example/jwks", "https://a.example/jwk", "https://a.example/jwkss"):
        with pytest.raises(NothingKept, match="another URL"):
            kept(file, url).load()


def test_the_newest_answer_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    """One file, and nothing beside it."""
    file = tmp_path / "kept"
    for answer in (b"first", b"", b"third\nof two lines"):
        kept(file).save(answer)
        assert kept(file).load() == answer
    assert file.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [file]


def test_what_is_too_large_is_cut_just_behind_the_limit(tmp_path: Path) -> None:
    """Whoever reads it sees that it is too large, and reads no more of it."""
    file = tmp_path / "kept"
    kept(file).save(b"x" * 1000)
    assert len(kept(file).load()) == 101


def test_a_folder_that_cannot_be_written_is_told_and_no_more(tmp_path: Path) -> None:
    """The answer is used all the same."""
    with capture_logs() as lines:
        kept(tmp_path / "no" / "file").save(b"answer")
    assert [line["log_level"] for line in lines] == ["warning"]


def test_save_with_a_full_disk_keeps_the_last_answer_and_leaves_no_draft(tmp_path: Path) -> None:
    """The disk takes a part of a draft and no more: here, as no file may grow."""
    file = tmp_path / "kept"
    kept(file).save(b"first")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with capture_logs() as lines:
            for _ in range(3):
                kept(file).save(b"x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [line["error"] for line in lines] == ["File too large"] * 3
    assert kept(file).load() == b"first"
    assert list(tmp_path.iterdir()) == [file]


def test_save_over_a_folder_leaves_no_draft(tmp_path: Path) -> None:
    """The draft is whole, and cannot take its place."""
    file = tmp_path / "kept"
    file.mkdir()
    kept(file).save(b"answer")
    assert list(tmp_path.iterdir()) == [file]


def test_nothing_is_kept_at_first(tmp_path: Path) -> None:
    """There is no file yet, or it is a folder."""
    for file in (tmp_path / "nothing", tmp_path):
        with pytest.raises(NothingKept):
            kept(file).load()
