"""What the tests of peers need."""

import pytest

from tests.ticks import Ticks


@pytest.fixture
def ticks() -> Ticks:
    """A clock that stands still."""
    return Ticks()
