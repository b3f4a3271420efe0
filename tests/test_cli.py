"""`ccp` itself: it knows its commands, and says so."""

import re
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from ccp.cli import cli

COMMANDS = Path(__file__).parents[1] / "ccp" / "commands"


def test_help_lists_every_command() -> None:
    """Each with the first sentence of its own help."""
    listed = CliRunner().invoke(cli, ["--help"]).output
    commands = dict(re.findall(r"^  ([a-z][a-z-]*) {2,}(\S.*)$", listed, re.MULTILINE))
    assert commands["audit"].startswith("Show who wrote")
    assert commands["check-config"].startswith("Check the settings")
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


def test_a_command_does_not_wait_for_the_libraries_of_the_others() -> None:
    """A story has many commands, and so has an operator's script."""
    program = (
        "import sys; from ccp.cli import cli; cli(['token', '--help'], standalone_mode=False);"
        "print('LOADED', {'rich', 'sqlite_utils', 'joserfc'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "LOADED {'joserfc'}" in ran.stdout
