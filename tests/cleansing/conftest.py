"""A pool and PKIs of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccp.store import Store
from tests.cleansing.world import World
from tests.clients.scripted import Says, scripted


@pytest.fixture
def world(tmp_path: Path, store: Store) -> Iterator[World]:
    """Certificates that name the service that answers for their CAs."""
    with scripted(Says(500)) as service:
        yield World(tmp_path, store, service)
