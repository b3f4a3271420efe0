"""Bar charts: from numbers to what a template has to draw, in SVG's own units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

_MOST_STEPS = 5
_MOST_LABELS = 7  # as many months or hours as can be read side by side on a phone
_GAP = 0.2  # of a bar's place
_LEAST = 1.0  # what is there is seen, however little it is


@dataclass(frozen=True, slots=True)
class Tick:
    """
    A place on an axis, and what stands there.

    Attributes:
        at: x below the bars, y beside them.
    """

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """
    One number, as a rectangle.

    Attributes:
        series: Its place among the series.
        title: The number in words.
    """

    x: float
    y: float
    width: float
    height: float
    series: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """
    Bars side by side, each a stack of one number of each series, the first at the bottom.

    Attributes:
        series: Their names.
        rows: What is drawn: of each category its name and the numbers of the series.
        summary: A sentence for those who do not see it.
        levels: Round numbers, from 0 up.
        labels: Some categories, evenly apart.
        bars: Those of numbers above 0.
    """

    series: Sequence[str]
    rows: Sequence[tuple[str, Sequence[int]]]
    summary: str
    levels: Sequence[Tick]
    labels: Sequence[Tick]
    bars: Sequence[Bar]

    width: ClassVar[int] = 480
    height: ClassVar[int] = 240
    # Where bars are drawn; beside and below there is room for what stands on the axes.
    left: ClassVar[int] = 46
    right: ClassVar[int] = 472
    top: ClassVar[int] = 12
    bottom: ClassVar[int] = 206

    @property
    def totals(self) -> list[int]:
        """The sum of each series."""
        return [sum(numbers) for numbers in zip(*(row for _, row in self.rows), strict=True)]


def stacked_bars(
    categories: Sequence[str], series: Mapping[str, Sequence[int]], *, labels: Sequence[str]
) -> Chart:
    """
    Draw numbers as stacked bars.

    Args:
        categories: Names of the bars, from left to right; at least one.
        series: Numbers from 0 up by their names, one for each category.
        labels: What stands below a bar, one for each category; not all are shown.
    """
    columns = list(zip(*series.values(), strict=True))
    sums = [sum(column) for column in columns]
    most = max(sums)
    step = _step(most)
    top = max(-(-most // step), 1) * step
    place = (Chart.right - Chart.left) / len(categories)
    unit = (Chart.bottom - Chart.top) / top

    bars = []
    for position, (category, column) in enumerate(zip(categories, columns, strict=True)):
        y = float(Chart.bottom)
        for index, (name, number) in enumerate(zip(series, column, strict=True)):
            if number:
                tall = max(number * unit, _LEAST)
                y -= tall
                x = Chart.left + place * (position + _GAP / 2)
                title = f"{category}: {name} {number}"
                width = place * (1 - _GAP)
                bars.append(
                    Bar(round(x, 2), round(y, 2), round(width, 2), round(tall, 2), index, title)
                )
    every = -(-len(categories) // _MOST_LABELS)
    return Chart(
        series=list(series),
        rows=list(zip(categories, columns, strict=True)),
        summary=f"The most is {most}, {categories[sums.index(most)]}." if most else "All are 0.",
        levels=[
            Tick(round(Chart.bottom - level * unit, 2), _short(level))
            for level in range(0, top + 1, step)
        ],
        labels=[
            Tick(round(Chart.left + place * (position + 0.5), 2), label)
            for position, label in enumerate(labels)
            if position % every == 0
        ],
        bars=bars,
    )


def _step(most: int) -> int:
    """Give the least of 1, 2, 5, 10, 20, 50 ... that comes to *most* in few steps."""
    power = 1
    while True:
        for step in (power, 2 * power, 5 * power):
            if step * _MOST_STEPS >= most:
                return step
        power *= 10


def _short(number: int) -> str:
    """Write a round number with few characters."""
    for unit, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (1000, "k")):
        if number >= unit:
            return f"{number / unit:g}{letter}"
    return str(number)
