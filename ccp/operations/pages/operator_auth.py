"""Who may look: an operator, by the token in a cookie, where the pool asks for tokens at all."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ccp.auth.tokens import Tokens
from ccp.domain.errors import RoleNotAllowed, TokenInvalid
from ccp.operations.pages.forms import form_of
from ccp.operations.pages.rendering import render, sign
from ccp.web.same_machine import is_at_loopback, is_from_another_site, names_this_machine

_COOKIE = "ccp_operator"
_LONGEST = 3800  # browsers drop cookies of more than 4096 characters, name and attributes included
_ROLE = "operator"
_LOGIN = "/login"
_STATIC = "/static/"


class OperatorAuth:
    """
    Let operators in, and nobody else.

    Without tokens it is the address that decides who reaches the pages. A page from elsewhere could
    still have a browser ask them under a name of its own (DNS rebinding): at a loopback address
    only names and addresses of this machine are answered to.

    Args:
        tokens: None where nobody is asked for one.
        is_closed: Tells that the address can be reached from elsewhere, and that nobody has said
            that this is meant.
    """

    def __init__(
        self, app: ASGIApp, *, tokens: Tokens | None, is_closed: Callable[[], bool]
    ) -> None:
        self.app = app
        self._tokens = tokens
        self._is_closed = is_closed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or send to the form that asks for a token."""
        request = Request(scope)
        app = self.app
        _refuse_other_sites(request)
        if self._tokens is None:
            self._check_address(request)
        elif not _is_open(scope["path"]):  # as the router reads it: a Host header has no part in it
            token = request.cookies.get(_COOKIE)
            try:
                sign(request, await operator_by(token or "", self._tokens))
            except (TokenInvalid, RoleNotAllowed):
                app = RedirectResponse(_login_for(request), 303)
        await app(scope, receive, send)

    def _check_address(self, request: Request) -> None:
        if self._is_closed():
            raise HTTPException(
                403,
                "These pages can be reached from elsewhere. If that is meant, the pool needs"
                " CCP_AUTH=jwt, or CCP_AUTH=none in so many words.",
            )
        if is_at_loopback(request.scope) and not names_this_machine(request.headers):
            raise HTTPException(
                403, "These pages are for this machine alone: open them as 127.0.0.1."
            )


class Login:
    """
    The form that asks for a token, and keeps it in a cookie.

    Args:
        tokens: None where nobody is asked for one; then there is no form.
    """

    def __init__(self, tokens: Tokens | None) -> None:
        self.routes: list[Route] = []
        if tokens:
            self._tokens = tokens
            self.routes = [
                Route(_LOGIN, self._ask, methods=["GET"]),
                Route(_LOGIN, self._let_in, methods=["POST"]),
                Route("/logout", self._let_out, methods=["POST"]),
            ]

    async def _ask(self, request: Request) -> Response:
        return render(request, "login.html", {"problems": [], "next": _next_of(request)})

    async def _let_in(self, request: Request) -> Response:
        async with form_of(request, most_files=0, most_fields=2) as form:
            token = str(form.get("token", "")).strip()
        try:
            if len(token) > _LONGEST:
                raise TokenInvalid(f"Of more than {_LONGEST} characters no browser keeps it.")
            await operator_by(token, self._tokens)
        except (TokenInvalid, RoleNotAllowed) as error:
            view = {"problems": error.messages, "next": _next_of(request)}
            return render(request, "login.html", view, status=error.status)
        response = RedirectResponse(_next_of(request), 303)
        response.set_cookie(_COOKIE, token, **_attributes(request))
        return response

    async def _let_out(self, request: Request) -> Response:
        response = RedirectResponse(_LOGIN, 303)
        response.delete_cookie(_COOKIE, **_attributes(request))
        return response


async def operator_by(token: str, tokens: Tokens) -> str:
    """
    Tell which operator a token is of.

    Raises:
        TokenInvalid, KeysNotThere: See `Tokens.caller`.
        RoleNotAllowed: It is not an operator's.
    """
    caller = await tokens.caller(token)
    if _ROLE not in caller.roles:
        raise RoleNotAllowed("The access token is not an operator's.")
    return caller.subject or _ROLE


def _is_open(path: str) -> bool:
    """Whether strangers get what is there: the form, and what it is drawn with."""
    return path == _LOGIN or path.startswith(_STATIC)


def _refuse_other_sites(request: Request) -> None:
    """Take forms of our own pages, and of what is no browser (Fetch Metadata, Sec-Fetch-Site)."""
    if request.method == "POST" and is_from_another_site(request.headers):
        raise HTTPException(403, "Forms are taken from this pool's own pages alone.")


def _login_for(request: Request) -> str:
    return f"{_LOGIN}?{urlencode({'next': _target(request)})}"


def _next_of(request: Request) -> str:
    """Return where the form leads: a page of ours, whatever the URL says."""
    path = request.query_params.get("next", "/")
    is_ours = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable()
    return path if is_ours else "/"


def _target(request: Request) -> str:
    """Return what was asked for; a URL is made of a Host header too, and is not asked."""
    path, query = request.scope["path"], request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _attributes(request: Request) -> dict[str, Any]:
    is_https = request.url.scheme == "https"
    return {"httponly": True, "samesite": "strict", "secure": is_https, "path": "/"}
