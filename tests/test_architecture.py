"""The house: imports point down, from room to room."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ccp"
# The house from its ground floor up. A room may import the rooms that its line names.
ROOMS = {
    "domain": "",
    "iso15118": "",
    "config": "domain",
    "pki": "domain config",
    "store": "domain",
    "observability": "domain config",
    "messages": "domain iso15118 pki observability",
    "clients": "domain config observability",
    "trust": "domain config pki clients",
    "schemas": "domain store",
    "policy": "domain config iso15118 pki store messages clients trust",
    "handlers": "domain iso15118 pki store observability messages clients schemas policy",
    "auth": "domain config clients",
    "web": "domain config observability auth policy handlers",
    "inspection": "domain iso15118 pki messages trust",
    "cleansing": "domain config pki store messages clients trust",
    "operations": "domain config iso15118 pki store observability trust policy auth web inspection",
    "app": "config store observability clients trust policy auth web cleansing operations",
    "server": "config observability trust operations app",
    "wsgi": "config store app",
    # Counterparts of the pool: their checks are independent of the pool's own.
    "workshop": "domain iso15118",
    "commands": "domain config pki store observability messages clients trust schemas policy"
    " auth web inspection cleansing app server workshop",
    "cli": "domain commands",
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """The rooms of ccp that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("ccp"):
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("ccp.")}
    return found


def test_rooms_import_only_rooms_below() -> None:
    """Each room names only rooms that stand above it in the table, which are lower in the house."""
    seen: set[str] = set()
    for room, below in ROOMS.items():
        assert set(below.split()) <= seen, room
        seen.add(room)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    """A module imports its own room and those below it."""
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room != "__init__":
        assert imports(path) - {room} <= set(ROOMS[room].split())


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_sql_is_spoken_in_the_store_alone(path: Path) -> None:
    """No other room knows sqlite3 or sqlite-utils, nor a web framework outside those of the web."""
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    named = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name) or ""
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    packages = {name.split(".")[0] for name in named}
    if room != "store":
        assert not packages & {"sqlite3", "sqlite_utils"}
    if room not in ("web", "operations", "app", "server"):
        assert not packages & {"connexion", "flask", "starlette"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    """A module opens with a sentence on its purpose."""
    assert ast.get_docstring(ast.parse(path.read_text()))
