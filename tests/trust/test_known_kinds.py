"""The kinds of anchors that a pool's folder had: a start without one of them is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from ccp.config.settings import AnchorsUnusable, Settings
from ccp.pki.anchors import Anchors
from ccp.trust.folder import Trust
from ccp.trust.kept_roots import trusted_at_start
from ccp.trust.known_kinds import KnownKinds
from tests.builders import NOW
from tests.conftest import make_settings

HERE = Anchors(configured=True)
ALL = Trust(HERE, HERE, HERE)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a pool in a folder of its own."""
    return make_settings(tmp_path)


def test_known_kinds_first_start_misses_nothing(settings: Settings) -> None:
    """No file is made for a pool that never had anchors."""
    KnownKinds(settings).require(Trust())
    KnownKinds(settings).save(Trust())
    assert not settings.beside_database("anchors").exists()


def test_known_kinds_kind_that_has_gone_is_refused(settings: Settings) -> None:
    """The error says what has gone, and what to do where that is meant."""
    KnownKinds(settings).save(ALL)
    KnownKinds(settings).require(ALL)
    with pytest.raises(AnchorsUnusable, match=r"had v2g and oem anchors .* remove the file .*"):
        KnownKinds(settings).require(Trust(emsp=HERE))
    settings.beside_database("anchors").unlink()
    KnownKinds(settings).require(Trust(emsp=HERE))


def test_known_kinds_root_pool_has_the_kind_nothing_is_missed(settings: Settings) -> None:
    """A kind that a root pool is asked for is verified, whatever files have."""
    KnownKinds(settings).save(ALL)
    KnownKinds(settings).require(Trust().with_roots({}))


def test_known_kinds_another_folder_is_not_missed(settings: Settings, tmp_path: Path) -> None:
    """An operator who names another folder says so in the settings."""
    KnownKinds(settings).save(ALL)
    KnownKinds(replace(settings, trust_dir=str(tmp_path / "other"))).require(Trust())


@pytest.mark.parametrize("spoil", ["symlink", "file"])
def test_trusted_at_start_folder_cannot_be_read_is_refused(
    settings: Settings, tmp_path: Path, spoil: str
) -> None:
    """One sentence that names the folder."""
    if spoil == "symlink":
        (tmp_path / "trust" / "oem").symlink_to("/nonexistent/volume")
    else:
        (tmp_path / "trust" / "oem").write_text("no folder")
    with pytest.raises(AnchorsUnusable, match=r"CCP_TRUST_DIR: .*/trust/oem cannot be read: "):
        trusted_at_start(settings, at=NOW)
