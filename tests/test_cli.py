"""`ccp` itself: it knows its commands, and says so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ccp.cli import cli

COMMANDS = Path(__file__).parents[1] / "ccp" / "commands"


def test_help_lists_every_command() -> None:
    """Each with the first sentence of its own help."""
    listed = CliRunner().invoke(cli, ["--help"]).output
    commands = dict(re.findall(r"^  ([a-z][a-z-]*) {2,}(\S.*)$", listed, re.MULTILINE))
    assert commands["audit"] == "Show who wrote what into the pool."
    assert all(summary[-1] in ".?" for summary in commands.values())
    assert {path.stem.strip("_").replace("_", "-") for path in COMMANDS.glob("*.py")} >= set(
        commands
    )
    for name in commands:
        ran = CliRunner().invoke(cli, [name, "--help"])
        assert ran.exit_code == 0
        assert ran.output.startswith(f"Usage: cli {name} ")


def test_an_unknown_command_is_told() -> None:
    """In one line, with the exit code of a wrong call; nothing is imported by that name."""
    for name in ("nonsense", "audit.os", "__init__"):
        result = CliRunner().invoke(cli, [name])
        assert result.exit_code == 2
        assert f"No such command '{name}'" in result.output


@pytest.mark.parametrize("group", ["workshop", "roots"])
def test_group_help_in_a_narrow_terminal_has_whole_summaries(group: str) -> None:
    """Click cuts them off at the width of the terminal."""
    listed = CliRunner().invoke(cli, [group, "--help"], terminal_width=60).output
    _, _, commands = listed.partition("Commands:\n")
    assert "..." not in commands
    whole = {"workshop": "PKI service tells it at once.", "roots": "DER) to CCP_TRUST_DIR."}
    assert whole[group] in " ".join(commands.split())


@pytest.mark.parametrize("arguments", [[], ["list"], ["roots"], ["workshop", "pki"], ["serve"]])
def test_short_option_h_shows_the_help(arguments: list[str]) -> None:
    """In every command, as --help does."""
    short, long = (CliRunner().invoke(cli, [*arguments, option]) for option in ("-h", "--help"))
    assert (short.exit_code, short.output) == (0, long.output)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [(["lst"], "list"), (["workshp"], "workshop"), (["workshop", "reqest"], "request")],
    ids=" ".join,
)
def test_unknown_command_names_the_one_that_may_be_meant(arguments: list[str], meant: str) -> None:
    """Also where the commands are not imported yet."""
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert f"No such command '{arguments[-1]}'. Did you mean '{meant}'?" in result.stderr


# Each takes a twentieth of a second or more to import, with what it imports.
SLOW = {"connexion", "flask", "httpx2", "OpenSSL", "asn1crypto"}


@pytest.mark.parametrize(
    "arguments",
    [
        "-h",
        "nonsense",
        "import -h",
        "check-config -h",
        "cleanse -h",
        "show -h",
        "serve -h",
    ],
)
def test_command_before_its_work_imports_no_slow_library(arguments: str) -> None:
    """So that help is there at once."""
    program = (
        "import sys; from ccp.cli import cli\n"
        f"try: cli({arguments.split()!r})\n"
        f"finally: print('LOADED', sorted({SLOW!r} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.stdout.splitlines()[-1] == "LOADED []"


def test_a_command_does_not_wait_for_the_libraries_of_the_others() -> None:
    """A story has many commands, and so has an operator's script."""
    program = (
        "import sys; from ccp.cli import cli; cli(['token', '--help'], standalone_mode=False);"
        "print('LOADED', {'rich', 'sqlite_utils', 'joserfc'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "LOADED {'joserfc'}" in ran.stdout
