"""What a wheel has: all of the package, and the spec."""

from configparser import ConfigParser
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_every_package_is_in_the_wheel() -> None:
    """setup.cfg lists every folder of code, and the spec beside them."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "ccp").rglob("__init__.py")}
    assert listed == {".".join(folder.parts) for folder in folders} | {"ccp.spec"}
    assert config["options.package_data"]["ccp.spec"] == "*.yaml"


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "bench").glob("[!_]*.py")), ids=str)
def test_benchmarks_can_start(path: Path) -> None:
    """No test runs the benchmarks, so what they import may not go away unnoticed."""
    import_module(f"tests.bench.{path.stem}")
