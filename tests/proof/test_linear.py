"""The judge of concurrency is right: it knows what can have happened, and what cannot."""

from tests.proof.calls import Delete, Get, ListOfCar, Put, SetDefault
from tests.proof.contents import Contents, Contract
from tests.proof.linear import Answered, outcomes

CAR = "WAUZZZ4B0CC100001"
A, B = "DEICELINE0000A", "DEICELINE0000B"
DONE, FOUND = (201, None), (200, None)
PUT_A, PUT_B = Put(A, CAR, "a"), Put(B, CAR, "b")
EMPTY = Contents()


def listed(**contracts: bool) -> tuple[int, frozenset[tuple[str, str, bool]]]:
    """The answer that lists these contracts, with whether each is the default."""
    emaids = {"a": A, "b": B}
    return 200, frozenset((emaids[name], CAR, default) for name, default in contracts.items())


def possible(*history: Answered, before: Contents = EMPTY) -> set[Contents]:
    """What may be there after these calls."""
    return outcomes([before], history)


def test_one_after_the_other() -> None:
    """Calls that do not overlap took effect in their order, and in no other."""
    first, second = Answered(PUT_A, DONE, 0, 1), Answered(PUT_B, DONE, 2, 3)
    expected = Contents(
        frozenset(
            {
                Contract(A, CAR, "a", is_default=True),
                Contract(B, CAR, "b", is_default=False),
            }
        )
    )
    assert possible(first, second) == possible(second, first) == {expected}


def test_overlapping_writes_happen_in_either_order() -> None:
    """As long as nobody has looked, both are possible; then one of them is."""
    at_once = [Answered(PUT_A, DONE, 0, 2), Answered(PUT_B, DONE, 1, 3)]
    assert len(possible(*at_once)) == 2
    for seen in (listed(a=True, b=False), listed(a=False, b=True)):
        assert len(possible(*at_once, Answered(ListOfCar(CAR), seen, 4, 5))) == 1


def test_two_defaults_and_none_are_impossible() -> None:
    """Two first contracts make one default, in whichever order."""
    at_once = [Answered(PUT_A, DONE, 0, 2), Answered(PUT_B, DONE, 1, 3)]
    for seen in (listed(a=True, b=True), listed(a=False, b=False)):
        assert not possible(*at_once, Answered(ListOfCar(CAR), seen, 4, 5))


def test_a_stale_answer_is_impossible() -> None:
    """What was acknowledged is seen by whoever asks later; while it is written it may be."""
    before = possible(Answered(PUT_A, DONE, 0, 1)).pop()
    newer = Put(A, CAR, "newer")
    old = Get(A, CAR), (200, "a")
    assert possible(Answered(newer, DONE, 2, 4), Answered(*old, 3, 5), before=before)
    assert not possible(Answered(newer, DONE, 2, 4), Answered(*old, 5, 6), before=before)


def test_a_lost_write_is_impossible() -> None:
    """A deletion that came after a write took it away, and no other one's answer says otherwise."""
    put, gone = Answered(PUT_A, DONE, 0, 1), Answered(Delete(A), FOUND, 2, 3)
    assert possible(put, gone) == {EMPTY}
    assert not possible(put, gone, Answered(SetDefault(A, CAR), FOUND, 4, 5))
    assert not possible(put, gone, Answered(Delete(A), FOUND, 2, 3))


def test_seen_and_unseen_again_is_impossible() -> None:
    """Two who look one after the other, while a write is on its way, see it in this order alone."""
    put = Answered(PUT_A, DONE, 0, 9)
    nothing, there = (404, None), listed(a=True)
    looks = [Answered(ListOfCar(CAR), nothing, 1, 2), Answered(ListOfCar(CAR), there, 3, 4)]
    assert possible(put, *looks)
    looks = [Answered(ListOfCar(CAR), there, 1, 2), Answered(ListOfCar(CAR), nothing, 3, 4)]
    assert not possible(put, *looks)
