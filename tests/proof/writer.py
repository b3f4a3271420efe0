"""A client that writes, remembers what was acknowledged, and holds the pool to it."""

import random

import httpx2

from tests.builders import VALID_TODAY, b64, installation_res
from tests.proof.calls import Call, Delete, Get, ListOfCar, Put, SetDefault
from tests.proof.contents import Contents

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
        self._messages = {
            emaid: [b64(installation_res(emaid, **VALID_TODAY)) for _ in range(2)]
            for emaid in self._emaids
        }
        self.contents = Contents()
        self.instead: Contents | None = None
        self.acknowledged = 0

    def write_until_it_breaks(self, client: httpx2.Client) -> None:
        """Write one thing after the other, until an answer does not come."""
        try:
            while True:
                self._write(client)
        except httpx2.TransportError:
            return

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

    def _write(self, client: httpx2.Client) -> None:
        call = self._draw()
        self.instead, expected = call.apply(self.contents)
        assert call.send(client) == expected, call
        self.contents, self.instead = self.instead, None
        self.acknowledged += 1

    def _draw(self) -> Call:
        """Draw a write that the pool does not refuse."""
        emaid = self._random.choice(self._emaids)
        if self.contents.find(emaid) is None or self._random.random() < 0.5:
            return Put(emaid, self.pcid, self._random.choice(self._messages[emaid]))
        if self._random.random() < 0.5:
            return SetDefault(emaid, self.pcid)
        return Delete(emaid)
