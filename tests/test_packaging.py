"""The wheel: all of the package, which asks for nothing that it does not say."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from importlib import import_module
from importlib.metadata import Distribution, distribution
from pathlib import Path
from venv import EnvBuilder

import httpx2
import pytest
from packaging.requirements import Requirement

from tests.running import ROOT, SECONDS, wait_until


def test_every_package_is_in_the_wheel() -> None:
    """setup.cfg lists every folder of code, and the spec beside them."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "ccp").rglob("__init__.py")}
    assert listed == {".".join(folder.parts) for folder in folders} | {"ccp.spec"}
    assert config["options.package_data"]["ccp.spec"] == "*.yaml"


def test_distribution_has_a_name_of_its_own() -> None:
    """On the public index, `ccp` is another project's package; the command keeps its name."""
    (command,) = distribution("opnc-ccp").entry_points
    assert (command.name, command.value) == ("ccp", "ccp.cli:cli")
    texts = [ROOT / name for name in ("README.md", "CHANGELOG.md", "Makefile", "Containerfile")]
    texts += [path for path in (ROOT / "ccp").rglob("*") if path.suffix in (".py", ".service")]
    names_another = re.compile(r"(?<![\w-])ccp\[|pip install\W+ccp\b")
    assert [path for path in texts if names_another.search(path.read_text())] == []


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "bench").glob("[!_]*.py")), ids=str)
def test_benchmarks_can_start(path: Path) -> None:
    """No test runs the benchmarks, so what they import may not go away unnoticed."""
    import_module(f"tests.bench.{path.stem}")


def test_make_shows_that_it_installs_and_how_far_it_is() -> None:
    """The first `make run` takes minutes; nothing is run here (--dry-run)."""
    command = ["make", "--dry-run", "--always-make", "run"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert 'echo "Installing into .venv' in told.partition("pip install")[0]
    assert "pip install" in told
    assert "--quiet" not in told


# Runs code as Python 3.9 would see itself; `-c CODE` is all that it understands.
PYTHON_3_9 = f"""#!/bin/sh
exec {sys.executable} -c 'import sys; sys.version_info = (3, 9, 2); exec(sys.argv[1])' "$2"
"""


def test_make_with_an_older_python_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """Before anything is made."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    old = tmp_path / "python3.9"
    old.write_text(PYTHON_3_9)
    old.chmod(0o755)
    command = ["make", "run", f"PYTHON={old}"]
    made = subprocess.run(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert made.returncode != 0
    said = [line for line in made.stderr.splitlines() if not re.match(r"make(\[\d+\])?: ", line)]
    assert said == ["The pool needs Python 3.11 or later; this is 3.9.2."]
    assert not (tmp_path / ".venv").exists()


def test_every_python_of_the_classifiers_is_proved() -> None:
    """setup.cfg names no version that `.ci/interpreters` does not try."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    named = re.findall(r"Python :: (3\.\d+)", config["metadata"]["classifiers"])
    tried = re.search(r"for version in (.*);", (ROOT / ".ci" / "interpreters").read_text())
    assert named
    assert tried
    assert set(named) <= set(tried[1].split())


def asked_for(of: Distribution, extras: frozenset[str] = frozenset()) -> Iterator[Distribution]:
    """What a distribution needs, and what that needs."""
    for requirement in map(Requirement, of.requires or ()):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": one}) for one in extras | {""}):
            found = distribution(requirement.name)
            yield found
            yield from asked_for(found, frozenset(requirement.extras))


def install(folder: Path) -> Path:
    """Make an environment of the wheel and of what it asks for; nothing is downloaded."""
    source = folder / "source"
    for name in ("ccp", "spec"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheel = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source]
    subprocess.run(wheel, check=True, capture_output=True)
    EnvBuilder(symlinks=True).create(folder / "env")
    (packages,) = (folder / "env" / "lib").glob("python*/site-packages")
    environment = [*pip, "--python", folder / "env" / "bin" / "python"]
    (made,) = folder.glob("opnc_ccp-*.whl")
    subprocess.run([*environment, "install", "--no-deps", made], check=True, capture_output=True)
    (metadata,) = packages.glob("opnc_ccp-*.dist-info")
    for one in asked_for(Distribution.at(metadata)):
        for name in {path.parts[0] for path in one.files or ()} - {"..", "__pycache__"}:
            if not (packages / name).exists():
                (packages / name).symlink_to(one.locate_file(name))
    return folder / "env"


def test_the_wheel_works_outside_the_checkout(tmp_path: Path) -> None:
    """Every command can be had; it serves, with its spec and its Swagger UI."""
    ccp = install(tmp_path) / "bin" / "ccp"
    commands = (
        "from ccp.cli import cli; [cli.get_command(None, c) for c in cli.list_commands(None)]"
    )
    subprocess.run([ccp.with_name("python"), "-c", commands], check=True, cwd=tmp_path)
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [ccp, "serve"],
            cwd=tmp_path,
            env=environment | {"CCP_PORT": "0"},
            stderr=log,
        )
    told = (tmp_path / "log").read_text
    try:
        wait_until(lambda: "ASGI server listening" in told() or server.poll() is not None)
        found = re.search(r"Listening at: (http://\S+)", told())
        assert found, told()
        base = f"{found[1]}/opnc/v1/ccp"
        with httpx2.Client(base_url=base, timeout=SECONDS) as client:
            assert client.get("/contractData/emaid/DEICECOPNCCERT").status_code == 404
            assert client.get("/openapi.json").json()["openapi"].startswith("3.0")
            assert "swagger-ui" in client.get("/ui/").text
        server.send_signal(signal.SIGTERM)
        assert server.wait(SECONDS) == 0
    finally:
        server.kill()
        server.wait()
    assert (tmp_path / "ccp.db").exists()
