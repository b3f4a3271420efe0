"""Escape text for a terminal, so that control characters have no effect."""


def printable(text: str) -> str:
    """
    Escape everything in a line that a terminal would not print.

    These are control characters, which make escape sequences; line ends, which would forge a line;
    marks that change the direction of text; and halves of surrogate pairs, which have no encoding.
    """
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def printable_lines(text: str) -> str:
    """Escape text of several lines as `printable` does, and keep its line ends."""
    return "\n".join(map(printable, text.split("\n")))
