"""The demo: the whole story against a real pool, and its commands by hand."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from string import Template

import pytest
from rich.console import Console

from ccp.workshop import WorkshopError
from ccp.workshop.demo_runner import Outcome, play
from ccp.workshop.demo_steps import STORY, Step
from tests.running import SECONDS, serving

ROOT = Path(__file__).parents[2]
STEPS = [step for steps in STORY.values() for step in steps]


@pytest.fixture(scope="module")
def demo() -> str:
    """What `ccp workshop demo` writes, played to its end."""
    ran = subprocess.run(
        [sys.executable, "-m", "ccp.cli", "workshop", "demo"],
        cwd=ROOT,
        env={
            **os.environ,
            "COLUMNS": "200",
            "PYTHONIOENCODING": "utf-8",
            "CCP_CHECKS": "lab",  # which the demo must not heed, nor the proxy
            "http_proxy": "http://127.0.0.1:1",
        },
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_demo_plays_to_its_end(demo: str) -> None:
    """Every step is told with its command, and ends as told."""
    assert f"All {len(STEPS)} steps as told" in demo
    for step in STEPS:
        assert demo.count(f"    $ {step.command}\n") == 1
    assert "✓ The decrypted private key is that of the contract certificate." in demo
    assert demo.count("400 Bad Request") == len(STORY["What the pool refuses"])


def test_the_demo_goes_across_pools_and_revokes(demo: str) -> None:
    """The second pool has nothing of its own; OPCP gives the same contract; the CA has a list."""
    among = demo.partition("The pool among others")[2].partition("What the pool refuses")[0]
    answered = re.findall(r"CertificateInstallationRes: (\w+)", among)
    assert answered == ["FAILED_NoCertificateAvailable", "OK", "OK"]
    assert among.count("Installed in workshop/iso2/") == 2
    assert "DEWRKC00000002 is revoked: cessationOfOperation" in demo


def test_the_demo_tells_a_whole_answer(demo: str) -> None:
    """Three messages, wanted ones first and then the default; installed in this order; then one."""
    order = ["DEWRKC00000023", "DEWRKC00000022", "DEWRKC00000021"]
    answered = re.findall(
        r"CertificateInstallationRes: OK, (\w+), session \w+, (\d) to follow", demo
    )
    assert answered == [*zip(order, "210", strict=True), (order[2], "0")]
    installed = re.findall(r"Installed in workshop/iso20/\S+/(\w+)\.pem", demo)
    assert installed == [*order, order[2]]
    assert "✗ The ResponseCode is WARNING_NoContractMatchingPCIDFound." in demo


class Shell:
    """One bash, which runs a command after the other as a hand would type them."""

    def __init__(self, folder: Path) -> None:
        (folder / ".curlrc").write_text(
            'silent\nshow-error\nmax-time = 30\nnoproxy = "*"\nwrite-out = "\\n%{http_code}"\n'
        )
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.process = subprocess.Popen(
            ["bash", "-s"],
            cwd=folder,
            env={
                **os.environ,
                "CURL_HOME": str(folder),
                "PATH": path,
                "PYTHONPATH": str(ROOT),
                "PYTHONIOENCODING": "utf-8",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        self.run("set -o pipefail")

    def run(self, command: str) -> Outcome:
        """Run a command to its end; curl's status is that of HTTP."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{command}\nprintf '\\n\\036%s\\n' $?\n")
        self.process.stdin.flush()
        output = ""
        while not (line := self.process.stdout.readline()).startswith("\036"):
            assert line, f"bash has ended: {output}"
            output += line
        status = int(line[1:])
        if "curl " not in command:
            return Outcome(status, output.encode())
        assert status == 0, output
        answer, _, http_status = output.strip().rpartition("\n")
        return Outcome(int(http_status or answer), answer.encode(), is_answer=True)

    def close(self) -> None:
        """End it, whatever it is at."""
        self.process.kill()
        self.process.communicate()


@contextmanager
def by_hand(step: Step, folder: Path, urls: Mapping[str, str]) -> Iterator[str]:
    """Start a server as its command says, but for its port; give where it listens."""
    command = Template(step.command).substitute(urls)
    if command.endswith(" make run"):
        words = [word.partition("=") for word in command.removesuffix(" make run").split()]
        settings = {name.removeprefix("CCP_").lower(): value for name, _, value in words}
        settings.pop("port", None)
        settings.setdefault("database_url", "sqlite:///ccp.db")
        own = folder / f"pool{len(urls)}"
        own.mkdir()
        (own / "workshop").symlink_to(folder / "workshop")
        with serving(own, **settings) as pool:
            yield f"http://127.0.0.1:{pool.port}"
        return
    process = subprocess.Popen(
        [sys.executable, "-m", "ccp.cli", *command.split()[1:], "--port", "0"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        assert process.stdout
        yield process.stdout.readline().strip().removeprefix("Listening at: ")
    finally:
        process.terminate()
        process.communicate()


def told_of(step: Step, demo: str) -> list[str]:
    """What the demo tells after a step's command, each line without its margin."""
    rest = demo.partition(f"    $ {step.command}")[2].partition("\n\n")[0]
    return [line.strip() for line in rest.splitlines()[1:]]


def without_sessions(lines: Sequence[str]) -> list[str]:
    """Lines that are the same in every session."""
    return [re.sub(r"\b[0-9A-F]{16}\b", "SESSION", line.strip()) for line in lines]


@pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("bash")), reason="the hand has curl and bash"
)
def test_the_commands_do_by_hand_what_the_demo_tells(demo: str, tmp_path: Path) -> None:
    """Each command as printed, but for the pool's start: real curl ends as the demo's own HTTP."""
    with ExitStack() as stack:
        shell = Shell(tmp_path)
        stack.callback(shell.close)
        urls: dict[str, str] = {}
        for step in STEPS:
            if step.serves:
                root = stack.enter_context(by_hand(step, tmp_path, urls))
                for line in told_of(step, demo):
                    name, _, url = line.partition("=")
                    urls[name] = re.sub(r"http://127\.0\.0\.1:\d+", root, url)
                    shell.run(f"{name}={urls[name]}")
                continue
            assert "--json" not in step.command  # Ubuntu 22.04 has a curl without it
            outcome, told = shell.run(step.command), told_of(step, demo)
            assert outcome.status == step.status, outcome
            if not outcome.is_answer:
                lines = outcome.output.decode().strip().splitlines()
                assert without_sessions(lines) == without_sessions(told)
                continue
            assert told[0] == f"{step.status} {HTTPStatus(step.status).phrase}"
            file = re.search(r" -o (\S+)$", step.command)
            body = (tmp_path / file[1]).read_bytes() if file else outcome.output
            answer = json.loads(body or "{}")
            assert set(answer.get("errorMessages", [])) <= set(told)
            assert ("errorMessages" in answer) == (step.status >= 400)
            contracts = answer.get("contractDataCollection", [])
            assert [(one["emaid"], one["defaultContract"]) for one in contracts] == [
                (line.split()[0], line.endswith("default")) for line in told if " under CN=" in line
            ]


def quick(arguments: Sequence[str]) -> Outcome:
    """A `ccp` that ends with the status that it is told."""
    return Outcome(int(arguments[-1]), b"done\n")


@pytest.fixture
def console() -> Console:
    """A console that nobody sees."""
    return Console(file=io.StringIO(), width=80)


def test_a_step_that_ends_otherwise_ends_the_story(console: Console) -> None:
    """The demo fails where the pool does not do what the story says."""
    story = {"one": [Step("A", "does", "ccp 0"), Step("B", "does", "ccp 1")]}
    with pytest.raises(WorkshopError, match="step 2 should have ended with 0"):
        play(story, console, run_ccp=quick)


def test_a_pool_that_does_not_start_is_told(console: Console) -> None:
    """Its log is in the error, and its process is gone."""
    with pytest.raises(WorkshopError, match="CCP_CHECKS: must be strict or lab"):
        play(
            {"one": [Step("A", "does", "CCP_CHECKS=no make run", serves={"CCP": ""})]},
            console,
            run_ccp=quick,
        )


def test_a_pool_that_does_not_answer_is_told(console: Console) -> None:
    """One line, no traceback of the HTTP client."""
    story = {"one": [Step("A", "asks", "curl http://127.0.0.1:1/", 200)]}
    with pytest.raises(WorkshopError, match="does not answer"):
        play(story, console, run_ccp=quick)
