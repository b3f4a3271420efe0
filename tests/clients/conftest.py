"""What the tests of peers need."""

import pytest

from tests.monotonic import Ticks


@pytest.fixture
def monotonic() -> Ticks:
    """A clock that stands still."""
    return Ticks()
