"""The CAs that the operator runs: who has issued a certificate is told by its signature."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from structlog.testing import capture_logs

from ccp.pki.certificates import read_certificate
from ccp.trust.operator_cas import Issuers, IssuersUnusable, load_issuers
from ccp.workshop import EDITION_2, EDITION_20, make_pki
from ccp.workshop.pki import make_contract
from tests.trusted import MADE_AT, pki


def contract(edition, signers=None):
    """A contract certificate of the edition's eMSP."""
    signers = signers or pki(edition)
    return read(make_contract(signers.emsp, "DEICECOPNCCERT", at=MADE_AT).leaf)


def read(identity):
    """A certificate as the pool reads it."""
    return read_certificate(identity.der, "certificate")


@pytest.mark.parametrize("edition", [EDITION_2, EDITION_20], ids=lambda one: one.number)
def test_the_direct_issuer_is_known(edition):
    """The CA whose key has signed it has issued it; not the one above, and not another eMSP's."""
    der, emsp = contract(edition), pki(edition).emsp
    assert Issuers([read(emsp.sub_2)]).issued(der)
    assert not Issuers([read(emsp.root), read(emsp.sub_1)]).issued(der)
    assert not Issuers([read(pki(edition).oem.sub_2)]).issued(der)
    assert not Issuers().issued(der)


def test_a_name_is_no_issuer():
    """A CA of the same name with another key has issued something else."""
    stranger = make_pki(EDITION_2, at=MADE_AT)
    ours, theirs = read(pki(EDITION_2).emsp.sub_2), read(stranger.emsp.sub_2)
    assert ours.subject == theirs.subject
    assert not Issuers([ours]).issued(contract(EDITION_2, stranger))
    assert Issuers([ours, theirs]).issued(contract(EDITION_2, stranger))


def test_cas_are_read_from_a_folder(tmp_path: Path):
    """PEM and DER, several in a file; what has another name is told and left."""
    two, twenty = pki(EDITION_2).emsp, pki(EDITION_20).emsp
    pems = [one.certificate.public_bytes(Encoding.PEM) for one in (two.sub_1, two.sub_2)]
    (tmp_path / "two.pem").write_bytes(b"".join(pems))
    (tmp_path / "twenty.der").write_bytes(twenty.sub_2.der)
    (tmp_path / "README").write_text("the CAs that we run")
    with capture_logs() as logs:
        issuers = load_issuers(tmp_path)
    assert issuers.issued(contract(EDITION_2))
    assert issuers.issued(contract(EDITION_20))
    assert [line["file"] for line in logs] == [f"{tmp_path}/README"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("ca.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", r"ca\.pem"),
        ("ca.der", b"nonsense", r"ca\.der"),
        ("leaf.der", contract(EDITION_2).der, r"leaf\.der has a certificate that is not a CA's"),
        ("ca.key", b"not looked at", "no certificate in"),
        (None, b"", "no certificate in"),
    ],
)
def test_nothing_is_left_out_silently(tmp_path: Path, name, content, told):
    """Whoever names a folder wants to have certificates revoked."""
    if name is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(IssuersUnusable, match=told):
        load_issuers(tmp_path)
