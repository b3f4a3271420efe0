"""What the tests of the EXI codec share."""

from collections.abc import Iterator

import pytest

from tests.iso15118.exificient import Exificient, has_java


@pytest.fixture(scope="session")
def exificient() -> Iterator[Exificient]:
    """The independent judge; its tests are skipped where there is no Java."""
    if not has_java:
        pytest.skip("EXIficient needs Java")
    oracle = Exificient()
    yield oracle
    oracle.close()
