"""The spec as callers can read it: the file itself, and the same as JSON."""

from typing import Any

import orjson
from connexion.middleware.abstract import SpecMiddleware
from connexion.spec import Specification
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ccp.web.spec import spec_text


class DocumentsMiddleware(SpecMiddleware):
    """
    Serve `/openapi.yaml` and `/openapi.json`, both made when the server starts.

    Connexion makes them anew for each request: half a second in which a worker does nothing else.

    Args:
        document: The spec, as `load_spec` gives it.
    """

    def __init__(self, app: ASGIApp, *, document: dict[str, Any]) -> None:
        self.app = app
        self._documents = {
            "/openapi.yaml": Response(spec_text(), media_type="application/yaml"),
            "/openapi.json": Response(orjson.dumps(document), media_type="application/json"),
        }
        self._by_path: dict[str, Response] = {}

    def add_api(self, specification: Specification, **_: object) -> None:
        """Learn below which path the one spec is served."""
        self._by_path = {
            f"{specification.base_path}{path}": answer for path, answer in self._documents.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a document, or pass on; without a Range, whose errors are plain text."""
        if scope["type"] == "http":
            scope["headers"] = [field for field in scope["headers"] if field[0] != b"range"]
        document = self._by_path.get(scope["path"]) if scope["type"] == "http" else None
        await (document or self.app)(scope, receive, send)
