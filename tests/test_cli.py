"""`ccp` itself: it knows its commands, and says so."""

import subprocess
import sys

from click.testing import CliRunner

from ccp.cli import cli


def test_help_lists_every_command() -> None:
    """Each with the first sentence of its own help."""
    listed = CliRunner().invoke(cli, ["--help"]).output
    for line in ("audit     Show who", "decode    Tell all of", "workshop  Make test material"):
        assert line in listed


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
