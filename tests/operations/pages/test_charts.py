"""Bar charts: every number where it belongs, to scale, between round ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccp.operations.pages.charts import Chart, stacked_bars

NUMBERS = st.one_of(st.just(0), st.integers(1, 20), st.integers(0, 10**9))
DRAWN = st.integers(1, 40).flatmap(
    lambda columns: st.lists(
        st.lists(NUMBERS, min_size=columns, max_size=columns), min_size=1, max_size=5
    )
)


def draw(*series: list[int]) -> Chart:
    """A chart of the series 0, 1 ..., whose categories are called by their numbers."""
    names = [f"category {number}" for number in range(len(series[0]))]
    return stacked_bars(
        names, {f"series {number}": row for number, row in enumerate(series)}, labels=names
    )


@given(DRAWN)
def test_every_number_is_a_bar_to_scale(series: list[list[int]]) -> None:
    """One of each number that is not 0, stacked without gaps, and as high as its share."""
    chart = draw(*series)
    place = (Chart.right - Chart.left) / len(series[0])
    most = max(map(sum, zip(*series, strict=True)))
    (bottom, top), *_ = [(chart.levels[0].at, chart.levels[-1].at)]
    values = [_value(level.label) for level in chart.levels]
    bars = iter(chart.bars)
    for position, column in enumerate(zip(*series, strict=True)):
        y = Chart.bottom
        for index, number in enumerate(column):
            if not number:
                continue
            bar = next(bars)
            assert bar.series == index
            assert bar.title == f"category {position}: series {index} {number}"
            assert Chart.left + place * position < bar.x
            assert bar.x + bar.width < Chart.left + place * (position + 1)
            assert bar.y + bar.height == pytest.approx(y, abs=0.02)
            right = number * (bottom - top) / values[-1]
            assert bar.height == pytest.approx(max(right, 1), abs=0.01)
            y = bar.y
        assert y > Chart.top - len(column) - 1
    assert next(bars, None) is None
    assert values[-1] >= most


def _value(label: str) -> float:
    factor = {"k": 10**3, "M": 10**6, "G": 10**9}.get(label[-1], 1)
    return float(label.rstrip("kMG")) * factor


@given(DRAWN)
def test_levels_are_few_round_and_evenly_apart(series: list[list[int]]) -> None:
    """From 0 up to what the highest bar needs, and not a step further."""
    chart = draw(*series)
    values = [_value(level.label) for level in chart.levels]
    step = values[1]
    assert values == pytest.approx([step * number for number in range(len(values))])
    assert 2 <= len(values) <= 6
    assert float(f"{step:.0e}"[0]) in (1, 2, 5)
    assert step == int(step)
    assert chart.levels[0].at == Chart.bottom
    assert chart.levels[-1].at == pytest.approx(Chart.top)
    most = max(map(sum, zip(*series, strict=True)))
    assert values[-2] < max(most, 1)


@pytest.mark.parametrize(
    ("most", "levels"),
    [
        (0, "0 1"),
        (1, "0 1"),
        (7, "0 2 4 6 8"),
        (10, "0 2 4 6 8 10"),
        (478, "0 100 200 300 400 500"),
        (1001, "0 500 1k 1.5k"),
        (1_000_000, "0 200k 400k 600k 800k 1M"),
        (2_100_000_000, "0 500M 1G 1.5G 2G 2.5G"),
    ],
)
def test_levels_are_those_that_people_expect(most: int, levels: str) -> None:
    """With few characters, so that they have room on a phone."""
    assert " ".join(level.label for level in draw([0, most]).levels) == levels


@pytest.mark.parametrize(("columns", "shown"), [(1, 1), (7, 7), (8, 4), (24, 6), (25, 7), (40, 7)])
def test_as_many_labels_as_have_room(columns: int, shown: int) -> None:
    """Evenly apart, below the middle of their bars, and the first one among them."""
    chart = draw([3] * columns)
    assert len(chart.labels) == shown
    every = -(-columns // 7)
    for number, label in enumerate(chart.labels):
        bar = chart.bars[number * every]
        assert label.label == f"category {number * every}"
        assert label.at == pytest.approx(bar.x + bar.width / 2, abs=0.02)


def test_what_is_drawn_is_said_in_words_too() -> None:
    """All numbers, their sums, and the most of them."""
    chart = draw([1, 5, 0], [0, 7, 2])
    assert chart.rows == [("category 0", (1, 0)), ("category 1", (5, 7)), ("category 2", (0, 2))]
    assert (chart.series, chart.totals) == (["series 0", "series 1"], [6, 9])
    assert chart.summary == "The most is 12, category 1."
    assert draw([0, 0]).summary == "All are 0."


def test_series_that_do_not_fit_are_a_mistake() -> None:
    """One number of each for every category."""
    with pytest.raises(ValueError, match="shorter"):
        stacked_bars(["a", "b"], {"one": [1, 2], "two": [1]}, labels=["a", "b"])
