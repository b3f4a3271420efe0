"""A page: a template filled with what a view found, and what browsers may do with it."""

import hashlib
import re
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20
from ccp.domain.printable import printable
from ccp.iso15118 import tree_xml
from ccp.operations.pages.hexdump import bits_of, hexdump

STATIC = Path(__file__).with_name("static")
# Nothing from elsewhere, and nothing that stands in a page itself.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
_EDITIONS = {ISO_15118_2: "ISO 15118-2", ISO_15118_20: "ISO 15118-20"}
_OPERATOR = "operator"
_COMMA = re.compile(r"(?<!\\), *")  # that no backslash escapes


def render(
    request: Request, template: str, view: dict[str, Any], *, status: int = 200
) -> HTMLResponse:
    """
    Fill a template; whatever is put in is escaped.

    Args:
        request: That it answers.
        template: Name of a file in `templates`.
        view: What the template asks for, by name.
    """
    page = _templates.get_template(template)
    text = page.render(view, path=request.scope["path"], operator=operator_of(request))
    return HTMLResponse(text, status, {"Content-Security-Policy": _POLICY})


def sign(request: Request, operator: str) -> None:
    """Note whose token a request has shown."""
    request.scope[_OPERATOR] = operator


def operator_of(request: Request) -> str | None:
    """Return whose token a request has shown; None where nobody is asked for one."""
    name: str | None = request.scope.get(_OPERATOR)
    return name


def _asset(name: str) -> str:
    """Give the URL of a file of ours, which is another one when the file has changed."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


def _moment(at: datetime) -> str:
    """Write a moment for people; all of the pages are in UTC."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _grouped(text: str) -> str:
    """Break a long number into groups that eyes can compare."""
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _edition(namespace: str) -> str:
    return _EDITIONS.get(namespace, namespace)


def _number(number: int) -> str:
    """Write a number with its thousands apart."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def name_of(distinguished_name: str) -> str:
    """Take out of a distinguished name what people call its holder; all of it, if that fails."""
    parts = _COMMA.split(distinguished_name)
    return next((part[3:] for part in parts if part[:3] == "CN=" and part[3:]), distinguished_name)


def _visible(value: Any) -> Any:
    """Write out what cannot be seen, such as a change of direction; spaces and lines are kept."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(one if one.isspace() else printable(one) for one in value)


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    finalize=_visible,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {
    "moment": _moment,
    "day": _day,
    "grouped": _grouped,
    "edition": _edition,
    "number": _number,
    "name_of": name_of,
    "hexdump": hexdump,
    "bits_of": bits_of,
    "xml": tree_xml,
}
_templates.globals |= {
    "style": _asset("style.css"),
    "script": _asset("enhancements.js"),
    "version": version("opnc-ccp"),
}
