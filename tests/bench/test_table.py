"""The final table: goals, and what it says where there is no figure."""

import pytest

from tests.bench.figures import Figure
from tests.bench.table import Goal, Report, write_table


@pytest.mark.parametrize(
    ("goal", "median", "verdict"),
    [
        (Goal(">=", 1.8), 1.8, "met"),
        (Goal(">=", 1.8), 1.79, "missed"),
        (Goal(">", 1), 1.0, "missed"),
        (Goal("<", 300), 300.0, "missed"),
        (Goal("<=", 1.2), 1.2, "met"),
    ],
    ids=str,
)
def test_the_median_meets_the_goal_or_misses_it(goal: Goal, median: float, verdict: str) -> None:
    """However far the rounds are apart."""
    report = Report()
    report.add("speed", [0, median, 1000], goal)
    assert report.rows[0].figure == Figure(median, 0, 1000)
    assert report.rows[0].verdict == verdict
    assert write_table(report.rows).endswith(verdict)


def test_without_a_goal_nothing_is_met_or_missed() -> None:
    """Some rows only inform."""
    report = Report()
    report.add("speed", [12.345])
    assert report.rows[0].verdict == ""
    assert write_table(report.rows).split()[-4:] == ["speed", "12.35", "12.35", "12.35"]


def test_what_was_not_measured_says_why() -> None:
    """It is neither met nor missed."""
    report = Report()
    report.skip("times Prism", "there is no node", Goal(">", 1))
    assert report.rows[0].verdict == ""
    assert write_table(report.rows).endswith("skipped: there is no node")
