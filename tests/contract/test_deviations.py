"""DEVIATIONS.md states each difference from the published contracts, and nothing else."""

import shutil
from pathlib import Path

import pytest

from tests.contract import differences
from tests.contract.differences import ABSENT, NAMES, ROOT, Difference, rows, stale, unstated

each_contract = pytest.mark.parametrize("name", NAMES)


@each_contract
def test_deviations_state_each_difference(name: str) -> None:
    """`python -m tests.contract.differences` prints those that have to be added."""
    assert unstated(name) == []


@each_contract
def test_deviations_state_nothing_that_is_no_difference(name: str) -> None:
    """A row, and each operation and place in it, is about something."""
    assert stale(name) == []


@each_contract
def test_deviations_give_a_reason_for_each_row(name: str) -> None:
    """There are rows, with reasons."""
    found = rows(name)
    assert len(found) > 20
    assert [row for row in found if not row.reason] == []


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        (
            "opnc-ccp",
            "maxLength: 18",
            "maxLength: 17",
            ("GET /contractData/pcid/{pcid}", "path pcid: maxLength", "18", "17"),
        ),
        (
            "opnc-ccp",
            "      minLength: 14\n",
            "",
            ("PUT /signedcontractdata", "request: emaid: minLength", "14", ABSENT),
        ),
        (
            "opnc-ccp",
            "/setdefault:",
            "/default:",
            (
                "POST /signedcontractdata/{emaid}/{pcid}/setdefault",
                "the operation itself",
                "an operation",
                ABSENT,
            ),
        ),
        (
            "opcp-ccp",
            "defaultContract:",
            "isDefault:",
            (
                "GET /v1/ccp/lookupContract/{emaid}",
                "200 body: XMLContracts: each: defaultContract",
                "a field",
                ABSENT,
            ),
        ),
    ],
    ids=["narrowed", "dropped", "moved", "renamed"],
)
def test_difference_that_is_not_stated_is_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    old: str,
    new: str,
    expected: tuple[str, ...],
) -> None:
    """A constraint that is narrowed or dropped, a path that moves, a field that is renamed."""
    shutil.copytree(ROOT / "spec", tmp_path / "spec")
    spec = tmp_path / "spec" / f"{name}.yaml"
    text = spec.read_text(encoding="utf-8")
    assert old in text
    spec.write_text(text.replace(old, new), encoding="utf-8")
    monkeypatch.setattr(differences, "ROOT", tmp_path)
    assert Difference(*expected) in unstated(name)
