"""What many tests need: a pool in a folder of its own, at a moment when its contracts are valid."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from starlette.testclient import TestClient

from ccp.app import create_app, make_services
from ccp.clients.clients import Clients
from ccp.config.settings import Settings
from ccp.policy.services import Services
from ccp.store import Store
from tests.builders import NOW
from tests.contract.conformance import conforming_client
from tests.iso15118.exificient import Exificient, has_java

# Every run draws the same examples, so that no test fails by chance; `make proof` draws others, by
# `--hypothesis-profile=explore`. No example has a deadline: some machines are slow.
_AT_ANY_SPEED = settings(
    deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("repeat", _AT_ANY_SPEED, derandomize=True, database=None)
settings.register_profile("explore", _AT_ANY_SPEED, max_examples=500)
settings.load_profile("repeat")


def make_settings(folder: Path, **variables: str) -> Settings:
    """
    Settings of a pool whose database is in *folder*; *variables* without their prefix.

    Without the facade, which takes a third of the time that an app takes to start.
    """
    given = {f"CCP_{name.upper()}": value for name, value in variables.items()}
    (folder / "trust").mkdir(exist_ok=True)
    here = {
        "CCP_DATABASE_URL": f"sqlite:///{folder}/ccp.db",
        "CCP_TRUST_DIR": f"{folder}/trust",
        "CCP_OPCP": "off",
    }
    return Settings.from_environment({**here, **given})


@pytest.fixture(scope="session")
def exificient() -> Iterator[Exificient]:
    """The independent EXI codec; what asks it is skipped where there is no Java."""
    if not has_java:
        pytest.skip("EXIficient needs Java")
    oracle = Exificient()
    yield oracle
    oracle.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    store = Store(tmp_path / "ccp.db")
    yield store
    store.close()


@pytest.fixture
def services(tmp_path: Path, store: Store) -> Services:
    """What a handler of a strict pool is given; the clock stands at NOW."""
    return make_services(make_settings(tmp_path), store, lambda: NOW, Clients())


@pytest.fixture
def lab_services(tmp_path: Path, store: Store) -> Services:
    """The same of a pool in lab mode, on the same store."""
    return make_services(make_settings(tmp_path, checks="lab"), store, lambda: NOW, Clients())


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """A strict pool over HTTP; every answer is held against the spec."""
    app = create_app(make_settings(tmp_path), clock=lambda: NOW)
    with conforming_client(app) as client:
        yield client


@pytest.fixture
def lab_client(tmp_path: Path) -> Iterator[TestClient]:
    """A pool in lab mode over HTTP, today; every answer is held against the spec."""
    app = create_app(make_settings(tmp_path, checks="lab"), clock=lambda: datetime.now(UTC))
    with conforming_client(app, lab=True) as client:
        yield client
