"""What several measurements of the same thing say: their median, and how far they are apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self


@dataclass(frozen=True, slots=True)
class Figure:
    """A median with the least and the greatest value beside it, which show how sure it is."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Sum up one or more values."""
        return cls(median(values), min(values), max(values))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """
    Divide what was measured next to each other.

    What the machine does besides hits both of a round, so their ratio stays where values do not.

    Args:
        ours, theirs: A value for each round, in the same order; none of *theirs* is 0.
    """
    return [our / their for our, their in zip(ours, theirs, strict=True)]
