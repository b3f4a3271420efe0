"""The readers: zeros that are counted, and zeros that are checked at once."""

import pytest

from ccp.iso15118 import ExiError, Message, decode, encode
from ccp.iso15118.bits import CarefulReader, Reader
from ccp.iso15118.iso2_schema import ROOT
from ccp.iso15118.messages import RootCertificateID
from tests.vectors import genuine_res, requests, shapes

VALID = [*(vector.exi for vector in shapes()), *(v.exi for v in requests().values())]


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
    reader.code(ROOT.width)
    message = ROOT.type.read(reader)
    reader.check_zeros()
    return message


def full_list() -> bytes:
    """A request with 20 roots, behind which every end is certain."""
    message = decode(requests()["WAUZZZ4B0CC012345"].exi)
    message.body.list_of_root_certificate_ids = [RootCertificateID("a", 1)] * 20
    return encode(message)


def test_pending_zeros_fit_into_an_octet() -> None:
    """No grammar lets more than 8 certain zeros come together, which is all that is looked at."""
    most = 0
    for exi in [*VALID, genuine_res(), full_list()]:
        reader = CountingReader(exi)
        read(reader)
        most = max(most, reader.most)
    assert most == 6


@pytest.mark.parametrize("exi", [*VALID[:10], genuine_res(), full_list()], ids=len)
def test_both_readers_read_the_same(exi: bytes) -> None:
    """Checking zeros at once gives the same message and spans."""
    quick, careful = Reader(exi), CarefulReader(exi)
    assert read(quick) == read(careful)
    assert quick.spans == careful.spans


def test_message_may_end_at_the_end_of_a_byte() -> None:
    """A message whose last bit is a byte's last is read by both readers."""
    whole = [exi for exi in VALID if (reader := Reader(exi)) and read(reader) and not reader.rest()]
    assert whole
    for exi in whole:
        assert read(CarefulReader(exi)) == decode(exi)
        with pytest.raises(ExiError):
            decode(exi[:-1])
