"""What a pool has, in the simplest words; a real one is held against it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Contract:
    """A contract of ISO 15118-2, under the one V2G root that there is here."""

    emaid: str
    pcid: str
    message: str
    is_default: bool


@dataclass(frozen=True)
class Contents:
    """
    All that a pool has; a change gives another one, None stands for a refusal.

    It has the rules of the OPNC CCP API, and nothing of how the pool keeps to them.
    """

    contracts: frozenset[Contract] = frozenset()

    def find(self, emaid: str) -> Contract | None:
        """An EMAID is one contract."""
        return next((one for one in self.contracts if one.emaid == emaid), None)

    def of_car(self, pcid: str) -> list[Contract]:
        """A car may have several."""
        return [one for one in self.contracts if one.pcid == pcid]

    def put(self, emaid: str, pcid: str, message: str) -> "Contents | None":
        """The first contract of a car becomes its default; a replaced one stays what it was."""
        there = self.find(emaid)
        if there is None:
            first = not self.of_car(pcid)
            return self._with(Contract(emaid, pcid, message, is_default=first))
        if there.pcid != pcid:
            return None
        return self._with(replace(there, message=message))

    def set_default(self, emaid: str, pcid: str) -> "Contents | None":
        """A car has one default."""
        there = self.find(emaid)
        if there is None or there.pcid != pcid:
            return None
        others = [replace(one, is_default=False) for one in self.of_car(pcid)]
        return self._with(*others, replace(there, is_default=True))

    def delete(self, emaid: str) -> "Contents | None":
        """No other contract becomes the default."""
        there = self.find(emaid)
        return None if there is None else Contents(self.contracts - {there})

    def _with(self, *changed: Contract) -> "Contents":
        by_emaid = {one.emaid: one for one in [*self.contracts, *changed]}
        return Contents(frozenset(by_emaid.values()))

    def __iter__(self) -> Iterator[Contract]:
        return iter(self.contracts)
