"""Types whose elements are found again: reading notes where one lies in the message."""

from collections.abc import Callable
from typing import Any

from ccp.iso15118.bits import Reader, Writer


class Span:
    """
    A type of elements that can be signed.

    Args:
        name: Of the element; that under which its place is noted.
        content: The type of what is in it.
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
    """A simple type whose values all have the same width, so that one can take another's place."""
