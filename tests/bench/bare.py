"""Flask alone, that answers the same bytes without any work: what the framework allows."""

from collections.abc import Callable

from flask import Flask, Response, request

from tests.bench.canned import METHODS, load_answers, load_spec


def create_app() -> Flask:
    """Make the application out of the spec's paths and the answers that were recorded."""
    app = Flask(__name__)
    answers, spec = load_answers(), load_spec()
    for path, item in spec["paths"].items():
        for method in METHODS:
            if method in item:
                name = item[method]["operationId"]
                app.add_url_rule(
                    spec["servers"][0]["url"] + path.replace("{", "<").replace("}", ">"),
                    name,
                    _endpoint(*answers[name]),
                    methods=[method.upper()],
                )
    return app


def _endpoint(status: int, body: str) -> Callable[..., Response]:
    content = body.encode()

    def endpoint(**_: str) -> Response:
        request.get_data()
        return Response(content, status, content_type="application/json")

    return endpoint
