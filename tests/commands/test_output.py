"""What commands write: nothing that a terminal would obey, on any standard output."""

import ast
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ccp.commands.output import json_text
from ccp.domain.printable import printable, printable_lines
from tests.builders import EMAID_TEXT
from tests.commands.conftest import run
from tests.running import ROOT, SECONDS

# Clears the screen, forges a line, sets a title (with C1 controls), and turns text around.
HOSTILE = "\x1b[2J\n9 2025-06-01 put\r\x9b31m\x07\x7f\u202e\u2028"
COLUMNS = {
    "audit": ["at", "action", "subject", "roles", "ids", "trace_id", "emaid_key", "pcid_key"],
    "signed_contract_data": ["pcid", "meta_data", "v2g_root_distinguished_name"],
}


@pytest.fixture
def hostile(database: Path) -> Path:
    """A database in which every column of free text has control characters."""
    with closing(sqlite3.connect(database)) as connection:
        for table, columns in COLUMNS.items():
            for column in columns:
                connection.execute(
                    f"UPDATE {table} SET {column} = coalesce({column}, '') || ?",  # noqa: S608
                    [HOSTILE],
                )
        connection.execute(
            "INSERT INTO default_contract SELECT 'X' || emaid_key, pcid_key || ?, namespace"
            " FROM signed_contract_data",
            [HOSTILE],
        )
        connection.commit()
    return database


@pytest.mark.parametrize("json_option", [[], ["--json"]], ids=["words", "json"])
@pytest.mark.parametrize(
    "command",
    [
        "audit",
        "list",
        "stats",
        f"show {EMAID_TEXT}",
        "check",
        "roots list",
        "export",
        "restore ccp.db --yes",
        "cleanse --dry-run",
    ],
)
def test_command_with_hostile_rows_writes_printable_text(
    hostile: Path, command: str, json_option: list[str]
) -> None:
    """Each command, for people and for programs, on standard output and error."""
    if command == "export" and json_option:
        pytest.skip("export writes JSON alone")
    ran = run(*command.split(), *json_option)
    assert ran.output
    assert not isinstance(ran.exception, Exception), ran.exception
    assert [one for one in ran.output if not one.isprintable() and one != "\n"] == []
    if json_option:
        [json.loads(line) for line in ran.stdout.splitlines()]
    elif command == "audit":
        assert len(ran.stdout.splitlines()) == 2  # and none of the forged ones


def test_json_of_hostile_text_reads_back() -> None:
    """What is escaped is the same value for a program, beyond the first plane too."""
    value = {"text": HOSTILE + "é✓\U000e0001"}
    for indent in (False, True):
        text = json_text(value, indent=indent)
        assert json.loads(text) == value
        assert printable_lines(text) == text


@pytest.mark.parametrize("one", ["\x1b", "\n", "\x9b", "\x7f", "\u202e", "\u2028", "\udc80"])
def test_printable_escapes_what_a_terminal_obeys(one: str) -> None:
    """Control characters of both sets, line ends, changes of direction, broken encodings."""
    assert printable(f"a{one}b").isascii()
    assert printable(f"a{one}b").encode().decode("unicode_escape") == f"a{one}b"
    assert printable("Ä ✓ 中") == "Ä ✓ 中"


def test_error_with_hostile_argument_is_printable() -> None:
    """An error names what was given, as a command's own or as click's."""
    for arguments in (["check", f"{HOSTILE}.db"], ["show", HOSTILE], ["decode", HOSTILE]):
        ran = run(*arguments)
        assert ran.exit_code != 0
        assert [one for one in ran.output if not one.isprintable() and one != "\n"] == []


def test_commands_write_by_one_module_alone() -> None:
    """No command writes text by itself; bytes of JSON are not text."""
    for path in (ROOT / "ccp" / "commands").glob("*.py"):
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        names = {ast.unparse(call.func) for call in calls}
        if path.stem != "output":
            assert not names & {"print", "click.secho", "click.confirm"}, path
        if path.stem not in ("output", "decode"):
            assert "click.echo" not in names, path


COMMANDS = ["list", "list --json", "export", "workshop faults"]


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_command_with_closed_streams_ends_as_with_open_ones(
    database: Path, closed: str, tmp_path: Path
) -> None:
    """A closed stream is as the null device."""
    commands = " ".join(f"'{command}'" for command in [*COMMANDS, "import -"])
    program = f'{sys.executable} -m ccp.cli $command {closed} || echo "$command: $?" >> failed'
    ran = shell(tmp_path, f"for command in {commands}; do {program}; done < /dev/null")
    assert (ran.stdout, ran.stderr) == ("", "")
    assert not (tmp_path / "failed").exists()


def test_command_on_ascii_output_escapes_the_rest(database: Path, tmp_path: Path) -> None:
    """Without a traceback, and in ASCII."""
    script = "".join(f"{sys.executable} -m ccp.cli {command}\n" for command in COMMANDS)
    ran = shell(tmp_path, f"set -e\n{script}", PYTHONIOENCODING="ascii")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.isascii()


@pytest.mark.parametrize("command", ["list", "--help", "list --help", "workshop faults"])
def test_command_on_a_full_output_ends_with_a_sentence(
    database: Path, command: str, tmp_path: Path
) -> None:
    """Standard output that cannot be written is an error, and not a traceback."""
    ran = shell(tmp_path, f"{sys.executable} -m ccp.cli {command} > /dev/full")
    assert (ran.returncode, ran.stderr) == (1, "Error: output: No space left on device\n")


def shell(folder: Path, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run commands as a shell starts them."""
    environment = {name: value for name, value in os.environ.items() if name[:4] != "CCP_"}
    return subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        timeout=SECONDS * 4,
    )
