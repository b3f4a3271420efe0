"""The errors a caller can be told."""

from collections.abc import Iterator

import pytest

from ccp.domain import errors
from ccp.iso15118 import iso2_failure, iso20_failure
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


# Of a gateway in front of the pool.
NOT_OURS = "A service that is needed for this did not answer properly."


def test_the_spec_s_examples_are_what_the_pool_says() -> None:
    """The first message of each error example is an error's, or a violation in its form."""
    said = {kind.message for kind in KINDS} | {NOT_OURS}
    firsts = {messages[0] for messages in example_messages(SPEC)}
    assert len(firsts) > 15
    violations = {text for text in firsts if " : must match " in text or "SessionID" in text}
    assert firsts - violations <= said


def example_messages(node: object) -> Iterator[list[str]]:
    """All errorMessages in the spec's examples."""
    if isinstance(node, dict):
        messages = node.get("errorMessages")
        if isinstance(messages, list):
            yield messages
        for value in node.values():
            yield from example_messages(value)
    elif isinstance(node, list):
        for value in node:
            yield from example_messages(value)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_a_response_code_that_a_message_can_carry(
    kind: type[errors.CcpError],
) -> None:
    """The code of an error is one of the schema's, in both editions."""
    assert iso2_failure(b"\0", kind.iso2_code)
    assert iso20_failure(bytes(8), kind.iso20_code, time_stamp=0)


def test_only_a_wrong_signature_ends_the_session_of_a_car() -> None:
    """In ISO 15118-20 FAILED does; whatever else is wrong, the car may charge in another way."""
    failing = {kind for kind in KINDS if kind.iso20_code.startswith("FAILED")}
    assert failing == {errors.SignatureInvalid}
