"""Certificates that strangers have touched: refused in our words, whatever was touched."""

import random
from pathlib import Path

import pytest
from OpenSSL import crypto
from structlog.testing import capture_logs

from ccp.domain.errors import CcpError
from ccp.pki.anchors import Anchors
from ccp.pki.certificates import read_chain
from ccp.pki.chains import verify_chain
from ccp.pki.signatures import ISO_15118_2_SUITES
from ccp.pki.signers import require_cps
from ccp.trust.folder import load_trust
from tests.builders import NOW
from tests.trusted import pki

CPS = pki().cps["A"]
ROOT = Anchors((crypto.load_certificate(crypto.FILETYPE_ASN1, CPS.authority.root.der),))
SUB_CAS = [CPS.authority.sub_2.der, CPS.authority.sub_1.der]


@pytest.mark.parametrize("seed", range(4))
def test_no_change_of_a_certificate_ends_in_anything_but_an_error_of_ours(seed: int) -> None:
    """One to three bytes of a leaf or a sub-CA are others: it is refused, and nothing crashes."""
    draw = random.Random(seed)  # noqa: S311
    for _ in range(400):
        ders = [bytearray(CPS.leaf.der), *map(bytearray, SUB_CAS)]
        touched = draw.choice(ders)
        for _ in range(draw.randint(1, 3)):
            touched[draw.randrange(len(touched))] = draw.randrange(256)
        leaf, *subs = map(bytes, ders)
        if [leaf, *subs] == [CPS.leaf.der, *SUB_CAS]:
            continue
        with pytest.raises(CcpError):
            _verify(leaf, subs)


def _verify(leaf: bytes, sub_cas: list[bytes]) -> None:
    certificates = read_chain([leaf, *sub_cas], "CPS certificate")
    require_cps(certificates)
    verify_chain(certificates, ROOT, name="CPS certificate", at=NOW, suites=ISO_15118_2_SUITES)


def test_every_length_of_a_certificate_is_refused() -> None:
    """Cut anywhere, a certificate is none."""
    for length in range(0, len(CPS.leaf.der), 7):
        with pytest.raises(CcpError):
            read_chain([CPS.leaf.der[:length], *SUB_CAS], "CPS certificate")


def test_no_change_of_an_anchor_stops_the_start(tmp_path: Path) -> None:
    """A file with a byte changed is left out, or is an anchor that nothing chains to."""
    draw = random.Random(7)  # noqa: S311
    (tmp_path / "v2g").mkdir()
    for _ in range(300):
        der = bytearray(CPS.authority.root.der)
        der[draw.randrange(len(der))] = draw.randrange(256)
        (tmp_path / "v2g" / "root.der").write_bytes(der)
        with capture_logs():
            load_trust(tmp_path, at=NOW)
