"""Findings: facts for the log, collected where they are found and logged by the caller."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Finding:
    """
    A log line that is not written yet.

    Attributes:
        text: A short stable phrase, the event of the log line.
        level: A level of the module `logging`.
        facts: The fields of the line. They identify neither a contract nor a car.
    """

    text: str
    level: int = logging.WARNING
    facts: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        facts = ", ".join(f"{name} {value}" for name, value in self.facts.items())
        return f"{self.text} ({facts})" if facts else self.text


def log_findings(findings: Iterable[Finding]) -> None:
    """Write one log line for each finding."""
    for finding in findings:
        log.log(finding.level, finding.text, **finding.facts)
