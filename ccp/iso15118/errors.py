"""The one exception of this package."""

from collections.abc import Sequence

END_OF_ELEMENT = "the end of the element"
ITS_VALUE = "its value"


class ExiError(ValueError):
    """
    Bytes are not the message they should be, or a value is not what its type allows.

    Attributes:
        reason: One English sentence that names the element; fit for whoever sent the bytes.
        bit: Where in the bytes, counted from 0 at the first byte's highest bit; None if there are
            no bytes (encoding).
        path: The element, from the root down, as in ``V2G_Message/Header/SessionID``; empty if the
            fault lies outside the root.
        expected: What may come at this place, where the bytes have something else: the names of
            elements and attributes, END_OF_ELEMENT or ITS_VALUE.
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
        """Say that the fault lies inside the element *name*; called from the inside out."""
        self.path = f"{name}/{self.path}".strip("/")
