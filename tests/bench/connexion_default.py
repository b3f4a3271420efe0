"""
Connexion as it comes: our spec, and operations that do nothing but return what was recorded.

It validates requests, and makes JSON of the answers, as it does for whoever changes nothing.
"""

import json
from collections.abc import Callable
from typing import Any

from connexion import FlaskApp, NoContent
from connexion.resolver import Resolver

from tests.bench.canned import load_answers, load_spec


def create_app() -> FlaskApp:
    """Make the application."""
    answers = load_answers()
    app = FlaskApp(__name__)
    app.add_api(load_spec(), resolver=Resolver(lambda name: _operation(*answers[name])))
    return app


def _operation(status: int, body: str) -> Callable[..., tuple[Any, int]]:
    answer = json.loads(body) if body else NoContent

    def operation(**_: Any) -> tuple[Any, int]:
        return answer, status

    return operation
