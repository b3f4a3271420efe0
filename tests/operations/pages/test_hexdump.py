"""Bytes in rows: nothing is lost or out of order, and the byte that is looked at is marked."""

from hypothesis import given
from hypothesis import strategies as st

from ccp.operations.pages.hexdump import bits_of, hexdump


@given(st.binary(max_size=400), st.integers(0, 3300))
def test_rows_have_the_bytes_around_a_place(data: bytes, bit: int) -> None:
    """Each row what is at its offset; the place is in one of them, unless it is the end."""
    rows = hexdump(data, bit)
    marked = [row for row in rows if row.marked]
    for row in rows:
        written = bytes.fromhex(f"{row.before} {row.marked} {row.behind}")
        assert written == data[row.offset : row.offset + 16]
    assert [row.offset for row in rows] == [rows[0].offset + 16 * n for n in range(len(rows))]
    assert len(rows) <= 9
    assert bool(marked) == (bit // 8 < len(data))
    for row in marked:
        place = row.offset + len(bytes.fromhex(row.before))
        assert place == bit // 8
        assert bytes.fromhex(row.marked) == data[place : place + 1]


@given(st.binary(min_size=1, max_size=40), st.integers(0, 400))
def test_a_byte_is_written_in_bits(data: bytes, bit: int) -> None:
    """Highest first; the one that is looked at stands by itself."""
    bits = bits_of(data, bit)
    if bits is None:
        assert bit >= 8 * len(data)
    else:
        assert int("".join(bits), 2) == data[bit // 8]
        assert len("".join(bits)) == 8
        assert bits[1] == str(data[bit // 8] >> (7 - bit % 8) & 1)
