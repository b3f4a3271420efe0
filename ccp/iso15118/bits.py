"""
Bits in, bits out: the primitives of bit-packed EXI.

Reading. In EXI an event that is certain still takes a bit: any element may depart from its schema,
so a lone production is one bit, 0 to follow the schema and 1 to leave it. We never leave it, hence
such bits are not read but counted in ``Reader.zeros``, and checked together with the next value.
A message is shifted once into eight byte strings, one per bit offset: any octet of the message is
then one index away, a certificate is a slice, and no shifting or masking is left to do.

To shift each value only when it is read was measured too: the many small ones then cost what the
certificates save. A request of ISO 15118-2 takes 15 % longer, its response as long; but that of
ISO 15118-20, of certificates nearly alone, takes a fifth less. Fewer byte strings, of every second
offset or of a message's first KiB, were no better.
"""

import re

from ccp.iso15118.errors import ExiError

DEPARTS = (
    "does not follow its schema: something is missing or not foreseen, or a value is not of its "
    "type"
)
CUT_OFF = "is cut off"
# No encoder writes such a number; two encodings of a message could be confused.
LONG_WINDED = "has a number that is longer than it need be"
_LENGTH_OCTETS = 4  # 28 bits
_NUMBER = re.compile(rb"[\x80-\xff]*[\x00-\x7f]")  # all groups but the last say that one follows
_MOST_KEPT = 2048  # bits; measured


def _join(groups: int) -> tuple[int, int, int]:
    """
    How to join pairs of neighbours, each of so many *groups*: 7 bits of every octet count.

    For 1, of each 16 bits the lower 7 stay where they are, and the 7 of the octet above move down
    by 1, to lie next to them; then for 2 the 14 bits above move down by 2 to the 14 below, and so
    on.

    Returns: The bits that stay, those that the others move to, and how far they move.
    """
    low = sum((1 << 7 * groups) - 1 << 16 * groups * pair for pair in range(32 // groups))
    return low, low << 7 * groups, groups


_JOINS = [_join(groups) for groups in (1, 2, 4, 8, 16, 32)]


class Reader:
    """
    A position in *exi*, from which values are read.

    Reading past the end raises IndexError; as a view's last octet is filled up with zeros, a
    few bits can be read too many, so compare ``position`` with ``size`` at the end.

    Attributes:
        size: Length of the message in bits.
        spans: Where elements lie, by name: first bit and end, of the content that follows the
            start tag's event code, up to and including the end tag's.
    """

    __slots__ = ("_at", "_views", "size", "spans", "zeros")

    def __init__(self, exi: bytes) -> None:
        number = int.from_bytes(exi, "big")
        octets = len(exi) + 1
        shifted = [(number << offset).to_bytes(octets, "big") for offset in range(1, 8)]
        self._views = [b"\0" + exi, *shifted]
        self._at = 8  # a view's first octet holds what was shifted out at the top
        self.size = 8 * len(exi)
        self.zeros: int = 0
        self.spans: dict[str, tuple[int, int]] = {}

    @property
    def position(self) -> int:
        """The bit that follows what was read and the zeros yet to be checked."""
        return self._at + self.zeros - 8

    def code(self, width: int) -> int:
        """Read *width* bits, at most 8; ExiError if a zero before them is none."""
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
        """Read the zeros counted so far, at most 8; ExiError if one of them is none."""
        at = self._at
        if self._views[at & 7][at >> 3] >> (8 - self.zeros):
            raise self.error(DEPARTS)
        self._at = at + self.zeros
        self.zeros = 0

    def unsigned(self, octets: int) -> int:
        """
        Read an unsigned integer (groups of 7 bits, low first) of at most that many *octets*.

        These are 64 at most. Serial numbers of X.509 have some 20, too many for a loop: pairs of
        groups are joined all at once, then pairs of these, until one is left.
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
        Read a count, *bias* too high, and that many octets.

        Nothing is allocated for octets that are not there.
        """
        at = self._at
        zeros = self.zeros
        views = self._views
        wrong = views[at & 7][at >> 3] >> (8 - zeros)  # one of the zeros is none
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
        """Take back the last *octets* read."""
        self._at -= 8 * octets

    def rest(self) -> bytes:
        """All bits from here on, filled up with zeros to whole octets; ends the reading."""
        return self._views[self._at & 7][self._at >> 3 :]

    def error(self, problem: str) -> ExiError:
        return ExiError(problem, min(self._at - 8, self.size))


class CarefulReader(Reader):
    """
    A Reader that checks every certain zero at once, and that no code lies beyond the end.

    Slower, but an error names the very element.

    To decode again what a Reader refused.
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
        if self._at - 8 > self.size:  # check_end, at no call's cost: this is called for each bit
            raise self.error(CUT_OFF)
        return value

    def check_end(self) -> None:
        """ExiError if something was read that is not there."""
        if self.position > self.size:
            raise self.error(CUT_OFF)

    def check_zeros(self) -> None:
        """There are none left; at the message's end not even an octet to look at."""


class Writer:
    """Collects bits in a number, and moves them out before it gets slow to shift."""

    __slots__ = ("_bits", "_chunks", "_width")

    def __init__(self) -> None:
        self._bits = 0
        self._width = 0
        self._chunks: list[bytes] = []

    def code(self, value: int, width: int) -> None:
        """Append the low *width* bits of *value*, which has no more than these."""
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
        """Append a *count* and what it is the count of."""
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
        """Everything so far, filled up with zeros to whole octets."""
        padding = -self._width % 8
        last = (self._bits << padding).to_bytes((self._width + padding) >> 3, "big")
        return b"".join(self._chunks) + last


def groups(value: int) -> bytes:
    """An unsigned integer in groups of 7 bits, low first; all but the last say that one follows."""
    octets = bytearray()
    while value > 127:
        octets.append(value & 127 | 128)
        value >>= 7
    octets.append(value)
    return bytes(octets)
