"""`ccp show`: the records of a contract, and what is in them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ccp.store import Store
from ccp.workshop import draft_contract, make_car, make_pki
from ccp.workshop.folder import save_trust
from tests.builders import EMAID_TEXT, ORIGIN, PCID_TEXT, ROOT_A, record
from tests.commands.conftest import OTHER, run
from tests.trusted import contract_draft

TODAY = datetime.now(UTC)


def test_record_and_message_are_told(here: Path, store: Store) -> None:
    """In any spelling of the EMAID; the chains by the pool's own anchors."""
    made = make_pki(at=TODAY - timedelta(days=1))
    save_trust(here / "trust", made)
    car = make_car(made.oem, PCID_TEXT, at=TODAY).leaf.certificate
    exi = draft_contract(made, EMAID_TEXT, car, at=TODAY, root="A").exi()
    store.put(record(exi=exi, meta_data="a\x1b[2Jnote"), ORIGIN)
    result = run("show", "de-ice-copnccert")
    assert result.exit_code == 0
    told = result.stdout.splitlines()
    assert told[:3] == [f"EMAID       {EMAID_TEXT}", f"PCID        {PCID_TEXT}", "default     yes"]
    assert f"fingerprint {ROOT_A}" in told
    assert "metaData    a\\x1b[2Jnote" in told
    assert f"CertificateInstallationRes of ISO 15118-2, {len(exi)} bytes" in told
    assert "✓ The signature by the CPS certificate holds" in told
    assert any(line.startswith("✓ The chain of the CPS certificate ends in ") for line in told)


def test_each_variant_is_shown(here: Path, store: Store) -> None:
    """With what the API says of it, and its message as `ccp decode` tells it."""
    exi = contract_draft().exi()
    for root in (ROOT_A, None):
        store.put(record(root=root, exi=exi), ORIGIN)
    listed = [json.loads(line) for line in run("list", "--json").stdout.splitlines()]
    (here / "message").write_bytes(exi)
    (decoded,) = json.loads(run("decode", "message", "--json").stdout)["messages"]
    shown = [json.loads(line) for line in run("show", EMAID_TEXT, "--json").stdout.splitlines()]
    assert [one["contract"] for one in shown] == listed
    assert all(one["message"] == decoded for one in shown)
    assert run("show", EMAID_TEXT).stdout.count("\ndefault     yes\n") == 2


def test_what_is_broken_is_shown(here: Path, store: Store) -> None:
    """A message that cannot be read does not hide its record."""
    store.put(record(), ORIGIN)
    result = run("show", EMAID_TEXT)
    assert (result.exit_code, "✗ Not read, of 5 bytes" in result.stdout) == (1, True)


def test_what_is_not_there_is_told(here: Path, store: Store) -> None:
    """In a sentence."""
    result = run("show", OTHER)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: {OTHER} is not stored.\n"
    assert run("show", "short").exit_code == 2
