"""What becomes of a handler's answers and errors in an operation of another spec."""

import pytest

from ccp.domain.errors import BadRequest, ContractNotFound, ContractsOfPcidNotFound
from ccp.web.translation import Translation


def shouted(body):
    """A body in other words."""
    return {name.upper(): value for name, value in body.items()}


TRANSLATION = Translation(
    "x", body=shouted, instead_of_errors={ContractsOfPcidNotFound: {"NONE": 0}}
)


def test_untranslated_is_as_it_is():
    """An operation of OPNC itself is what its handler says."""
    plain, body, error = Translation("x"), {"a": 1}, ContractNotFound()
    assert plain.arguments(body) is body
    assert plain.answer(body, 200) == (body, 200)
    assert plain.answer(None, 201) == (None, 201)
    with pytest.raises(ContractNotFound) as raised:
        plain.error(error)
    assert (raised.value, raised.value.body) == (error, {})


def test_bodies_are_translated():
    """That of an answer, with its status, and what an error brings along besides its messages."""
    error = BadRequest("why", headers={"X": "y"})
    error.body = {"a": 1}
    assert TRANSLATION.answer({"a": 1}, 201) == ({"A": 1}, 201)
    with pytest.raises(BadRequest) as raised:
        TRANSLATION.error(error)
    assert (raised.value, raised.value.body) == (error, {"A": 1})
    assert (error.messages, error.headers) == ([BadRequest.message, "why"], {"X": "y"})


def test_an_error_may_be_an_answer():
    """What one protocol calls not found, another one calls none; but no other error."""
    assert TRANSLATION.error(ContractsOfPcidNotFound()) == ({"NONE": 0}, 200)
    with pytest.raises(ContractNotFound):
        TRANSLATION.error(ContractNotFound())
