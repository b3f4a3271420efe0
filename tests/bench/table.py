"""The final table: what was measured, what it should be, and whether it is."""

import operator
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.bench.figures import Figure

_HOLDS = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}


@dataclass(frozen=True, slots=True)
class Goal:
    """
    What a median should be.

    Attributes:
        sign: One of >=, >, <= and <.
    """

    sign: str
    number: float

    def is_met(self, figure: Figure) -> bool:
        """Tell whether the median is as it should be."""
        return bool(_HOLDS[self.sign](figure.median, self.number))

    def __str__(self) -> str:
        return f"{self.sign} {self.number:g}"


@dataclass(frozen=True, slots=True)
class Row:
    """
    One line of the table.

    Attributes:
        what: Was measured, with its unit.
        figure: None where it could not be measured.
        goal: None where there is none.
        skipped: Why it could not be measured.
    """

    what: str
    figure: Figure | None
    goal: Goal | None = None
    skipped: str = ""

    @property
    def verdict(self) -> str:
        """Say met or missed, or nothing where there is no goal or no figure."""
        if self.figure is None or self.goal is None:
            return ""
        return "met" if self.goal.is_met(self.figure) else "missed"


@dataclass(slots=True)
class Report:
    """
    All that a run has found.

    Attributes:
        details: What else was measured, by part, for the JSON file.
    """

    rows: list[Row] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def add(self, what: str, values: Iterable[float], goal: Goal | None = None) -> None:
        """Add a row of what was measured, with a value for each round."""
        self.rows.append(Row(what, Figure.of(list(values)), goal))

    def skip(self, what: str, why: str, goal: Goal | None = None) -> None:
        """Add a row that says why there is no figure."""
        self.rows.append(Row(what, None, goal, why))


def write_table(rows: Iterable[Row]) -> str:
    """Write rows under one another, with a line of headings."""
    lines = [f"{'':66}{'median':>9}{'min':>9}{'max':>9}  {'goal':8}", "-" * 110]
    for row in rows:
        goal = str(row.goal or "")
        if row.figure is None:
            lines.append(f"{row.what:66}{'skipped':>9}: {row.skipped}")
        else:
            numbers = (row.figure.median, row.figure.low, row.figure.high)
            columns = "".join(f"{_short(number):>9}" for number in numbers)
            lines.append(f"{row.what:66}{columns}  {goal:8}{row.verdict}".rstrip())
    return "\n".join(lines)


def _short(number: float) -> str:
    return f"{number:.2f}" if number < 100 else f"{number:.0f}"
