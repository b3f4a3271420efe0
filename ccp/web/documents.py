"""The specs as callers can read it: the file itself, the same as JSON, and Swagger UI's page."""

import base64
import hashlib
import re

import orjson
from connexion.middleware.abstract import SpecMiddleware
from connexion.options import SwaggerUIConfig
from connexion.spec import Specification
from jinja2 import Environment, FileSystemLoader
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send


class DocumentsMiddleware(SpecMiddleware):
    """
    Serve `/openapi.yaml`, `/openapi.json` and `/ui/` of each spec, made when the server starts.

    Connexion makes the first two anew for each request: half a second in which a worker does
    nothing else. And its page of Swagger UI has a script and a style inside, which browsers are
    to run although they run no other that does not come from a file of ours.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._by_path: dict[str, Response] = {}
        self._files: tuple[str, ...] = ()

    def add_api(self, specification: Specification, *, text: bytes, **_: object) -> None:
        """
        Make the documents of a spec.

        Args:
            text: The spec as it is written.
        """
        page = _swagger_ui(specification)
        as_json = orjson.dumps(specification.raw)
        documents = {
            "/openapi.yaml": Response(text, media_type="application/yaml"),
            "/openapi.json": Response(as_json, media_type="application/json"),
            "/ui/": page,
            "/ui/index.html": page,
        }
        self._files += (f"{specification.base_path}/ui/",)
        self._by_path |= {
            f"{specification.base_path}{path}": answer for path, answer in documents.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a document, or pass on; files without a Range, whose errors are text."""
        document = None
        if scope["type"] == "http":
            document = self._by_path.get(scope["path"])
            if scope["path"].startswith(self._files):
                scope["headers"] = [field for field in scope["headers"] if field[0] != b"range"]
        await (document or self.app)(scope, receive, send)


def _swagger_ui(specification: Specification) -> Response:
    """Make the page, and say what it may load: the pool's files, and what is inside it now."""
    folder = SwaggerUIConfig(oas_version=specification.version).swagger_ui_template_dir
    templates = Environment(loader=FileSystemLoader(folder), autoescape=True)
    url = f"{specification.base_path}/openapi.json"
    page = templates.get_template("index.j2").render(openapi_spec_url=url)
    policy = (
        "default-src 'none'; connect-src 'self'; img-src 'self' data:; "
        f"script-src 'self' {_hashes('script', page)}; style-src 'self' {_hashes('style', page)}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})


def _hashes(element: str, page: str) -> str:
    inside = re.findall(f"<{element}>(.*?)</{element}>", page, re.DOTALL)
    digests = (hashlib.sha256(text.encode()).digest() for text in inside)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
