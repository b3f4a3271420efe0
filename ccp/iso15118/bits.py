"""
Reader and writer of bits: the primitives of bit-packed EXI.

In EXI even the only possible event takes a bit: 0 to follow the schema, 1 to deviate from it. ISO
15118 never deviates, so the reader does not read such bits one by one: it counts them in
``Reader.zeros``, and checks them together with the next value.

The reader shifts a message once into eight byte strings, one for each bit offset. Any octet at any
offset is then one index away, and a certificate is a slice. Shifting each value when it is read
was measured: a request of ISO 15118-2 takes 15 % longer, a message of ISO 15118-20 a fifth less.
"""

import re

from ccp.iso15118.errors import ExiError

DEPARTS = (
    "does not follow its schema: something is missing or not foreseen, or a value is not of its "
    "type"
)
CUT_OFF = "is cut off"
# No encoder writes such a number. It would give a message a second encoding.
LONG_WINDED = "has a number that is longer than it need be"
_LENGTH_OCTETS = 4  # 28 bits
# The high bit of a group says that another one follows.
_NUMBER = re.compile(rb"[\x80-\xff]*[\x00-\x7f]")
_MOST_KEPT = 2048  # bits; measured


def _join(groups: int) -> tuple[int, int, int]:
    """
    Compute the masks to join pairs of neighbours of *groups* groups of 7 bits.

    With one group, the lower 7 of each 16 bits stay, and the 7 of the upper octet move down by 1
    to lie next to them. With two groups 14 bits move down by 2, and so on.

    Returns: The mask of the bits that stay, that of the target of the others, and the shift.
    """
    low = sum((1 << 7 * groups) - 1 << 16 * groups * pair for pair in range(32 // groups))
    return low, low << 7 * groups, groups


_JOINS = [_join(groups) for groups in (1, 2, 4, 8, 16, 32)]


class Reader:
    """
    Reads values from *exi*, one after the other.

    Reading past the end raises IndexError. As the last octet is padded with zeros, a few bits past
    the end can be read: compare ``position`` with ``size`` at the end.

    Attributes:
        size: Length of the message in bits.
        spans: Position of elements, by name: the first bit after the event code of the start tag,
            and the bit after the event code of the end tag.
    """

    __slots__ = ("_at", "_views", "size", "spans", "zeros")

    def __init__(self, exi: bytes) -> None:
        number = int.from_bytes(exi, "big")
        octets = len(exi) + 1
        shifted = [(number << offset).to_bytes(octets, "big") for offset in range(1, 8)]
        self._views = [b"\0" + exi, *shifted]
        self._at = 8  # the first octet of a view holds the bits shifted out at the top
        self.size = 8 * len(exi)
        self.zeros: int = 0
        self.spans: dict[str, tuple[int, int]] = {}

    @property
    def position(self) -> int:
        """The next bit, after all values read and all zeros counted."""
        return self._at + self.zeros - 8

    def code(self, width: int) -> int:
        """Read *width* bits, at most 8; raise ExiError if a counted zero is a one."""
        at = self._at
        view = self._views[at & 7]
        total = self.zeros + width
        if total <= 8:
            value = view[at >> 3] >> (8 - total)
        else:
            value = (view[at >> 3] << 8 | view[(at >> 3) + 1]) >> (16 - total)
        if value >> width:
            raise self.error(DEPARTS)
        self._at = at + total
        self.zeros = 0
        return value

    def check_zeros(self) -> None:
        """Check the zeros counted so far, at most 8; raise ExiError if one is a one."""
        at = self._at
        if self._views[at & 7][at >> 3] >> (8 - self.zeros):
            raise self.error(DEPARTS)
        self._at = at + self.zeros
        self.zeros = 0

    def unsigned(self, octets: int) -> int:
        """
        Read an unsigned integer (groups of 7 bits, low first) of at most that many *octets*.

        The limit is 64. Serial numbers of X.509 have some 20 octets, too many for a loop: all pairs
        of groups are joined at once, then pairs of these, until one is left.
        """
        self.check_zeros()
        start = self._at >> 3
        view = self._views[self._at & 7]
        found = _NUMBER.match(view, start, start + octets)
        if found is None:
            if len(view) < start + octets:
                raise self.error(CUT_OFF)
            raise self.error(f"has a number of more than {7 * octets} bits")
        number = found[0]
        size = len(number)
        if size > 1 and number[-1] == 0:
            raise self.error(LONG_WINDED)
        self._at += 8 * size
        value = int.from_bytes(number, "little")
        for low, high, shift in _JOINS[: (size - 1).bit_length()]:
            value = value & low | value >> shift & high
        return value

    def unsigneds(self, count: int, octets: int) -> list[int]:
        """Read *count* such integers, faster than one by one; no zeros may be pending."""
        start = self._at >> 3
        values = []
        value = shift = read = 0
        for octet in self._views[self._at & 7][start : start + octets * count]:
            read += 1
            if octet > 127:
                value |= (octet & 127) << shift
                shift += 7
                if shift == 7 * octets:
                    raise self.error(f"has a number of more than {shift} bits")
                continue
            if octet == 0 and shift:
                raise self.error(LONG_WINDED)
            values.append(value | octet << shift)
            if len(values) == count:
                self._at += 8 * read
                return values
            value = shift = 0
        raise self.error(CUT_OFF)

    def sized(self, bias: int) -> bytes:
        """
        Read a count, which is *bias* too high, and that many octets.

        A count larger than the message allocates nothing.
        """
        at = self._at
        zeros = self.zeros
        views = self._views
        wrong = views[at & 7][at >> 3] >> (8 - zeros)  # not 0 if one of the zeros is a one
        at += zeros
        view = views[at & 7]
        count = view[at >> 3]
        at += 8
        if count > 127:  # as of any certificate: two groups of 7 bits
            high = view[at >> 3]
            at += 8
            count += (high - 1) << 7
            wrong |= not 0 < high < 128
        if wrong:
            count = self.unsigned(_LENGTH_OCTETS)  # of more groups, or an error
            at = self._at
        else:
            self.zeros = 0
            self._at = at
        count -= bias
        if count < 0:
            raise self.error("refers to a string table, which ISO 15118 does not use")
        start = at >> 3
        value = view[start : start + count]
        if len(value) < count:
            raise self.error(CUT_OFF)
        self._at = at + 8 * count
        return value

    def back(self, octets: int) -> None:
        """Move the position back by *octets*."""
        self._at -= 8 * octets

    def rest(self) -> bytes:
        """Return all remaining bits, padded with zeros to whole octets."""
        return self._views[self._at & 7][self._at >> 3 :]

    def error(self, problem: str) -> ExiError:
        return ExiError(problem, min(self._at - 8, self.size))


class CarefulReader(Reader):
    """
    A slower Reader that checks each zero and the end of the message at once.

    It decodes a message again that Reader has refused, so that the error names the right element.
    """

    __slots__ = ()

    @property
    def zeros(self) -> int:
        return 0

    @zeros.setter
    def zeros(self, count: int) -> None:
        for _ in range(count):
            if self.code(1):
                self._at -= 1
                raise self.error(DEPARTS)

    def code(self, width: int) -> int:
        value = Reader.code(self, width)
        if self._at - 8 > self.size:  # check_end without a call: this runs for each bit
            raise self.error(CUT_OFF)
        return value

    def check_end(self) -> None:
        """Raise ExiError if bits past the end were read."""
        if self.position > self.size:
            raise self.error(CUT_OFF)

    def check_zeros(self) -> None:
        """Do nothing: this reader has no zeros left to check."""


class Writer:
    """Collects bits in an integer, and moves them to byte strings before shifting gets slow."""

    __slots__ = ("_bits", "_chunks", "_width")

    def __init__(self) -> None:
        self._bits = 0
        self._width = 0
        self._chunks: list[bytes] = []

    def code(self, value: int, width: int) -> None:
        """Append *value* with *width* bits; it must fit in them."""
        self._bits = self._bits << width | value
        self._width += width

    def unsigned(self, value: int) -> None:
        """Append an unsigned integer: groups of 7 bits, low first."""
        if value < 128:
            self._bits = self._bits << 8 | value
            self._width += 8
        elif value < 128 * 128:
            self._bits = self._bits << 16 | (value & 127 | 128) << 8 | value >> 7
            self._width += 16
        else:
            octets = groups(value)
            self._bits = self._bits << 8 * len(octets) | int.from_bytes(octets, "big")
            self._width += 8 * len(octets)

    def sized(self, count: int, octets: bytes) -> None:
        """Append *count*, and then *octets*."""
        self.unsigned(count)
        size = len(octets)
        bits = self._bits << 8 * size | int.from_bytes(octets, "big")
        width = self._width + 8 * size
        if width > _MOST_KEPT:
            kept = width & 7
            self._chunks.append((bits >> kept).to_bytes(width >> 3, "big"))
            bits &= (1 << kept) - 1
            width = kept
        self._bits = bits
        self._width = width

    def getvalue(self) -> bytes:
        """Return all bits so far, padded with zeros to whole octets."""
        padding = -self._width % 8
        last = (self._bits << padding).to_bytes((self._width + padding) >> 3, "big")
        return b"".join(self._chunks) + last


def groups(value: int) -> bytes:
    """Encode an unsigned integer in groups of 7 bits, low first (EXI 1.0, 7.1.6)."""
    octets = bytearray()
    while value > 127:
        octets.append(value & 127 | 128)
        value >>= 7
    octets.append(value)
    return bytes(octets)
