"""Bytes as people look at them: in rows, in hexadecimal, with a place marked."""

from collections.abc import Sequence
from dataclasses import dataclass

_ROW = 16
_AROUND = 4  # rows before and behind the one that is marked


@dataclass(frozen=True, slots=True)
class HexdumpRow:
    """
    Some bytes.

    Attributes:
        offset: Of the first one.
        before, marked, behind: In hexadecimal, apart; *marked* is the byte that is looked at, and
            empty in all rows but one.
    """

    offset: int
    before: str
    marked: str
    behind: str


def hexdump(data: bytes, bit: int) -> Sequence[HexdumpRow]:
    """
    Write the bytes around a place.

    Args:
        bit: That is marked, counted from 0 at the first byte's highest bit; it may be the end.
    """
    place = bit // 8
    first = max(0, place // _ROW - _AROUND) * _ROW
    last = (place // _ROW + _AROUND + 1) * _ROW
    return [
        _row(data[start : start + _ROW], start, place - start)
        for start in range(first, min(last, len(data)), _ROW)
    ]


def bits_of(data: bytes, bit: int) -> tuple[str, str, str] | None:
    """Write the byte of a bit in binary: what is before the bit, the bit, what follows it."""
    byte, place = divmod(bit, 8)
    if byte >= len(data):
        return None
    digits = f"{data[byte]:08b}"
    return digits[:place], digits[place], digits[place + 1 :]


def _row(data: bytes, offset: int, place: int) -> HexdumpRow:
    if not 0 <= place < len(data):
        return HexdumpRow(offset, data.hex(" "), "", "")
    return HexdumpRow(
        offset,
        data[:place].hex(" "),
        data[place : place + 1].hex(),
        data[place + 1 :].hex(" "),
    )
