"""What a fault is, and what the faults of contracts and of requests have in common."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec

from ccp.errors import CcpError, SignatureInvalid
from ccp.workshop.car import RequestDraft
from ccp.workshop.certificates import Chain, key_usage, new_key
from ccp.workshop.cps import ContractDraft
from ccp.workshop.misissued import with_leaf

Draft = TypeVar("Draft", ContractDraft, RequestDraft)

VALUE_IS_WRONG = "The SignatureValue is not the signer's for this SignedInfo."


@dataclass(frozen=True, slots=True)
class Fault(Generic[Draft]):
    """
    Something wrong, made on purpose, and what a pool has to say of it.

    A fault is a draft with something replaced; all else stays right, so that nothing but the fault
    can be the reason to refuse it.

    Attributes:
        meaning: What is wrong, in one line.
        error: What a strict pool answers.
        told: A part of one of its messages that names the fault.
        spoil: Makes a draft wrong.
    """

    name: str
    meaning: str
    error: type[CcpError]
    told: str
    spoil: Callable[[Draft], Draft]


def signature_fault(
    name: str, meaning: str, told: str, spoil: Callable[[Draft], Draft]
) -> Fault[Draft]:
    """A fault that makes the signature invalid."""
    return Fault(name, meaning, SignatureInvalid, told, spoil)


def replaced(**changes: Any) -> Callable[[Draft], Draft]:
    """Replace fields of a draft."""
    return lambda draft: replace(draft, **changes)


def after(change: Callable[..., Any]) -> Callable[[Draft], Draft]:
    """Change the message after it was signed."""
    return replaced(tamper=change)


def before(change: Callable[..., Any]) -> Callable[[Draft], Draft]:
    """Change SignedInfo before it is signed."""
    return replaced(alter_signed_info=change)


def other_signer(draft: Draft) -> Draft:
    """Sign with a key that no certificate has."""
    return replace(draft, signing_key=new_key())


def p384(chain: Chain, _: object) -> Chain:
    """Give the leaf a key on another curve."""
    return with_leaf(chain, key=new_key(ec.SECP384R1()))


def agrees_only(chain: Chain, _: object) -> Chain:
    """Let the leaf's key not sign."""
    return with_leaf(chain, usage=key_usage(agrees=True))
