"""A pool whose pages are looked at without a browser: what they say, and where they lead."""

from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

from httpx2 import Response
from starlette.testclient import TestClient

from ccp.app import create_app
from ccp.operations.listener import listener_of
from tests.builders import NOW
from tests.conftest import make_settings

ADDRESS = ("127.0.0.1", 9)
URL = "http://127.0.0.1:9"
_INLINE = {"a", "code", "mark", "small", "span", "strong"}
_VOID = {"input", "img", "link", "meta", "rect", "line", "path", "br"}


class Page(HTMLParser):
    """
    What a page says.

    Attributes:
        text: All of its text, with single spaces.
        elements: Name, attributes and text of each, in the order of their beginnings.
    """

    def __init__(self, answer: Response) -> None:
        super().__init__()
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._all: list[str] = []
        self.feed(answer.text)
        self.close()
        assert not self._open, "elements that do not end"
        self.text = " ".join("".join(self._all).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _INLINE:
            self.handle_data(" ")
        element = (tag, dict(attrs), [])
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            name, *_ = self._open.pop()
            assert name == tag, "elements that overlap"

    def handle_data(self, data: str) -> None:
        self._all.append(data)
        for _, _, texts in self._open:
            texts.append(data)

    def all(self, tag: str, **attributes: str) -> list[str]:
        """The texts of all elements of a name with these attributes."""
        return [
            " ".join("".join(texts).split())
            for name, given, texts in self.elements
            if name == tag and attributes.items() <= given.items()
        ]

    def links(self) -> list[str | None]:
        """Where it leads."""
        return [given["href"] for name, given, _ in self.elements if name == "a"]


@contextmanager
def looking(
    folder: Path, *, address: tuple[str, int] = ADDRESS, **variables: str
) -> Iterator[tuple[TestClient, TestClient]]:
    """A pool, for the block: a client of the API, and one of its operators."""
    host, port = address
    settings = make_settings(folder, operations_bind=f"{host}:{port}", **variables)
    app = create_app(settings, clock=lambda: NOW)
    counts = folder / "counts"
    counts.mkdir()
    listener_of(settings).listen_at(address, counts)
    with TestClient(app, raise_server_exceptions=False) as api:
        operators = TestClient(
            app,
            base_url=f"http://{host}:{port}",
            raise_server_exceptions=False,
            follow_redirects=False,
        )
        yield api, operators
