"""Settings in a file `.env`: read strictly, since a line that is passed over is a setting lost."""

import re
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

_NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)


class EnvFileUnreadable(Exception):
    """The file, or some of its lines, cannot be read; a line of text for each."""


def read_env_file(path: Path, prefix: str) -> dict[str, str]:
    """
    Read the variables in a file.

    Args:
        path: Of the file; without one there are no variables.
        prefix: Of the names that must have a value. Other programs may share the file, so names
            without the prefix may stand alone.
    Raises:
        EnvFileUnreadable: Naming file and line of everything that cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise EnvFileUnreadable(f"{path}: cannot be read: {error.strerror}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise EnvFileUnreadable(
            f"{path} line {line}: is not UTF-8; save the file as UTF-8"
        ) from None
    problems = []
    for binding in parse_stream(StringIO(text)):
        if problem := _problem(binding, prefix):
            original = binding.original  # blank lines above are part of it
            blank = len(original.string) - len(original.string.lstrip())
            line = original.line + original.string.count("\n", 0, blank)
            problems.append(f"{path} line {line}: {problem}")
    if problems:
        raise EnvFileUnreadable("\n".join(problems))
    values = dotenv_values(stream=StringIO(text))
    return {name: value for name, value in values.items() if value is not None}


def _problem(binding: Binding, prefix: str) -> str:
    """Say what is wrong with a line, without its value, which may be a secret; empty if nothing."""
    name = binding.key
    if binding.error or (name is not None and not _NAME.fullmatch(name)):
        return "cannot be read; a line is NAME=value or # and a comment, in UTF-8"
    if name is None or not name.upper().startswith(prefix):
        return ""
    if not name.startswith(prefix):
        return f"{name} is not read; names are upper case: {name.upper()}"
    return "" if binding.value is not None else f"{name} has no value; a line is {name}=value"
