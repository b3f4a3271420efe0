"""Linearizability: calls that overlap have to be answered as if made one after the other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from tests.proof.calls import Answer, Call
from tests.proof.contents import Contents


@dataclass(frozen=True)
class Answered:
    """A call, its answer, and when it was begun and had ended, on one clock."""

    call: Call
    answer: Answer
    begun: float
    ended: float


def outcomes(before: Iterable[Contents], history: Sequence[Answered]) -> set[Contents]:
    """
    All contents that may be there after some calls, each of which took effect in an instant.

    That instant lies between its beginning and its end (Herlihy and Wing, 1990): of two calls that
    did not overlap, the first came first. Every order that this allows is tried.

    Args:
        before: What may have been there before them.
    Returns: None at all, if there is no order in which the answers are right.
    """

    @cache
    def after(contents: Contents, left: frozenset[int]) -> frozenset[Contents]:
        if not left:
            return frozenset([contents])
        first_end = min(history[number].ended for number in left)
        found: frozenset[Contents] = frozenset()
        for number in left:
            if history[number].begun <= first_end:
                changed, answer = history[number].call.apply(contents)
                if answer == history[number].answer:
                    found |= after(changed, left - {number})
        return found

    everything = frozenset(range(len(history)))
    return {end for contents in before for end in after(contents, everything)}
