"""Which operation a path and a method are: the specs' answer, and the only one."""

import re
from typing import NamedTuple
from urllib.parse import quote

from connexion.middleware.abstract import ROUTING_CONTEXT, SpecMiddleware
from connexion.spec import Specification
from starlette.types import ASGIApp, Receive, Scope, Send

from ccp.domain.errors import MethodNotAllowed, PathNotFound

_LONGEST_SHOWN = 120
# Characters that a message shows as they are, besides letters, digits and -._~; none of them has a
# meaning in HTML or in a script.
_SHOWN_AS_SENT = "/%:@=+,"

# What answers GET answers HEAD too.
_KEYS = {"GET": "get", "HEAD": "get", "PUT": "put", "POST": "post", "DELETE": "delete"}


class _Path(NamedTuple):
    """A path of a spec: the names in its template, and an operationId for each method."""

    base_path: str
    pattern: re.Pattern[str]
    names: list[str]
    operation_ids: dict[str, str]


class RoutingMiddleware(SpecMiddleware):
    """
    Name the operation of each request for the layers below; 404 for unknown paths, 405 with all of
    `Allow` for unknown methods.

    One slash at the end of a path makes no difference.

    It takes the place of Connexion's own, whose routers would redirect `/x/` to `/x`, name one
    method only, take `%2F` for a slash, fail on a line feed in a segment, and copy each request's
    scope several times.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._paths: list[_Path] = []

    def add_api(self, specification: Specification, **_: object) -> None:
        """Learn the paths of a spec that is served; the most specific have to come first."""
        for template, item in specification["paths"].items():
            literals = re.split(r"\{[^}]*\}", specification.base_path + template)
            ids = {m: item[_KEYS[m]]["operationId"] for m in _KEYS if _KEYS[m] in item}
            self._paths.append(
                _Path(
                    specification.base_path,
                    re.compile("([^/]+)".join(map(re.escape, literals))),
                    re.findall(r"\{([^}]*)\}", template),
                    ids,
                )
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what exists."""
        if scope["type"] == "http":
            self._route(scope)
        await self.app(scope, receive, send)

    def _route(self, scope: Scope) -> None:
        text = scope["path"].removesuffix("/")
        # An encoded slash is part of a segment, and no segment of ours has one.
        if b"%2f" in scope.get("raw_path", b"").lower():
            raise PathNotFound(_shown(scope))
        for path in self._paths:
            if match := path.pattern.fullmatch(text):
                operation_id = path.operation_ids.get(scope["method"])
                if operation_id is None:
                    raise MethodNotAllowed(headers={"Allow": ", ".join(path.operation_ids)})
                scope["path_params"] = dict(zip(path.names, match.groups(), strict=True))
                scope.setdefault("extensions", {})[ROUTING_CONTEXT] = {
                    "api_base_path": path.base_path,
                    "operation_id": operation_id,
                }
                return
        raise PathNotFound(_shown(scope))


def _shown(scope: Scope) -> str:
    """Return the path as it was sent, percent-encoded and not too long for a message."""
    raw = scope.get("raw_path", b"").partition(b"?")[0] or scope["path"].encode(errors="replace")
    path = quote(raw, safe=_SHOWN_AS_SENT)
    return path if len(path) <= _LONGEST_SHOWN else f"{path[:_LONGEST_SHOWN]}..."
