"""The PKI's certificates, judged by OpenSSL."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from ccp.workshop import ContractDraft, Pki
from ccp.workshop.certificates import LARGEST_DER, Chain, common_name
from ccp.workshop.misissued import foreign, impostor
from tests.builders import NOW
from tests.workshop.conftest import EMAID, PCID
from tests.workshop.openssl import needs_openssl, verify

CHAINS: dict[str, Callable[[Pki, Chain, ContractDraft], Chain]] = {
    "cps a": lambda pki, car, draft: pki.cps["A"],
    "cps b": lambda pki, car, draft: pki.cps["B"],
    "car": lambda pki, car, draft: car,
    "contract": lambda pki, car, draft: draft.contract,
}


@pytest.fixture(params=CHAINS)
def chain(
    request: pytest.FixtureRequest, pki: Pki, car: Chain, contract_draft: ContractDraft
) -> Chain:
    """Each kind of chain in turn."""
    return CHAINS[request.param](pki, car, contract_draft)


def _all(chain: Chain) -> list[x509.Certificate]:
    authority = chain.authority
    members = (chain.leaf, authority.sub_2, authority.sub_1, authority.root)
    return [one.certificate for one in members]


@needs_openssl
@pytest.mark.parametrize("days", [0, 600], ids=["now", "in 600 days"])
def test_openssl_verifies_every_chain(chain: Chain, tmp_path: Path, days: int) -> None:
    """Each chain holds under its root, from its first day on."""
    root = chain.authority.root.certificate
    assert verify(chain, tmp_path, at=NOW + timedelta(days=days), roots=[root]) == ""


@needs_openssl
@pytest.mark.parametrize("days", [-2, 800], ids=["before", "after"])
def test_openssl_refuses_every_chain_at_another_time(
    chain: Chain, tmp_path: Path, days: int
) -> None:
    """Before it was made and after it ended no chain holds."""
    root = chain.authority.root.certificate
    assert verify(chain, tmp_path, at=NOW + timedelta(days=days), roots=[root])


@needs_openssl
def test_openssl_takes_no_chain_for_another(pki: Pki, chain: Chain, tmp_path: Path) -> None:
    """A chain ends in its own root and in no other of the PKI, nor does a false copy of it."""
    own = chain.authority.root
    roots = {pki.v2g_root("A"), pki.v2g_root("B"), pki.emsp.root, pki.oem.root}
    others = [one.certificate for one in roots if one != own]
    assert "issuer certificate" in verify(chain, tmp_path, at=NOW, roots=others)
    for false in (foreign(chain, at=NOW), impostor(chain)):
        assert verify(false, tmp_path, at=NOW, roots=[one.certificate for one in roots])


def test_certificates_have_the_profile(chain: Chain) -> None:
    """P-256, at most 800 bytes, positive serials below 2^127, path lengths 0 and 1, SKI and AKI."""
    leaf, sub_2, sub_1, root = _all(chain)
    for certificate in (leaf, sub_2, sub_1, root):
        key = certificate.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert isinstance(key.curve, ec.SECP256R1)
        assert 0 < certificate.serial_number < 2**127
        extensions = certificate.extensions
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
        assert usage.key_cert_sign == (certificate is not leaf)
        assert usage.digital_signature == (certificate is leaf)
        extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        if certificate is not root:
            extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    lengths = [
        one.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
        for one in (sub_2, sub_1, root)
    ]
    assert lengths == [0, 1, None]
    members = (chain.leaf, chain.authority.sub_2, chain.authority.sub_1, chain.authority.root)
    assert all(len(one.der) <= LARGEST_DER for one in members)


def test_leaves_are_named_as_the_field_names_them(
    pki: Pki, car: Chain, contract_draft: ContractDraft
) -> None:
    """The common name is the PCID or the EMAID; the domain component tells the kind."""
    assert common_name(car.leaf.certificate) == PCID
    assert contract_draft.contract.leaf.common_name == EMAID
    domains = {
        chain.leaf.certificate.subject.rfc4514_string().partition(",")[0]
        for chain in (car, contract_draft.contract, pki.cps["A"])
    }
    assert domains == {"DC=OEM", "DC=MO", "DC=CPS"}
