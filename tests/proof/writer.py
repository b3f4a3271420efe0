"""A client that reads and writes, remembers what was acknowledged, and holds the pool to it."""

import random
from functools import partial

import httpx2

from tests.proof.calls import Call, Delete, Get, Install, ListOfCar, LookUp, Put, SetDefault
from tests.proof.contents import Contents
from tests.proof.machine import message, request

CONTRACTS = 3


class Writer:
    """
    One client with one car of its own.

    Args:
        number: Of the client; ids are made of it.
        seed: Of what it does.

    Attributes:
        contents: What was acknowledged.
        instead: What the pool may have instead, where the last answer never came.
        acknowledged: How many writes were.
    """

    def __init__(self, number: int, seed: int) -> None:
        self.pcid = f"WAUZZZ4B0CC{number:06}"
        self._random = random.Random(f"{seed}/{number}")  # noqa: S311 - to be repeated
        self._emaids = [f"DEICE{number:05}{n:04}" for n in range(CONTRACTS)]
        # A contract may be put with either of two messages.
        self._messages = {emaid: [message(emaid, n) for n in range(2)] for emaid in self._emaids}
        self._request = request(self.pcid)
        self.contents = Contents()
        self.instead: Contents | None = None
        self.acknowledged = 0

    def call_until_it_breaks(self, client: httpx2.Client) -> None:
        """Call one thing after the other, until an answer does not come."""
        try:
            while True:
                self.call(client)
        except httpx2.TransportError:
            return

    def call(self, client: httpx2.Client) -> None:
        """Read or write something; the answer has to be that of the contents."""
        call = self._draw()
        self.instead, expected = call.apply(self.contents)
        assert call.send(client) == expected, call
        self.acknowledged += self.instead is not self.contents
        self.contents, self.instead = self.instead, None

    def verify(self, client: httpx2.Client) -> None:
        """Hold the pool to what it has acknowledged: that, and nothing half."""
        allowed = [self.contents] if self.instead is None else [self.contents, self.instead]
        looks = [ListOfCar(self.pcid), *(Get(emaid, self.pcid) for emaid in self._emaids)]
        answers = [look.send(client) for look in looks]
        explaining = [
            contents
            for contents in allowed
            if answers == [look.apply(contents)[1] for look in looks]
        ]
        assert explaining, (answers, allowed)
        self.contents, self.instead = explaining[0], None

    def _draw(self) -> Call:
        """Draw any operation; more often a write than each of the others."""
        emaid = self._random.choice(self._emaids)
        put = partial(Put, emaid, self.pcid, self._random.choice(self._messages[emaid]))
        if self.contents.find(emaid) is None:
            return put()
        draws = [
            put,
            put,
            partial(SetDefault, emaid, self.pcid),
            partial(Delete, emaid),
            partial(Get, emaid, self.pcid),
            partial(LookUp, emaid),
            partial(ListOfCar, self.pcid),
            partial(Install, self.pcid, self._request),
        ]
        return self._random.choice(draws)()
