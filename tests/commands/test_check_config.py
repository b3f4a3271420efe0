"""`ccp check-config`: a server with the same settings starts, or does not, as it was told."""

import json
from pathlib import Path

import pytest

from ccp.config.settings import SettingsInvalid
from ccp.workshop.folder import save_trust
from tests.commands.conftest import run_alone
from tests.conftest import make_settings
from tests.running import refused_start
from tests.trusted import pki


def test_what_is_set_up_is_told(tmp_path: Path) -> None:
    """Address, database and anchors; nothing is made or changed."""
    save_trust(tmp_path / "anchors", pki())
    result = run_alone(tmp_path, "check-config", trust_dir="anchors", port="8443")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "address   http://127.0.0.1:8443",
        "database  ccp.db, which is made at the start",
        "anchors   v2g 2, emsp 1, oem 3",
        "warning   Whoever reaches http://127.0.0.1:8443 may use this pool (CCP_AUTH=none).",
        "It would start.",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["anchors"]


def test_check_config_validates_the_table_of_providers(tmp_path: Path) -> None:
    """What is wrong with emsp.toml stops the start; what looks wrong is a warning."""
    save_trust(tmp_path / "anchors", pki())
    table = tmp_path / "anchors" / "emsp.toml"
    table.write_text('abc = ["DEABC"]\n')
    result = run_alone(tmp_path, "check-config", trust_dir="anchors")
    assert result.returncode == 1
    assert (
        "problem   CCP_TRUST_DIR: anchors/emsp.toml: 'abc' is not the SHA-256 fingerprint of a"
        " certificate, 64 hex digits"
    ) in result.stdout.splitlines()
    table.write_text(f'"{"0" * 64}" = ["DEABC"]\n')
    result = run_alone(tmp_path, "check-config", trust_dir="anchors")
    assert result.returncode == 0
    warnings = [line for line in result.stdout.splitlines() if "emsp.toml" in line]
    assert "is not the fingerprint of an anchor" in warnings[0]
    assert "1 of the anchors in emsp/ may issue contracts of every provider" in warnings[1]


def test_programs_read_it(tmp_path: Path) -> None:
    """One object, with a database that is there."""
    assert run_alone(tmp_path, "migrate").returncode == 0
    found = json.loads(run_alone(tmp_path, "check-config", "--json").stdout)
    assert found["starts"] is True
    assert found["database"] == "ccp.db, which is up to date"
    assert found["problems"] == []
    assert any("Chains of CPS and contracts and cars" in text for text in found["warnings"])


def test_check_config_of_an_empty_trust_folder_warns(tmp_path: Path) -> None:
    """As of a volume that is to be filled, or that a root pool makes needless."""
    (tmp_path / "anchors").mkdir()
    result = run_alone(tmp_path, "check-config", trust_dir="anchors")
    assert "(anchors has none of the folders v2g, emsp, oem)" in result.stdout
    assert result.stdout.endswith("It would start.\n")


def test_trust_folder_at_the_wrong_level_is_refused(tmp_path: Path) -> None:
    """Above the folders of anchors, or in one of them; the error names what should be there."""
    save_trust(tmp_path / "etc" / "trust", pki())
    for folder in ("etc", "etc/trust/v2g"):
        settings = make_settings(tmp_path, trust_dir=f"{tmp_path}/{folder}")
        with pytest.raises(SettingsInvalid, match=f"{folder} has none of the folders v2g, emsp"):
            settings.trust_folder()
    assert make_settings(tmp_path, trust_dir=f"{tmp_path}/etc/trust").trust_folder().is_dir()


WRONG = {
    "a trust folder at the wrong level": {"trust_dir": "."},
    "a wrong value": {"checks": "no"},
    "an unknown variable": {"nonsense": "1"},
    "no trust folder": {"trust_dir": "nowhere"},
    "no TLS files": {"tls_certificate": "no.pem", "tls_key": "no.key"},
    "no JWKS": {"auth": "jwt", "jwt_issuer": "i", "jwt_audience": "a", "jwt_keys": "no.json"},
    "open to everybody": {"host": "0.0.0.0"},  # noqa: S104
    "no credentials": {"credentials": "no.toml", "peers": "http://127.0.0.1:1"},
    "no folder for the database": {"database_url": "sqlite:///no/where/ccp.db"},
    "two at one address": {"port": "8080", "operations_bind": "127.0.0.1:8080"},
    "no database": {"database_url": "sqlite:///text"},
}


@pytest.mark.parametrize("name", WRONG)
def test_what_stops_a_server_is_told(tmp_path: Path, name: str) -> None:
    """With the words of the server, so far as it gets to them."""
    (tmp_path / "text").write_text("no database" * 100)
    (tmp_path / "trust").mkdir()
    result = run_alone(tmp_path, "check-config", **WRONG[name])
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    problems = [line for line in result.stdout.splitlines() if line.startswith("problem ")]
    assert problems
    assert result.stdout.endswith("It would not start.\n")
    status, log = refused_start(tmp_path, **WRONG[name])
    assert status != 0
    if "database" not in name:  # the server opens it, and says what comes of that
        assert problems[0].removeprefix("problem   ") in log


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """An operator mends them in one go."""
    result = run_alone(
        tmp_path,
        "check-config",
        tls_certificate="no.pem",
        tls_key="no.key",
        database_url="sqlite:///no/where/ccp.db",
        trust_dir="nowhere",
    )
    assert result.stdout.count("problem   ") == 3
