"""Types that record the position of their element when it is read."""

from collections.abc import Callable
from typing import Any

from ccp.iso15118.bits import Reader, Writer


class Span:
    """
    The type of an element that can be signed. Reading it records its position.

    Args:
        name: Name of the element, and key of its position in `Reader.spans`.
        content: The type of its content.
    """

    def __init__(self, name: str, content: Any) -> None:
        self.name = name
        self.content = content
        self.write: Callable[[Writer, Any], None] = content.write

    def read(self, reader: Reader) -> Any:
        start = reader.position
        value = self.content.read(reader)
        reader.spans[self.name] = start, reader.position
        return value


class Noted(Span):
    """A simple type whose values all have the same width, so that one can replace another."""
