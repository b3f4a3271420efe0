"""Protected mode: which settings let a pool serve others, decided without a server."""

from dataclasses import replace

import pytest

from ccp.config.settings import AnchorsUnusable, Settings, SettingsInvalid
from ccp.pki.anchors import Anchors, load_x509
from ccp.pki.certificates import read_certificate
from ccp.server.protected_mode import (
    require_no_kind_lost,
    require_safe_exposure,
    require_table_not_lost,
)
from ccp.trust.folder import KINDS, Trust
from ccp.trust.provider_table import ProviderTable
from ccp.workshop.bad_certificates import future, past
from ccp.workshop.certificates import Identity, Validity, reissue
from tests.builders import NOW
from tests.trusted import pki

BOTH = Trust(v2g=Anchors(configured=True), oem=Anchors(configured=True))
NONE = Trust()


def exposed(host: str, trust: Trust = NONE, *, jwt: bool = False, **said: str) -> bool:
    """Whether a pool on *host* starts, with these variables given and these anchors."""
    settings = Settings.from_environment({f"CCP_{name}": value for name, value in said.items()})
    if jwt:
        settings = replace(settings, auth="jwt")
    try:
        require_safe_exposure(settings, [host], trust)
    except SettingsInvalid:
        return False
    return True


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback_needs_nothing_said(host: str) -> None:
    """On a loopback address a pool serves whoever is on the machine."""
    assert exposed(host)


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "192.168.0.7", "pool.example", "0", "", "socket /run/pool.sock"],  # noqa: S104
)
def test_the_world_is_not_served_by_accident(host: str) -> None:
    """Only what an operator has said in so many words opens a pool; a default does not count."""
    assert not exposed(host)
    assert not exposed(host, AUTH="none")
    assert not exposed(host, AUTH="none", CHECKS="strict")
    assert not exposed(host, CHECKS="lab")
    assert not exposed(host, BOTH)
    assert exposed(host, AUTH="none", CHECKS="lab")
    assert exposed(host, BOTH, AUTH="none")


@pytest.mark.parametrize("host", ["0.0.0.0", "socket /run/pool.sock"])  # noqa: S104
def test_a_pool_that_asks_and_verifies_may_be_reached(host: str) -> None:
    """With tokens and V2G anchors nothing has to be said; tokens alone verify no contract."""
    assert exposed(host, BOTH, jwt=True)
    assert not exposed(host, jwt=True)
    assert not exposed(host, jwt=True, CHECKS="strict")
    assert exposed(host, jwt=True, CHECKS="lab")


@pytest.mark.parametrize("host", ["0.0.0.0", "socket /run/pool.sock"])  # noqa: S104
def test_require_safe_exposure_without_oem_anchors_has_to_be_waived(host: str) -> None:
    """V2G anchors verify no car: the setting waives them, or lab mode; a default does not."""
    v2g_alone = Trust(v2g=BOTH.v2g, emsp=Anchors(configured=True))
    assert not exposed(host, v2g_alone, jwt=True)
    assert not exposed(host, v2g_alone, AUTH="none")
    assert not exposed(host, v2g_alone, jwt=True, OEM_ANCHORS="required")
    assert exposed(host, v2g_alone, jwt=True, OEM_ANCHORS="optional")
    assert exposed(host, v2g_alone, jwt=True, CHECKS="lab")
    assert exposed("127.0.0.1", v2g_alone)
    assert not exposed(host, Trust(oem=BOTH.oem), jwt=True, OEM_ANCHORS="optional")


def test_require_safe_exposure_without_oem_anchors_names_the_setting() -> None:
    """The error says what is missing, and which setting waives it."""
    settings = Settings.from_environment({"CCP_AUTH": "none"})
    with pytest.raises(SettingsInvalid, match=r"OEM trust anchors .* CCP_OEM_ANCHORS=optional"):
        require_safe_exposure(settings, ["0.0.0.0"], Trust(v2g=BOTH.v2g))  # noqa: S104


def anchors_of(root: Identity, *, validity: Validity | None = None) -> Anchors:
    """Anchors of one root, which is issued again where a validity is given."""
    if validity:
        root = reissue(root, root, validity=validity)
    return Anchors((load_x509(read_certificate(root.der, "root")),), configured=True)


ALL = Trust(
    v2g=anchors_of(pki().v2g_root("A")),
    emsp=anchors_of(pki().emsp.root),
    oem=anchors_of(pki().oem.root),
)


@pytest.mark.parametrize("kind", KINDS)
def test_require_no_kind_lost_kind_gone_or_unusable_is_refused(kind: str) -> None:
    """Gone, broken, expired, not valid yet, or sub-CAs alone: each is refused, and named."""
    root = {"v2g": pki().v2g_root("A"), "emsp": pki().emsp.root, "oem": pki().oem.root}[kind]
    for after in (
        Anchors(),
        Anchors(configured=True),
        anchors_of(root, validity=past(NOW)),
        anchors_of(root, validity=future(NOW)),
        anchors_of(pki().oem.sub_1),
    ):
        with pytest.raises(AnchorsUnusable, match=kind):
            require_no_kind_lost(ALL, replace(ALL, **{kind: after}), at=NOW)


def test_require_no_kind_lost_other_anchors_are_taken() -> None:
    """A new root, a new kind, one of two roots less; and what was unusable before is not missed."""
    other = anchors_of(pki().v2g_root("B"))
    require_no_kind_lost(ALL, replace(ALL, v2g=other), at=NOW)
    require_no_kind_lost(replace(ALL, v2g=ALL.v2g + other), ALL, at=NOW)
    require_no_kind_lost(NONE, ALL, at=NOW)
    require_no_kind_lost(NONE, NONE, at=NOW)
    expired = anchors_of(pki().oem.root, validity=past(NOW))
    require_no_kind_lost(replace(ALL, oem=expired), replace(ALL, oem=expired), at=NOW)
    with pytest.raises(AnchorsUnusable, match="no oem anchors any more"):
        require_no_kind_lost(replace(ALL, oem=expired), replace(ALL, oem=Anchors()), at=NOW)


def test_require_table_not_lost_only_an_empty_table_in_place_of_another_is_refused() -> None:
    """An operator may remove single entries; a file that vanishes or is cut binds nothing."""
    one = ProviderTable({"a" * 64: frozenset({"DEABC"})})
    with pytest.raises(AnchorsUnusable, match=r"emsp\.toml is not there any more"):
        require_table_not_lost(one, ProviderTable())
    require_table_not_lost(one, ProviderTable({"b" * 64: frozenset()}))
    require_table_not_lost(ProviderTable(), one)
    require_table_not_lost(ProviderTable(), ProviderTable())
