"""The pool uses the public names of its dependencies, and patches none of them."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "ccp"
OURS = {"ccp", "tests"}

ALLOWED = {
    "operations/metrics.py": "names prometheus_client's files by worker slot, not by process id",
    "web/worker.py": "bounds slow clients, for which gunicorn's ASGI worker has no settings",
}
"""The modules that still do otherwise, and why."""


def third_party_names(tree: ast.Module) -> set[str]:
    """Return the names in a module that its import statements bind to other packages."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] not in OURS:
                    names.add((alias.asname or alias.name).partition(".")[0])
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] not in OURS:
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def root_of(node: ast.expr) -> str:
    """Return the name that a chain of attributes begins with; empty if it begins otherwise."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def found_in(path: Path) -> Iterator[str]:
    """Find private names of other packages or base classes, and assignments to other packages."""
    tree = ast.parse(path.read_text("utf-8"))
    theirs = third_party_names(tree)
    where = path.relative_to(PACKAGE)
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module), names=names):
                parts = [*module.split("."), *(alias.name for alias in names)]
                if parts[0] not in OURS and parts[0] != "__future__":
                    yield from (f"{where}: import {part}" for part in parts if is_private(part))
            case ast.Attribute(attr=attr) if is_private(attr) and root_of(node) in theirs:
                yield f"{where}: {ast.unparse(node)}"
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=attr) if is_private(
                attr
            ):
                yield f"{where}: super().{attr}"
            case ast.Assign(targets=targets):
                for target in targets:
                    if isinstance(target, ast.Attribute) and root_of(target) in theirs:
                        yield f"{where}: {ast.unparse(target)} = ..."


def test_package_uses_public_names_of_dependencies_only() -> None:
    found = {use for path in PACKAGE.rglob("*.py") for use in found_in(path)}
    assert {use for use in found if use.partition(":")[0] not in ALLOWED} == set()
    assert {use.partition(":")[0] for use in found} == set(ALLOWED)


def test_search_finds_each_kind_of_use(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    module = tmp_path / "module.py"
    module.write_text(
        "import flask\n"
        "from werkzeug import _internal\n"
        "from ccp.store import _ours\n"
        "flask.globals._cv_app\n"
        "flask.Flask.run = None\n"
        "self._own = None\n"
        "super()._theirs()\n"
    )
    assert set(found_in(module)) == {
        "module.py: import _internal",
        "module.py: flask.globals._cv_app",
        "module.py: flask.Flask.run = ...",
        "module.py: super()._theirs",
    }
