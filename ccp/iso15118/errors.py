"""The one exception of this package."""

from collections.abc import Sequence

END_OF_ELEMENT = "the end of the element"
ITS_VALUE = "its value"


class ExiError(ValueError):
    """
    The bytes are not a valid message, or a value is not allowed by its type.

    Attributes:
        reason: One English sentence that names the element, for the sender of the bytes.
        bit: Position of the fault, counted from 0 at the first byte's highest bit; None when
            encoding.
        path: The element, from the root down, as in ``V2G_Message/Header/SessionID``; empty if the
            fault lies outside the root.
        expected: The events allowed at this position: names of elements and attributes,
            END_OF_ELEMENT or ITS_VALUE.
    """

    def __init__(self, problem: str, bit: int | None = None, expected: Sequence[str] = ()) -> None:
        """*problem* continues a sentence whose subject is the element: "has 9 bytes, ..."."""
        super().__init__(problem, bit, expected)
        self.problem = problem
        self.bit = bit
        self.expected = tuple(expected)
        self.path = ""

    @property
    def reason(self) -> str:
        subject = self.path.rpartition("/")[2] or "The message"
        return f"{subject} {self.problem}."

    def __str__(self) -> str:
        return self.reason

    def add_parent(self, name: str) -> None:
        """Prepend the element *name* to the path; called from the inside out."""
        self.path = f"{name}/{self.path}".strip("/")
