"""A pool of this checkout on a scratch database, for as long as a story lasts."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ccp.workshop.errors import WorkshopError

_SECONDS = 30
_CONFIG = "gunicorn.conf.py"
_LISTENS = re.compile(r"Listening at: (http://[\d.]+:\d+)")


def check_checkout(checkout: Path) -> None:
    """
    Look whether there is a pool to start.

    Raises:
        WorkshopError: There is none.
    """
    if not all((checkout / name).is_file() for name in ("wsgi.py", _CONFIG)):
        raise WorkshopError("there is no pool to start here; run this in a checkout of the project")


@contextmanager
def running_pool(checkout: Path, folder: Path, trust: Path) -> Iterator[str]:
    """
    Serve a strict pool until the block ends.

    Args:
        checkout: Where `wsgi.py` and `gunicorn.conf.py` are; see `check_checkout`.
        folder: For its database and its log, `pool.log`.
        trust: The anchors that it trusts.
    Yields: Its base URL.
    Raises:
        WorkshopError: It does not start; the text is its log.
    """
    environment = {name: value for name, value in os.environ.items() if name[:4] != "CCP_"}
    settings = {
        "CCP_PORT": "0",  # any that is free
        "CCP_WORKERS": "1",
        "CCP_CHECKS": "strict",
        "CCP_DATABASE_URL": f"sqlite:///{folder}/ccp.db",
        "CCP_TRUST_DIR": str(trust),
    }
    log = folder / "pool.log"
    with log.open("w") as output:
        server = subprocess.Popen(  # noqa: S603
            [
                *(sys.executable, "-m", "gunicorn", "wsgi:app"),
                *("--config", str(checkout / _CONFIG), "--pythonpath", str(checkout)),
            ],
            cwd=folder,  # away from a developer's .env
            env=environment | settings,
            stdout=output,
            stderr=output,
        )
    try:
        yield _wait_for_url(server, log) + "/opnc/v1/ccp"
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
    raise WorkshopError(f"the pool did not start:\n{log.read_text(encoding='utf-8')}")
