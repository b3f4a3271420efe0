"""The readers: zeros that are counted, and zeros that are checked at once."""

import pytest

from ccp.iso15118 import ISO2, ISO20, ExiError, Message, RootCertificateID, decode, encode
from ccp.iso15118.bits import CarefulReader, Reader
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
