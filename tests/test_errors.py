"""The errors a caller can be told."""

import pytest

from ccp import errors
from ccp.iso15118 import failure_res
from tests.contract.conformance import SPEC

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.CcpError) and hasattr(kind, "status")
]


def test_messages_are_told_once() -> None:
    """The contract wants the messages of an error unique."""
    error = errors.ExiInvalid("a", "b", "a")
    error.add_messages(["b", "EXI format is invalid!", "c"])
    assert error.messages == ["EXI format is invalid!", "a", "b", "c"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_of_the_spec(kind: type[errors.CcpError]) -> None:
    """No error can be raised that the spec does not document for some operation."""
    documented = {
        status
        for operations in SPEC["paths"].values()
        for operation in operations.values()
        if "responses" in operation
        for status in operation["responses"]
    }
    assert str(kind.status) in documented


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_a_response_code_that_a_message_can_carry(
    kind: type[errors.CcpError],
) -> None:
    """The ISO 15118-2 code of an error is one of the schema's."""
    assert failure_res(b"\0", kind.iso2_code)
