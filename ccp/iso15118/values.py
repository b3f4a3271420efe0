"""
The simple types: how each is written in EXI (EXI 1.0 §7.1) and which values it allows.

Each has ``read(reader)`` and ``write(writer, value)``; both raise ExiError for a value that the
type does not allow. ISO 15118 has no string table (valuePartitionCapacity is 0): every string is
spelled out.
"""

import re
import sys
from collections.abc import Sequence

from ccp.iso15118.bits import Reader, Writer, groups
from ccp.iso15118.errors import ExiError
from ccp.iso15118.spans import Noted

_UNLIMITED = sys.maxsize
_TEXT_BIAS = 2  # lengths 0 and 1 would be hits in a string table
_INTEGER_OCTETS = 37  # 259 bits; the longest serial number of X.509 has 160 (RFC 5280, 4.1.2.2)
_INTEGER_BITS = 256
LONG_OCTETS = 10  # 70 bits
_NO_XML_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Binary:
    """base64Binary and hexBinary: the length, then the octets, *least* to *most* of them."""

    def __init__(self, least: int = 0, most: int = _UNLIMITED) -> None:
        self.least = least
        self.most = most

    def read(self, reader: Reader) -> bytes:
        octets = reader.sized(0)
        if not self.least <= len(octets) <= self.most:
            raise self._misfit(octets)
        return octets

    def write(self, writer: Writer, value: bytes) -> None:
        if not self.least <= len(value) <= self.most:
            raise self._misfit(value)
        writer.sized(len(value), value)

    def _misfit(self, value: bytes) -> ExiError:
        bounds = f"{self.most} are needed" if self.least else f"at most {self.most} are allowed"
        return ExiError(f"has {len(value)} bytes; {bounds}")


def exactly(octets: int) -> Binary:
    """A binary value whose length is fixed."""
    return Binary(octets, octets)


class Text:
    """
    string, ID and anyURI: the length plus 2, then each code point as an unsigned integer.

    How an ID or a URI has to be spelled is not checked: ids such as ``0`` are in use.
    """

    def __init__(self, least: int = 0, most: int = _UNLIMITED) -> None:
        self.least = least
        self.most = most

    def read(self, reader: Reader) -> str:
        octets = reader.sized(_TEXT_BIAS)  # one at least for each character
        if octets.isascii():
            text = octets.decode("ascii")
        else:
            reader.back(len(octets))
            text = self._read_slowly(reader, len(octets))
        if not (text.isprintable() and self.least <= len(text) <= self.most):
            self._check(text)
        return text

    @staticmethod
    def _read_slowly(reader: Reader, length: int) -> str:
        points = reader.unsigneds(length, 3)
        if max(points) > 0x10FFFF:
            raise ExiError("has a character that does not exist in XML")
        return "".join(map(chr, points))

    def write(self, writer: Writer, value: str) -> None:
        self._check(value)
        if value.isascii():
            octets = value.encode("ascii")
        else:
            octets = b"".join([groups(ord(character)) for character in value])
        writer.sized(len(value) + _TEXT_BIAS, octets)

    def _check(self, text: str) -> None:
        if not self.least <= len(text) <= self.most:
            bounds = f"{self.least} to {self.most}" if self.least else f"at most {self.most}"
            raise ExiError(f"has {len(text)} characters; {bounds} are allowed")
        if not text.isprintable() and _NO_XML_CHARACTER.search(text):
            raise ExiError("has a character that does not exist in XML")


class Integer:
    """integer: the sign, then the magnitude (-1 is magnitude 0); at most 256 bits here."""

    def read(self, reader: Reader) -> int:
        negative = reader.code(1)
        magnitude = reader.unsigned(_INTEGER_OCTETS)
        self._check(magnitude)
        return -1 - magnitude if negative else magnitude

    def write(self, writer: Writer, value: int) -> None:
        magnitude = -1 - value if value < 0 else value
        self._check(magnitude)
        writer.code(int(value < 0), 1)
        writer.unsigned(magnitude)

    @staticmethod
    def _check(magnitude: int) -> None:
        if magnitude.bit_length() > _INTEGER_BITS:
            raise ExiError(f"has a number of more than {_INTEGER_BITS} bits")


class Enumeration:
    """An enumeration: the value's place in the schema's order, in as few bits as possible."""

    def __init__(self, values: Sequence[str]) -> None:
        self.values = tuple(values)
        self.width = (len(values) - 1).bit_length()
        self._codes = {value: code for code, value in enumerate(values)}

    def read(self, reader: Reader) -> str:
        code = reader.code(self.width)
        if code >= len(self.values):
            raise ExiError(f"has value number {code}; there are {len(self.values)}")
        return self.values[code]

    def write(self, writer: Writer, value: str) -> None:
        code = self._codes.get(value)
        if code is None:
            raise ExiError(f"cannot be {value!r:.40}")
        writer.code(code, self.width)


class UnsignedByte:
    """unsignedByte: 8 bits."""

    width = 8

    def read(self, reader: Reader) -> int:
        return reader.code(self.width)

    def write(self, writer: Writer, value: int) -> None:
        if not 0 <= value < 1 << self.width:
            raise ExiError("is not a number from 0 to 255")
        writer.code(value, self.width)


class UnsignedLong:
    """unsignedLong: an unsigned integer of at most 64 bits."""

    def read(self, reader: Reader) -> int:
        value = reader.unsigned(LONG_OCTETS)
        self._check(value)
        return value

    def write(self, writer: Writer, value: int) -> None:
        self._check(value)
        writer.unsigned(value)

    @staticmethod
    def _check(value: int) -> None:
        if not 0 <= value < 1 << 64:
            raise ExiError("is not a number of at most 64 bits")


SimpleType = Binary | Text | Integer | Enumeration | UnsignedByte | UnsignedLong | Noted
