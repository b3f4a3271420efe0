"""Contracts of the benchmark: their names, and the file that they are kept in."""

from pathlib import Path

from ccp.domain.identifiers import Emaid, Pcid
from tests.bench.contracts import (
    APART,
    CARS,
    Contract,
    emaid_of,
    load_contracts,
    pcid_of,
    save_contracts,
)


def test_names_can_be_parsed() -> None:
    """The first one and the last one."""
    for number in (0, CARS * APART - 1):
        assert Emaid.parse(emaid_of(number)).text == emaid_of(number)
        assert Pcid.parse(pcid_of(number)).text == pcid_of(number)


def test_contracts_are_kept_as_they_are(tmp_path: Path) -> None:
    """Bytes and all."""
    contracts = [Contract(emaid_of(7), pcid_of(7), "ab" * 32, b"\x80\x98res", b"\x80\x98req")]
    save_contracts(tmp_path / "contracts.json", contracts)
    assert load_contracts(tmp_path / "contracts.json") == contracts
