"""The specs as callers can read them: a page of links, the file itself, JSON, and Swagger UI."""

import base64
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

import orjson
from connexion.middleware.abstract import SpecMiddleware
from connexion.options import SwaggerUIConfig
from connexion.spec import Specification
from jinja2 import Environment, FileSystemLoader
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from ccp.domain.errors import MethodNotAllowed

_JSON, _YAML = "application/json", "application/yaml"
_LINKS = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Contract Certificate Pool</title>
<h1>Contract Certificate Pool</h1>
{% for title, base in specs %}
<h2>{{ title }}</h2>
<p>Base path: <code>{{ base }}</code></p>
<ul>
<li><a href="{{ base }}/ui/">Swagger UI: read and try the operations</a></li>
<li><a href="{{ base }}/openapi.yaml">The specification as YAML</a></li>
<li><a href="{{ base }}/openapi.json">The specification as JSON</a></li>
</ul>
{% endfor %}
</html>
"""


class DocumentsMiddleware(SpecMiddleware):
    """
    Serve `/openapi.yaml`, `/openapi.json` and `/ui/` of each spec, made when the server starts.
    `/` and the base path of each spec are a page that links to them.

    Connexion makes the first two anew for each request: half a second in which a worker does
    nothing else. And its page of Swagger UI has a script and a style inside, which browsers are
    to run although they run no other that does not come from a file of ours.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._by_path: dict[str, ASGIApp] = {}
        self._specs: list[tuple[str, str]] = []

    def add_api(self, specification: Specification, *, text: bytes, **_: object) -> None:
        """
        Make the documents of a spec.

        Args:
            text: The spec as it is written.
        """
        self._specs.append((specification["info"]["title"], specification.base_path))
        links = _links_page(self._specs)
        for _title, base in self._specs:
            self._by_path |= {"/": links, base: links, f"{base}/": links}
        ui = f"{specification.base_path}/ui"
        folder = SwaggerUIConfig(oas_version=specification.version).swagger_ui_template_dir
        page = _page(folder, url=f"{specification.base_path}/openapi.json")
        files = _files(folder, root_path=ui)
        as_json = orjson.dumps(specification.raw)
        self._by_path |= {
            **{f"{ui}/{path.name}": files for path in Path(folder).iterdir()},
            f"{specification.base_path}/openapi.yaml": Response(text, media_type=_YAML),
            f"{specification.base_path}/openapi.json": Response(as_json, media_type=_JSON),
            f"{ui}/": page,
            f"{ui}/index.html": page,
            ui: RedirectResponse(f"{ui}/"),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a document, or pass on."""
        document = self._by_path.get(scope["path"]) if scope["type"] == "http" else None
        if document and scope["method"] not in ("GET", "HEAD"):
            raise MethodNotAllowed(headers={"Allow": "GET, HEAD"})
        await (document or self.app)(scope, receive, send)


def _links_page(specs: Iterable[tuple[str, str]]) -> Response:
    """Make the page of links, of the title and base path of each spec."""
    template = Environment(autoescape=True).from_string(_LINKS)
    return HTMLResponse(template.render(specs=list(specs)))


def _files(folder: str, *, root_path: str) -> ASGIApp:
    """Serve the files of a folder, whole: errors of a Range would be plain text."""
    files = StaticFiles(directory=folder)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [field for field in scope["headers"] if field[0] != b"range"]
        await files({**scope, "root_path": root_path, "headers": headers}, receive, send)

    return serve


def _page(folder: str, *, url: str) -> Response:
    """Make Swagger UI's page, and say what it may load: our files, and what is inside it now."""
    templates = Environment(loader=FileSystemLoader(folder), autoescape=True)
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
