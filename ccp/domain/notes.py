"""What is worth a line in the log, as a value: told by whoever acts, not by whoever finds it."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Note:
    """
    A line that is not written yet.

    Attributes:
        text: What has been found; the same each time.
        level: Of the log.
        facts: Its values, by name; of no contract and no car.
    """

    text: str
    level: int = logging.WARNING
    facts: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        facts = ", ".join(f"{name} {value}" for name, value in self.facts.items())
        return f"{self.text} ({facts})" if facts else self.text


def tell(notes: Iterable[Note]) -> None:
    """Write the lines."""
    for note in notes:
        log.log(note.level, note.text, **note.facts)
