"""Figures: medians, spreads, and ratios by round."""

import pytest

from tests.bench.figures import Figure, ratios


def test_a_figure_is_the_median_between_the_extremes() -> None:
    """One value that is far off moves the spread, not the median."""
    assert Figure.of([3, 1, 90]) == Figure(median=3, low=1, high=90)


def test_one_value_has_no_spread() -> None:
    """What is measured once is its own median."""
    assert Figure.of([2.5]) == Figure(2.5, 2.5, 2.5)


def test_ratios_are_of_the_same_round() -> None:
    """A machine that is slow in one round is slow for both."""
    assert ratios([200, 100], [100, 50]) == [2, 2]


def test_rounds_have_to_be_as_many() -> None:
    """A round that one of both has missed is not passed over."""
    with pytest.raises(ValueError, match="shorter"):
        ratios([1, 2], [1])
