"""What the pool has answered, for the servers that answer it without any work."""

import json
import os
from pathlib import Path
from typing import Any

import yaml

from tests.bench.servers import ROOT

METHODS = ("get", "put", "post", "delete")
_VARIABLE = "BENCH_ANSWERS"  # names the file

Answers = dict[str, tuple[int, str]]
"""operationId -> status and body."""


def save_answers(file: Path, answers: Answers) -> dict[str, str]:
    """Write answers; return the variable that tells a server where they are."""
    file.write_text(json.dumps(answers))
    return {_VARIABLE: str(file)}


def load_answers() -> Answers:
    """Read the answers, in a server that was told where they are."""
    answers = json.loads(Path(os.environ[_VARIABLE]).read_text())
    return {name: (status, body) for name, (status, body) in answers.items()}


def load_spec() -> dict[str, Any]:
    """Read our spec as a server gets it that asks nobody for a token."""
    spec = yaml.safe_load((ROOT / "spec" / "opnc-ccp.yaml").read_bytes())
    del spec["components"]["securitySchemes"]
    for item in spec["paths"].values():
        for method in METHODS:
            item.get(method, {}).pop("security", None)
    return dict(spec)
