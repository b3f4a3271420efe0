"""What a fault is, and what the faults of contracts and of requests have in common."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from ccp.domain.errors import CcpError
from ccp.workshop.bad_certificates import with_leaf
from ccp.workshop.car import RequestDraft
from ccp.workshop.certificates import Chain, key_usage
from ccp.workshop.cps import ContractDraft
from ccp.workshop.profiles import new_key

Draft = TypeVar("Draft", ContractDraft, RequestDraft)


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
        apply_fault: Makes a draft wrong.
    """

    name: str
    meaning: str
    error: type[CcpError]
    told: str
    apply_fault: Callable[[Draft], Draft]


def replaced(**changes: Any) -> Callable[[Draft], Draft]:
    """Replace fields of a draft."""
    return lambda draft: replace(draft, **changes)


def after(change: Callable[..., Any]) -> Callable[[Draft], Draft]:
    """Change the message after it was signed."""
    return replaced(tamper=change)


def before(change: Callable[..., Any]) -> Callable[[Draft], Draft]:
    """Change SignedInfo before it is signed."""
    return replaced(alter_signed_info=change)


def on_wrong_curve(chain: Chain, draft: ContractDraft | RequestDraft) -> Chain:
    """Give the leaf a key on a curve that its edition does not know."""
    return with_leaf(chain, key=new_key(draft.edition.wrong_curve))


def agrees_only(chain: Chain, _: object) -> Chain:
    """Let the leaf's key not sign."""
    return with_leaf(chain, usage=key_usage(agrees=True))


def by_name(faults: Iterable[Fault[Draft]]) -> Mapping[str, Fault[Draft]]:
    """The faults by their names."""
    return {fault.name: fault for fault in faults}
