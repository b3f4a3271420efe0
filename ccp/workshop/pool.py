"""The servers of a story, for as long as it lasts: pools, and the PKI service."""

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ccp.workshop.errors import WorkshopError

_SECONDS = 30
_LISTENS = re.compile(r"Listening at: (http://[\d.]+:\d+)")
_MAKE_RUN = "make run"


@contextmanager
def running(command: str, folder: Path) -> Iterator[str]:
    """
    Run a server until the block ends, on a port that is free, whatever the command says.

    Args:
        command: Of a shell: settings and `make run`, for a strict pool; or one of `ccp`.
        folder: Where it works, away from a developer's .env; its log is there too.
    Yields: Where it listens, such as http://127.0.0.1:1234.
    Raises:
        WorkshopError: It does not start; the text is its log.
    """
    environment = {name: value for name, value in os.environ.items() if name[:4] != "CCP_"}
    if command.endswith(_MAKE_RUN):
        words = shlex.split(command.removesuffix(_MAKE_RUN))
        said = {name: value for name, _, value in (word.partition("=") for word in words)}
        environment |= {"CCP_CHECKS": "strict", "CCP_WORKERS": "1"} | said | {"CCP_PORT": "0"}
        arguments = ["serve"]
    else:
        arguments = [*shlex.split(command)[1:], "--port", "0"]
    log = folder / f"server{len(list(folder.glob('server*.log')))}.log"
    with log.open("w") as output:
        server = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "ccp.cli", *arguments],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        yield _wait_for_url(server, log)
    finally:
        server.terminate()
        try:
            server.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for_url(server: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        if found := _LISTENS.search(log.read_text(encoding="utf-8")):
            return found[1]
        time.sleep(0.05)
    raise WorkshopError(f"a server did not start:\n{log.read_text(encoding='utf-8')}")
