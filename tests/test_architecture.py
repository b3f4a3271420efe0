"""The house: imports point down the rooms, and the rooms at the bottom do not know one another."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ccp"
# What each room may import of ccp; `services` and `messages` serve the handlers.
BELOW = {
    "addresses",
    "base64_text",
    "errors",
    "identifiers",
    "last_good",
    "measures",
    "notes",
    "origin",
    "outbound",
    "owners",
    "printable",
    "settings",
    "threads",
    "tracing",
}
ALLOWED = {
    "identifiers": set(),
    "notes": set(),
    "owners": {"identifiers"},
    "errors": {"notes"},
    "measures": set(),
    "tracing": set(),
    "spans": {"tracing"},
    "telemetry": {"spans", "tracing"},
    "origin": set(),
    "outbound": set(),
    "printable": set(),
    "threads": set(),
    "last_good": set(),
    "log_writer": set(),
    "base64_text": {"errors"},
    "addresses": set(),
    "env_file": set(),
    "settings": {"addresses", "env_file"},
    "ports": {"settings"},
    "gunicorn_app": set(),
    "iso15118": set(),
    "pki": {"addresses", "identifiers", "errors", "notes"},
    "store": {"identifiers", "errors", "origin", "threads"},
    "schemas": {"identifiers", "errors", "store"},  # the records that it shapes
    "log": {"log_writer", "owners", "printable", "settings"},
    "tls": {"settings"},
    "exposure": {"addresses", "settings", "pki"},
    "messages": BELOW | {"iso15118", "pki"},
    "peers": BELOW,
    "services": BELOW | {"peers", "pki", "store"},
    "decisions": BELOW | {"iso15118", "messages", "pki", "services", "store"},
    "kept_roots": BELOW | {"pki"},
    "known_kinds": BELOW | {"pki"},
    "root_keeper": BELOW | {"kept_roots", "peers", "pki"},
    # An independent counterpart: a car does not check with the pool's own verifier.
    "workshop": {"identifiers", "errors", "iso15118"},
    "cleansing": BELOW | {"messages", "peers", "pki", "store"},
    "inspection": BELOW | {"iso15118", "messages", "pki"},
    # They join the parts in their own way, as the server does in app and serving.
    "commands": {room.stem for room in PACKAGE.iterdir()} - {"cli", "serving", "wsgi"},
    "cli": {"commands", "printable"},  # it imports a command when it is called
    "handlers": BELOW
    | {"decisions", "iso15118", "messages", "peers", "pki", "schemas", "services", "store"},
    "auth": BELOW,
    "web": BELOW | {"auth", "handlers", "services"},
    "serving": {"app", "exposure", "known_kinds", "log", "operators", "ports", "settings", "tls"},
    "wsgi": {"app", "settings", "store"},
    "operators": BELOW | {"auth", "pages", "pki", "store", "services", "web"},
    "pages": BELOW | {"auth", "decisions", "inspection", "iso15118", "store", "services", "web"},
    "app": BELOW
    | {"auth", "cleansing", "web", "handlers", "services", "peers", "pki", "store"}
    | {"kept_roots", "operators", "root_keeper", "telemetry"},
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


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    """A module imports its own room and those below it."""
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room != "__init__":
        assert imports(path) - {room} <= ALLOWED[room]


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
    if room not in ("web", "operators", "pages", "app", "serving"):
        assert not packages & {"connexion", "flask", "starlette"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    """A module opens with a sentence on its purpose."""
    assert ast.get_docstring(ast.parse(path.read_text()))
