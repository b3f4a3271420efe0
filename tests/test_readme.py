"""The README's tours, run as they are printed, in their order, in one folder and one terminal."""

import os
import re
import select
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.running import SECONDS, free_port, serving

ROOT = Path(__file__).parents[1]
SECTIONS = dict(
    re.findall(r"^## (.*)\n((?:(?!^## ).*\n)*)", (ROOT / "README.md").read_text(), re.M)
)
TOURS = [name for name, text in SECTIONS.items() if "\n```console\n" in text]
TRACE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
STOP = "top the servers that are still running"
"""So the README says that none of before may be left."""


class Terminal:
    """One shell, in which the commands of all tours are typed."""

    def __init__(self, folder: Path) -> None:
        self._shell = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
                "PYTHONIOENCODING": "utf-8",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._type("exec 2>&1")

    def run(self, command: str) -> str:
        """Run a command, which must succeed; returns what it prints."""
        command = command.replace(". .venv/bin/activate", "true")
        command = command.replace(".venv/bin/python", sys.executable)
        self._type(f"{{ {command}\n}} < /dev/null; printf '\\036%s\\036' $?")
        text = b""
        deadline = time.monotonic() + 2 * SECONDS
        while text.count(b"\036") < 2:
            assert select.select([self._shell.stdout], [], [], deadline - time.monotonic())[0]
            read = os.read(self._shell.stdout.fileno(), 65536)
            assert read, text.decode()
            text += read
        printed, status, _ = text.decode().split("\036")
        assert status == "0", f"{command}\n{printed}"
        return printed

    def _type(self, line: str) -> None:
        self._shell.stdin.write(f"{line}\n".encode())
        self._shell.stdin.flush()

    def close(self) -> None:
        """End it."""
        self._shell.stdin.close()
        self._shell.wait(SECONDS)
        self._shell.stdout.close()


class Servers:
    """
    The servers that the README has started and not stopped, at addresses that are free here.

    Attributes:
        real: By the address that is printed, the one here. Those of the pools are known when they
            listen; certificates name the PKI service before there is one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = ExitStack()
        self._addresses: set[str] = set()
        self.real = {at(port): at(free_port()) for port in (8090, 8091, 9464)}

    def start(self, command: str) -> None:
        """Start what a block of the README starts in a terminal of its own."""
        *variables, program = re.split(r" (?=make run|\.venv/bin/ccp)", f" {command}")
        if "make run" in program:
            self._start_pool(dict(one.split("=", 1) for one in shlex.split("".join(variables))))
        else:
            name = program.split()[-1]
            self._occupy(printed := at({"pki-service": 8090, "root-pool": 8091}[name]))
            port = self.real[printed].rpartition(":")[2]
            self._running.enter_context(workshop_service(self._folder, name, port))

    def _start_pool(self, variables: dict[str, str]) -> None:
        named = {
            name.removeprefix("CCP_").lower(): self.here(value) for name, value in variables.items()
        }
        printed = at(int(named.pop("port", 8080)))
        self._occupy(printed)
        if bind := named.get("operations_bind"):
            self._occupy(f"http://{bind}")
            named["operations_bind"] = self.real[f"http://{bind}"].removeprefix("http://")
        folder = self._folder
        if printed != at(8080):  # its log is another one
            folder = folder / "second"
            folder.mkdir()
            (folder / "workshop").symlink_to(self._folder / "workshop")
        server = self._running.enter_context(serving(folder, **named))
        self.real[printed] = at(server.port)

    def _occupy(self, printed: str) -> None:
        assert printed not in self._addresses, f"the README lets two servers listen at {printed}"
        self._addresses.add(printed)

    def stop(self) -> None:
        """Stop all of them."""
        self._running.close()
        self._addresses.clear()

    def here(self, text: str) -> str:
        """Put the addresses here in place of those that are printed."""
        for printed, real in self.real.items():
            text = text.replace(printed, real)
        return text

    def printed(self, text: str) -> str:
        """Put the addresses that are printed in place of those here."""
        for printed, real in self.real.items():
            text = text.replace(real, printed)
        return TRACE_ID.sub("TRACE", text)


def at(port: int) -> str:
    """The address of a server on this machine."""
    return f"http://127.0.0.1:{port}"


@contextmanager
def workshop_service(folder: Path, name: str, port: str) -> Iterator[None]:
    """A service of the workshop, by the command that starts it."""
    command = [sys.executable, "-m", "ccp.cli", "workshop", name, "--port", port]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    ) as service:
        try:
            assert service.stdout.readline().startswith("Listening at: ")
            yield
        finally:
            service.terminate()


@pytest.mark.skipif(shutil.which("curl") is None, reason="the tours are told with curl")
def test_tours_in_their_order_answer_what_the_readme_prints(tmp_path: Path) -> None:
    """
    Every command gives the output that follows it, trace ids apart.

    All tours share one folder and one terminal, as they do for who reads from top to bottom. A
    server runs until the README says that it is stopped.
    """
    assert len(TOURS) >= 10
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    terminal, servers = Terminal(tmp_path), Servers(tmp_path)
    try:
        for tour in TOURS:
            wrong = [step for step in take(tour, terminal, servers) if step[1] != step[2]]
            assert wrong == [], tour
    finally:
        servers.stop()
        terminal.close()


def take(tour: str, terminal: Terminal, servers: Servers) -> Iterator[tuple[str, str, str]]:
    """Take a tour; gives each command, what is printed behind it, and what it has answered."""
    before, *parts = re.split(r"^```(sh|console)\n(.*?)^```$", SECTIONS[tour], flags=re.M | re.S)
    texts = [before, *parts[2::3]]
    for text, kind, block in zip(texts, parts[0::3], parts[1::3], strict=False):
        if STOP in " ".join(text.split()):
            servers.stop()
        if kind == "sh":
            if re.search(r"make run|ccp workshop", block):
                servers.start(block.strip())
            continue
        for command, printed in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
            answered = terminal.run(servers.here(command))
            answered = servers.printed(answered).removesuffix("\n")  # curl adds none
            yield command, TRACE_ID.sub("TRACE", printed).removesuffix("\n"), answered


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
