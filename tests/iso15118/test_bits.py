"""The readers: zeros that are counted, and zeros that are checked at once."""

from random import Random

import pytest

from ccp.iso15118 import ISO2, ISO20, ExiError, Message, RootCertificateID, decode, encode
from ccp.iso15118.bits import CarefulReader, Reader
from tests.iso15118.bit_strings import octets, unsigned
from tests.vectors import Vector, genuine_res, iso20_requests, iso20_shapes, requests, shapes

SHAPES = [vector.exi for vector in [*shapes(), *iso20_shapes()]]
REQUESTS = [vector.exi for vector in [*requests().values(), *iso20_requests().values()]]
SMALL = sorted(SHAPES, key=len)[:20]


class CountingReader(Reader):
    """Notes how many zeros were pending at most."""

    most = 0

    @property
    def zeros(self) -> int:
        return self._zeros

    @zeros.setter
    def zeros(self, count: int) -> None:
        self._zeros = count
        self.most = max(self.most, count)


def read(reader: Reader) -> Message:
    reader.code(8)
    octet = reader.code(8)
    (root,) = (root for edition in (ISO2, ISO20) for root in edition.roots if root.octet == octet)
    reader.back(1)
    reader.code(root.width)
    message: Message = root.content.read(reader)
    reader.check_zeros()
    return message


def full_list(exi: bytes) -> bytes:
    """A request with 20 roots, behind which every end is certain."""
    message = decode(exi)
    message.body.list_of_root_certificate_ids = [RootCertificateID("a", 1)] * 20
    return encode(message)


def full_lists(exi: bytes) -> bytes:
    """A request of ISO 15118-20 whose lists are all full."""
    message = decode(full_list(exi))
    message.body.oem_provisioning_certificate_chain.sub_certificates = [b"1", b"2", b"3"]
    message.body.prioritized_emaids = ["DE8AA1A2B3C4D5"] * 8
    return encode(message)


FULL = [
    full_list(next(iter(requests().values())).exi),
    full_lists(next(iter(iso20_requests().values())).exi),
]


def test_pending_zeros_fit_into_an_octet() -> None:
    """No grammar lets more than 8 certain zeros come together, which is all that is looked at."""
    most = 0
    for exi in [*SHAPES, *REQUESTS, *FULL, genuine_res()]:
        reader = CountingReader(exi)
        read(reader)
        most = max(most, reader.most)
    assert most == 7


@pytest.mark.parametrize("exi", [*SHAPES[:10], *SMALL, *REQUESTS, *FULL, genuine_res()], ids=len)
def test_both_readers_read_the_same(exi: bytes) -> None:
    """Checking zeros at once gives the same message and spans."""
    quick, careful = Reader(exi), CarefulReader(exi)
    assert read(quick) == read(careful)
    assert quick.spans == careful.spans


@pytest.mark.parametrize("offset", range(8))
def test_number_of_any_length(offset: int) -> None:
    """A number is read to its last bit, from one octet to as many as are allowed, at any place."""
    draw = Random(offset)  # noqa: S311
    for size in range(1, 65):
        most = (1 << 7 * size) - 1
        for number in {most, most >> 6, draw.randrange(most >> 7, most) + 1}:
            reader = Reader(octets("0" * offset, unsigned(number), "1" * 600))
            reader.zeros = offset
            assert reader.unsigned(size) == number
            assert reader.position == offset + len(unsigned(number))
            with pytest.raises(ExiError, match=f"has a number of more than {7 * size} bits"):
                Reader(octets(unsigned(most + 1))).unsigned(size)


@pytest.mark.parametrize("offset", range(8))
@pytest.mark.parametrize("length", [0, 1, 127, 128, 129, 255, 256, 16383, 16384, 16385])
def test_length_of_any_size(offset: int, length: int) -> None:
    """A length is read whether it has one group of bits, two, or more; all octets must be there."""
    value = Random(length).randbytes(length)  # noqa: S311
    spelled = "".join(f"{octet:08b}" for octet in value)
    exi = octets("0" * offset, unsigned(length + 2), spelled)
    reader = Reader(exi)
    reader.zeros = offset
    assert reader.sized(2) == value
    assert reader.position == 8 * length + offset + len(unsigned(length + 2))
    if length > 1:
        reader = Reader(exi[: -1 - (offset > 0)])
        reader.zeros = offset
        with pytest.raises(ExiError, match="is cut off"):
            reader.sized(2)


@pytest.mark.parametrize("shapes", [shapes(), iso20_shapes()], ids=["ISO 15118-2", "ISO 15118-20"])
def test_message_may_end_at_the_end_of_a_byte(shapes: list[Vector]) -> None:
    """A message whose last bit is a byte's last is read by both readers."""
    found = [vector.exi for vector in shapes]
    whole = [exi for exi in found if (reader := Reader(exi)) and read(reader) and not reader.rest()]
    assert whole
    for exi in whole:
        assert read(CarefulReader(exi)) == decode(exi)
        with pytest.raises(ExiError):
            decode(exi[:-1])
