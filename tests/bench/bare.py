"""
The measure of the pool's speed: Flask alone, that answers the same bytes without any work.

The machine's speed goes into both, so the ratio of the two stays where seconds do not.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import yaml
from flask import Flask, Response, request

ANSWERS_VARIABLE = "BENCH_ANSWERS"
"""Names a JSON file: operationId -> [status, body]."""

_METHODS = ("get", "put", "post", "delete")


def _endpoint(status: int, body: str) -> Callable[..., Response]:
    content = body.encode()

    def endpoint(**_: str) -> Response:
        request.get_data()
        return Response(content, status, content_type="application/json")

    return endpoint


def create_app() -> Flask:
    """Make the application out of the spec's paths and the answers that were recorded."""
    app = Flask(__name__)
    answers = json.loads(Path(os.environ[ANSWERS_VARIABLE]).read_bytes())
    spec = yaml.safe_load((Path(__file__).parents[2] / "spec" / "opnc-ccp.yaml").read_bytes())
    for path, item in spec["paths"].items():
        for method in _METHODS:
            if method in item:
                name = item[method]["operationId"]
                app.add_url_rule(
                    spec["servers"][0]["url"] + path.replace("{", "<").replace("}", ">"),
                    name,
                    _endpoint(*answers[name]),
                    methods=[method.upper()],
                )
    return app
