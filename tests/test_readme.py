"""The README's tours, run as they are printed, against a real pool."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path

import pytest

from tests.running import SECONDS, free_port, serving

ROOT = Path(__file__).parents[1]
SECTIONS = dict(
    re.findall(r"^## (.*)\n((?:(?!^## ).*\n)*)", (ROOT / "README.md").read_text(), re.M)
)
TRACE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ADDRESS = "CCP=http://127.0.0.1:8080/opnc/v1/ccp"
FIRST, SECOND, PKI, RCP, OPERATORS = (
    f"http://127.0.0.1:{port}" for port in (8080, 8081, 8090, 8091, 9464)
)
PKI_PORT = free_port()  # in place of 8090: certificates name it before there is a service
WORKSHOP = ["ccp workshop pki", "ccp workshop car"]
TRUST = {"trust_dir": "workshop/trust"}


@contextmanager
def pool(folder: Path, **variables: str) -> Iterator[dict[str, str]]:
    """The pool of a tour; what stands in its place in the README, and where it is."""
    with serving(folder, **variables) as server:
        yield {FIRST: f"http://127.0.0.1:{server.port}"}


@contextmanager
def looked_at(folder: Path) -> Iterator[dict[str, str]]:
    """The pool of the tour in a browser."""
    operators = free_port()  # what is printed names it
    with pool(folder, **TRUST, operations_bind=f"127.0.0.1:{operators}") as urls:
        yield urls | {OPERATORS: f"http://127.0.0.1:{operators}"}


@contextmanager
def workshop_service(folder: Path, name: str, port: int = 0) -> Iterator[str]:
    """A service of the workshop, by the command that starts it; gives its URL."""
    command = [sys.executable, "-m", "ccp.cli", "workshop", name, "--port", f"{port}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    ) as service:
        try:
            yield service.stdout.readline().strip().removeprefix("Listening at: ")
        finally:
            service.terminate()


@contextmanager
def pools_and_pki(folder: Path) -> Iterator[dict[str, str]]:
    """The three servers of the tour among others."""
    second = folder / "second"
    second.mkdir()
    (second / "workshop").symlink_to(folder / "workshop")
    with workshop_service(folder, "pki-service", PKI_PORT) as pki:
        asks = {"revocation_url": pki, "operator_cas": "workshop/cas"}
        with pool(folder, **TRUST, **asks) as urls:
            peers = f"{urls[FIRST]}/opnc/v1/ccp"
            with serving(second, **TRUST, peers=peers) as other:
                yield urls | {SECOND: f"http://127.0.0.1:{other.port}"}


@contextmanager
def pool_and_pki(folder: Path) -> Iterator[dict[str, str]]:
    """The two servers of the tour that has contracts end."""
    with workshop_service(folder, "pki-service", PKI_PORT), pool(folder, **TRUST) as urls:
        yield urls


@contextmanager
def pool_and_root_pool(folder: Path) -> Iterator[dict[str, str]]:
    """The two servers of the tour with a root pool."""
    with (
        workshop_service(folder, "root-pool") as rcp,
        pool(folder, rcp_url=rcp, database_url="sqlite:///roots.db") as urls,
    ):
        yield urls | {RCP: rcp}


@pytest.mark.skipif(shutil.which("curl") is None, reason="the tours are told with curl")
@pytest.mark.parametrize(
    ("section", "before", "serve"),
    [
        ("Five minutes with the pool", [], partial(pool, **TRUST)),
        ("A genuine message, in lab mode", [], partial(pool, checks="lab")),
        (
            "A pool that asks who calls",
            WORKSHOP,
            partial(
                pool,
                **TRUST,
                auth="jwt",
                jwt_issuer="ccp-lab",
                jwt_audience="ccp",
                jwt_keys="tokens/jwks.json",
            ),
        ),
        ("A pool among others", WORKSHOP, pools_and_pki),
        ("Running it for longer", [], pool_and_pki),
        ("A pool whose roots come from a root pool", WORKSHOP, pool_and_root_pool),
        ("The command line", WORKSHOP, lambda _: nullcontext({})),
        ("Looking into a message", [], lambda _: nullcontext({})),
        ("Looking at it in a browser", WORKSHOP, looked_at),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_tour_answers_what_the_readme_prints(
    tmp_path: Path,
    section: str,
    before: list[str],
    serve: Callable[[Path], AbstractContextManager[dict[str, str]]],
) -> None:
    """Every command gives the output that follows it, trace ids apart."""
    steps = _steps(section)
    commands = [command for command, _ in steps]
    server_starts = commands.index(ADDRESS) if ADDRESS in commands else len(steps)
    assert len(steps) > 2
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    _run(tmp_path, before)
    answered = _run(tmp_path, commands[:server_starts])
    with serve(tmp_path) as urls:
        commands = commands[server_starts:]
        for printed, real in urls.items():
            commands = [command.replace(printed, real) for command in commands]
        told = _run(tmp_path, commands)
        for printed, real in urls.items():
            told = [output.replace(real, printed) for output in told]
        answered += told
    assert answered == [TRACE_ID.sub("TRACE", output) for _, output in steps]


def _steps(section: str) -> list[tuple[str, str]]:
    """The commands of a section, each with what is printed behind it."""
    blocks = re.findall(r"^```console\n(.*?)^```$", SECTIONS[section], re.M | re.S)
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", "".join(blocks), re.M)


def _run(folder: Path, commands: list[str]) -> list[str]:
    """Run commands in one shell; return what each prints, trace ids apart."""
    environment = Path(sys.executable).parent
    script = ["set -e", "exec 2>&1"]
    for command in commands:
        command = command.replace(". .venv/bin/activate", "true")
        command = command.replace(".venv/bin/python", sys.executable)
        command = command.replace(PKI, f"http://127.0.0.1:{PKI_PORT}")
        script += [command, "printf '\\036'"]
    ran = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{environment}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTHONIOENCODING": "utf-8",
        },
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert ran.returncode == 0, ran.stdout
    return [TRACE_ID.sub("TRACE", output) for output in ran.stdout.split("\036")[:-1]]


def test_what_can_be_relied_on_is_tested() -> None:
    """Each sentence names tests, and these are where it says."""
    sentences = SECTIONS["What you can rely on"].split("\n- ")[1:]
    assert len(sentences) >= 10
    for sentence in sentences:
        links = re.findall(r"\[((?:`\w+`(?:,\s+)?)+)\]\(([\w/.]+)\)", sentence)
        assert links, sentence
        for names, file in links:
            defined = (ROOT / file).read_text()
            for name in re.findall(r"\w+", names):
                assert f"def {name}(" in defined, (name, file)
