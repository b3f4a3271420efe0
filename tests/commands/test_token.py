"""`ccp token`: what it prints is what a pool accepts, and what is wrong is told in one line."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import chdir
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ccp.auth.caller import Caller
from ccp.auth.tokens import make_tokens
from ccp.cli import cli
from ccp.config.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder to work in."""
    with chdir(tmp_path):
        yield tmp_path


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(cli, ["token", *arguments])


@pytest.mark.usefixtures("folder")
def test_a_pool_trusts_what_it_is_told_to() -> None:
    """With the settings of standard error, the token of standard output proves its caller."""
    result = run("--role", "emsp", "--role", "oem", "--id", "de-abc", "--id", "WAU")
    assert result.exit_code == 0, result.output
    told = dict(re.findall(r"(CCP_\w+)=(\S+)", result.stderr))
    tokens = make_tokens(Settings.from_environment(told), lambda: datetime.now(UTC))
    caller = asyncio.run(tokens.caller(result.stdout.strip()))
    assert caller == Caller("lab", ("emsp", "oem"), ("DEABC", "WAU"))


@pytest.mark.usefixtures("folder")
def test_standard_output_has_the_token_alone() -> None:
    """`$(ccp token …)` is a token, the first time too; afterwards nothing else is said."""
    first, second = run("--role", "cpo"), run("--role", "cpo", "--ttl", "7d")
    for result in (first, second):
        assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", result.stdout)
    assert first.stderr.startswith("Made keys in tokens. ")
    assert second.stderr == ""


def test_names_and_folder_can_be_chosen(folder: Path) -> None:
    """What is said goes into the settings, quoted for a shell."""
    result = run("--role", "cps", "--issuer", "our lab", "--audience", "pool", "-f", "my keys")
    assert "CCP_JWT_ISSUER='our lab' CCP_JWT_AUDIENCE=pool" in result.stderr
    assert "CCP_JWT_KEYS='my keys/jwks.json'" in result.stderr
    assert [path.name for path in folder.iterdir()] == ["my keys"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--role", "king"], "'king'"),
        (["--role", "emsp"], "--id of 5 characters"),
        (["--role", "emsp", "--id", "WAU"], "--id of 5 characters"),
        (["--role", "oem", "--id", "DEABC"], "--id of 3 characters"),
        (["--role", "cpo", "--id", "D E"], "'D E' is no id"),
        (["--role", "cpo", "--id", ""], "'' is no id"),
        (["--role", "cpo", "--id", "D\N{LATIN SMALL LETTER SHARP S}E"], "is no id"),
        (["--role", "cpo", "--ttl", "1"], "'1' is not a time"),
        (["--role", "cpo", "--ttl", "0h"], "'0h' is not a time"),
        (["--role", "cpo", "--ttl", "-1h"], "'-1h' is not a time"),
        (["--role", "cpo", "--ttl", "1h30m"], "is not a time"),
        (["--role", "cpo", "--ttl", "367d"], "is not a time"),
        (["--role", "cpo", "--ttl", "999999d"], "is not a time"),
        (["--role", "cpo", "--ttl", "9999999s"], "is not a time"),
        (["--role", "cpo", "--subject", ""], "'' is empty"),
        (
            ["--role", "cpo", "--subject", "me\n"],
            "'me\\n' is empty, too long, or cannot be printed",
        ),
        (["--role", "cpo", "--subject", "x" * 256], "too long"),
        (["--role", "cpo", "--folder", "/proc/no"], "/proc/no"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(arguments: list[str], words: str) -> None:
    """Roles, ids, times and folders: what was given, and what is wanted; and nothing is made."""
    result = run(*arguments)
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert words in last
    assert not Path("tokens").exists()
