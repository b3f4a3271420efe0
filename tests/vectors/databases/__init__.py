"""Databases that versions of this project have made, and what each of them answered."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
DUMPS = {path.stem: path for path in sorted(FOLDER.glob("*.sql"))}
"""SQL, by the last step of ccp.store.migrations that the version knew."""


def bodies() -> dict[str, Any]:
    """What each of them was given: bodies of PUTs, those of ISO 15118-20 apart, and of a POST."""
    content: dict[str, Any] = json.loads((FOLDER / "bodies.json").read_text())
    return content


def answers() -> dict[str, Any]:
    """What each of them answered, without trace ids: bodies by path and query, and to the POST."""
    content: dict[str, Any] = json.loads((FOLDER / "answers.json").read_text())
    return content


def make_database(step: str, path: Path) -> None:
    """Make the database that a version has left."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(DUMPS[step].read_text())
