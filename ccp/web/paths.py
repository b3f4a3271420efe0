"""Which paths there are, and with which methods: the specs' answer before any router's."""

import re

from connexion.middleware.abstract import SpecMiddleware
from connexion.spec import Specification
from starlette.types import ASGIApp, Receive, Scope, Send

from ccp.errors import MethodNotAllowed, PathNotFound

_METHODS = ("get", "put", "post", "delete", "patch")
# What is served beside the operations of a spec: the spec itself and Swagger UI.
_DOCUMENTS = re.compile(r"/(openapi\.(json|yaml)|ui(/[\w.-]*)?)\Z", re.ASCII)


class PathMiddleware(SpecMiddleware):
    """
    Answer 404 for unknown paths and 405, with all of `Allow`, for unknown methods.

    The routers below would redirect `/x/` to `/x`, name one method only, take `%2F` for a slash,
    and fail on a line feed in a segment.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._routes: dict[str, list[tuple[re.Pattern[str], list[str]]]] = {}

    def add_api(self, specification: Specification, **_: object) -> None:
        """Learn the paths of a spec that is served."""
        routes = self._routes[specification.base_path] = [(_DOCUMENTS, ["GET", "HEAD"])]
        for path, operations in specification["paths"].items():
            literal = re.split(r"\{[^}]*\}", path)
            pattern = "[^/]+".join(map(re.escape, literal))
            methods = [method.upper() for method in _METHODS if method in operations]
            if "GET" in methods:
                methods.insert(1, "HEAD")
            routes.append((re.compile(rf"{pattern}\Z"), methods))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what exists."""
        if scope["type"] == "http":
            # An encoded slash is part of a segment, and no segment of ours has one.
            if b"%2f" in scope.get("raw_path", b"").lower():
                raise PathNotFound
            self._require_route(scope["method"], scope["path"])
        await self.app(scope, receive, send)

    def _require_route(self, method: str, path: str) -> None:
        for base_path, routes in self._routes.items():
            if path.startswith(base_path) and path.isprintable():
                below = path[len(base_path) :]
                for pattern, methods in routes:
                    if pattern.match(below):
                        if method not in methods:
                            raise MethodNotAllowed(headers={"Allow": ", ".join(methods)})
                        return
        raise PathNotFound
