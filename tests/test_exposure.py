"""Protected mode: which settings let a pool serve others, decided without a server."""

import dataclasses

import pytest

from ccp.exposure import require_safe_exposure
from ccp.settings import Settings, SettingsInvalid


def exposed(host: str, *, verifies: bool = False, jwt: bool = False, **said: str) -> bool:
    """Whether a pool on *host* starts, with these variables given and V2G anchors or none."""
    settings = Settings.from_environment({f"CCP_{name}": value for name, value in said.items()})
    if jwt:
        settings = dataclasses.replace(settings, auth="jwt")
    try:
        require_safe_exposure(settings, [host], verifies=verifies)
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
    assert not exposed(host, verifies=True)
    assert exposed(host, AUTH="none", CHECKS="lab")
    assert exposed(host, AUTH="none", verifies=True)


@pytest.mark.parametrize("host", ["0.0.0.0", "socket /run/pool.sock"])  # noqa: S104
def test_a_pool_that_asks_and_verifies_may_be_reached(host: str) -> None:
    """With tokens and V2G anchors nothing has to be said; tokens alone verify no contract."""
    assert exposed(host, jwt=True, verifies=True)
    assert not exposed(host, jwt=True)
    assert not exposed(host, jwt=True, CHECKS="strict")
    assert exposed(host, jwt=True, CHECKS="lab")
