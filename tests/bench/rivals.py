"""The servers that the pool is compared with, on as many workers, by the same gunicorn."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import yaml

from tests.bench.canned import METHODS, Answers, load_spec, save_answers
from tests.bench.fastapi_read import DATABASE_VARIABLE
from tests.bench.servers import DEFAULTS, ROOT, Server, gunicorn, running

DEFAULT, BARE, FASTAPI, PRISM = "default Connexion", "bare Flask", "FastAPI", "Prism"
"""What the tables call them."""

_PRISM_COMMAND = ROOT / "build" / "prism" / "node_modules" / ".bin" / "prism"
_FLASK_THREADS = 4  # of each worker, as gunicorn recommends for two cores
_OPTIONS = (f"--config={os.devnull}", f"--workers={DEFAULTS.workers}")
_ASGI = (*_OPTIONS, "--worker-class=asgi", "--asgi-loop=uvloop")


def default_connexion(folder: Path, answers: Answers) -> AbstractContextManager[Server]:
    """Run Connexion in its default configuration, with operations that do nothing."""
    variables = save_answers(folder / "answers.json", answers)
    app = gunicorn("tests.bench.connexion_default:create_app()", *_ASGI)
    return running(DEFAULT, app, folder, variables)


def bare_flask(folder: Path, answers: Answers) -> AbstractContextManager[Server]:
    """Run Flask alone, in threads, so that connections are kept."""
    variables = save_answers(folder / "answers.json", answers)
    options = ("--worker-class=gthread", "--keep-alive=75", f"--threads={_FLASK_THREADS}")
    app = gunicorn("tests.bench.bare:create_app()", *_OPTIONS, *options)
    return running(BARE, app, folder, variables)


def fastapi(folder: Path, database: Path) -> AbstractContextManager[Server]:
    """Run a FastAPI service that reads the pool's own database."""
    variables = {DATABASE_VARIABLE: str(database)}
    return running(FASTAPI, gunicorn("tests.bench.fastapi_read:app", *_ASGI), folder, variables)


def why_no_prism() -> str:
    """Say why Prism cannot be run; nothing where it can."""
    if shutil.which("node") is None:
        return "there is no node"
    if not _PRISM_COMMAND.exists():
        return "it is not in build/prism; `make bench` installs it with npm"
    return ""


@contextmanager
def prism(folder: Path, answers: Answers) -> Iterator[Server]:
    """Run Prism as its command line does, with the recorded answers as the spec's examples."""
    document = load_spec()
    base = document["servers"][0]["url"]
    for item in document["paths"].values():
        for method in METHODS:
            if method in item:
                status, body = answers[item[method]["operationId"]]
                if body:
                    content = item[method]["responses"][str(status)]["content"]["application/json"]
                    content.pop("examples", None)
                    content["example"] = json.loads(body)
    # Prism looks at paths alone, and not at the path of the server.
    document["paths"] = {f"{base}{path}": item for path, item in document["paths"].items()}
    document["servers"] = [{"url": "/"}]
    file = folder / "prism.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    with running(
        PRISM, lambda port: [str(_PRISM_COMMAND), "mock", f"--port={port}", str(file)], folder
    ) as server:
        yield server
