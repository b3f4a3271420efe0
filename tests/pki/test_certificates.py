"""What the pool reads from certificates."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ccp.domain.errors import CertificateUnreadable
from ccp.iso15118 import (
    decode,
    iso2,
)
from ccp.pki.certificates import read_certificate, read_chain, root_name
from ccp.pki.names import distinguished_name
from tests.builders import certificate, name

GENUINE = Path(__file__).parents[1] / "vectors" / "opnc-signed-contract-data.json"


@pytest.fixture(scope="module")
def genuine() -> iso2.CertificateInstallationRes:
    """The published message, signed by a real CPS."""
    published = json.loads(GENUINE.read_text())["certificateInstallationRes"]
    message = decode(base64.b64decode(published))
    assert isinstance(message.body, iso2.CertificateInstallationRes)
    return message.body


def test_a_genuine_contract_leaf_is_read(genuine: iso2.CertificateInstallationRes) -> None:
    """OpenSSL's facts of the published contract leaf, whose extensions break DER, are ours too."""
    leaf = read_certificate(genuine.contract_signature_cert_chain.certificate, "leaf")
    assert leaf.common_name == "DEICECOPNCCERT"
    assert leaf.not_before == datetime(2024, 7, 4, 16, 10, 59, tzinfo=UTC)
    assert leaf.not_after == datetime(2026, 7, 1, 14, 32, tzinfo=UTC)


def test_a_genuine_chain_names_its_root(genuine: iso2.CertificateInstallationRes) -> None:
    """Both published chains lead to the root that OpenSSL finds above them."""
    for chain in (genuine.sa_provisioning_certificate_chain, genuine.contract_signature_cert_chain):
        certificates = read_chain([chain.certificate, *chain.sub_certificates], "leaf")
        found = distinguished_name(root_name(certificates))
        assert found == "CN=V2G Root CA QA G1, DC=V2G, O=Hubject GmbH, C=DE"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_order_of_sub_cas_is_free(order: tuple[int, int]) -> None:
    """Sub-CA 2 before sub-CA 1 or behind it, the root is the same."""
    subs = [certificate("CN=Sub 2", "CN=Sub 1"), certificate("CN=Sub 1", "CN=Root,C=DE")]
    leaf = certificate("CN=Leaf", "CN=Sub 2")
    chain = read_chain([leaf, *(subs[index] for index in order)], "leaf")
    assert root_name(chain) == name("CN=Root,C=DE")


def test_what_recurs_is_read_once_and_kept_however_many_leaves_come() -> None:
    """Sub-CAs always, a leaf if it is said to; a leaf that is not pushes none of them out."""
    sub, leaf = certificate("CN=Sub", "CN=Root"), certificate("CN=Leaf", "CN=Sub")
    signer = read_chain([leaf, sub], "CPS certificate", cache_leaf=True)
    for number in range(1100):
        read_certificate(certificate(f"CN={number}", "CN=Sub"), "leaf")
    again = read_chain([leaf, sub], "CPS certificate", cache_leaf=True)
    assert [one is other for one, other in zip(again, signer, strict=True)] == [True, True]
    car = read_chain([leaf, sub], "leaf")
    assert [one is other for one, other in zip(car, signer, strict=True)] == [False, True]
    assert car == signer


def test_certificates_that_issue_each_other_end() -> None:
    """A loop of sub-CAs, or one that issued itself, still gives an answer."""
    leaf = certificate("CN=Leaf", "CN=A")
    for subs in (
        [certificate("CN=A", "CN=A")],
        [certificate("CN=A", "CN=B"), certificate("CN=B", "CN=A")],
    ):
        assert root_name(read_chain([leaf, *subs], "leaf")) == name("CN=A")


def test_a_chain_of_one_names_its_issuer() -> None:
    """Without sub-CAs the leaf's issuer is the root."""
    assert root_name(read_chain([certificate("CN=L", "CN=R")], "leaf")) == name("CN=R")


@pytest.mark.parametrize("der", [b"", b"\0", b"\x30\x03abc", certificate("CN=x")[:-1]])
def test_what_is_no_certificate_is_told_by_name(der: bytes) -> None:
    """The error names the certificate, and nothing of the library that failed to read it."""
    with pytest.raises(CertificateUnreadable) as raised:
        read_certificate(der, "contract certificate")
    assert raised.value.messages[1:] == ["The contract certificate is not an X.509 certificate."]


def test_a_subject_without_common_name_has_an_empty_one() -> None:
    """Whoever asks for the common name compares text."""
    assert read_certificate(certificate("O=Nobody"), "leaf").common_name == ""


def test_a_subject_with_several_common_names_has_none() -> None:
    """Which of them is meant cannot be known."""
    leaf = read_certificate(certificate("CN=DEICECOPNCCERT,CN=DEICECOPNCCERX"), "leaf")
    assert leaf.common_name == ""


def test_validity_includes_both_ends() -> None:
    """A certificate is valid from its first second to its last."""
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    end = datetime(2025, 2, 1, tzinfo=UTC)
    leaf = read_certificate(certificate("CN=x", not_before=begin, not_after=end), "leaf")
    second = timedelta(seconds=1)
    moments = [begin - second, begin, end, end + second]
    assert [leaf.is_valid_at(at) for at in moments] == [False, True, True, False]
