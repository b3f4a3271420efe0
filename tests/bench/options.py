"""What a run was told."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """
    How much to measure.

    Attributes:
        folder: For what is needed while it runs, on the disk that databases are on.
        rounds: How often everything is measured.
        seconds: How long each measurement takes.
        connections: How many are open at the same time, in one measurement after the other.
        sizes: Of pools, in contracts, the smallest first.
    """

    folder: Path
    rounds: int
    seconds: int
    connections: tuple[int, ...]
    sizes: tuple[int, ...]
