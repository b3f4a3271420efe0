"""Certificates that others make otherwise than we do, in what is put, asked, deleted, imported."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import crypto
from structlog.testing import capture_logs

from ccp.commands.importing import Importer
from ccp.domain.errors import CertificateChainBroken, CertificateUnreadable
from ccp.domain.identifiers import ISO_15118_2, Emaid
from ccp.pki.anchors import Anchors
from ccp.policy.services import Services
from ccp.schemas import SignedContractDataV1
from ccp.store import Store
from ccp.trust.current import TrustSnapshot, TrustStore
from ccp.trust.folder import Trust
from ccp.workshop.certificates import Chain, Identity, reissue
from ccp.workshop.cps import ContractDraft
from ccp.workshop.edition import Edition
from ccp.workshop.editions import EDITIONS
from ccp.workshop.pki import fingerprint, make_contract
from ccp.workshop.profiles import PrivateKey
from tests.builders import EMAID_TEXT, ORIGIN, record
from tests.clients.scripted import Says, scripted
from tests.handlers.test_revocation import OURS, cas, delete, revoking
from tests.handlers.test_revocation import stored as number_stored
from tests.handlers.test_trust import add, ask, strict, trust_dir
from tests.pki.raw import extension, oid, resigned, tlv, with_extensions
from tests.pki.test_name_matching import ENCODINGS, respelled
from tests.trusted import MADE_AT, contract_draft, pki, request_draft

__all__ = ["cas", "revoking", "strict", "trust_dir"]  # fixtures

AIA = "1.3.6.1.5.5.7.1.1"
ACCESS = tlv(0x30, tlv(0x30, oid("1.3.6.1.5.5.7.48.1"), tlv(0x86, b"http://pki.example/ocsp")))
TRUE, FALSE = b"\1\1\xff", b"\1\1\0"
ACCEPTED = {
    "critical AuthorityInfoAccess": extension(AIA, ACCESS, TRUE),
    "critical FALSE written out": extension(AIA, ACCESS, FALSE),
    "a private one of nonsense": extension("1.3.6.1.4.1.99999.1", b"\xff\xff"),
}
REFUSED = {
    "AuthorityInfoAccess of nonsense": (
        extension(AIA, b"\xff\xff"),
        "has an extension that cannot be read: authorityInfoAccess.",
    ),
    "a critical one that is unknown": (
        extension("1.3.6.1.4.1.99999.1", b"\5\0", TRUE),
        "has a critical extension that this pool does not know: 1.3.6.1.4.1.99999.1.",
    ),
    "twice": (
        extension(AIA, ACCESS) * 2,
        "has an extension twice: authorityInfoAccess.",
    ),
}


@dataclass(frozen=True)
class Raw:
    """A certificate of the workshop's, of other bytes, which its own reader may refuse."""

    der: bytes
    certificate: x509.Certificate
    key: PrivateKey


def changed(chain: Chain, position: str, added: bytes) -> Chain:
    """Issue the leaf or a sub-CA of a chain again, with one more extension."""
    authority = chain.authority
    if position == "leaf":
        return replace(chain, leaf=with_one_more(chain.leaf, authority.sub_2, added))
    if position == "sub-CA 2":
        other = with_one_more(authority.sub_2, authority.sub_1, added)
        return replace(chain, authority=replace(authority, sub_2=other))
    other = with_one_more(authority.sub_1, authority.root, added)
    return replace(chain, authority=replace(authority, sub_1=other))


def with_one_more(identity: Identity, issuer: Identity, added: bytes) -> Raw:
    """Issue a certificate again, with one more extension."""
    der = with_extensions(identity, issuer, added)
    return Raw(der, identity.certificate, identity.key)


CHAINS: dict[str, Callable[[ContractDraft], Chain]] = {
    "contract": lambda draft: draft.contract,
    "cps": lambda draft: draft.cps,
}
PLACES = [(name, position) for name in CHAINS for position in ("leaf", "sub-CA 2", "sub-CA 1")]
both = pytest.mark.parametrize("edition", EDITIONS, ids=str)


def drafts(edition: Edition, added: bytes) -> Iterator[ContractDraft]:
    """A contract for each place in which one certificate may be odd."""
    for name, position in PLACES:
        draft = contract_draft(edition=edition)
        yield replace(draft, **{name: changed(CHAINS[name](draft), position, added)})


@both
@pytest.mark.parametrize("name", ACCEPTED)
def test_put_odd_extension_is_stored(strict: Services, edition: Edition, name: str) -> None:
    """On leaves and CAs of both chains; the log says what is irregular."""
    for draft in drafts(edition, ACCEPTED[name]):
        with capture_logs() as logs:
            assert add(strict, draft) == (None, 201)
        irregular = [line for line in logs if line["event"].startswith("a certificate is irregu")]
        assert len(irregular) == (name == "critical FALSE written out")


@both
@pytest.mark.parametrize("name", REFUSED)
def test_put_bad_extension_is_refused_in_words(
    strict: Services, edition: Edition, name: str
) -> None:
    """400 that names the extension, wherever it stands."""
    added, told = REFUSED[name]
    for draft in drafts(edition, added):
        with pytest.raises(CertificateChainBroken) as raised:
            add(strict, draft)
        assert any(message.endswith(told) for message in raised.value.messages)


@both
@pytest.mark.parametrize("name", ACCEPTED)
def test_post_odd_extension_of_a_car_is_served(
    strict: Services, edition: Edition, name: str
) -> None:
    """A provisioning certificate with a critical AuthorityInfoAccess, or irregular."""
    add(strict, contract_draft(edition=edition))
    draft = request_draft(edition=edition)
    assert ask(strict, replace(draft, car=changed(draft.car, "leaf", ACCEPTED[name])))


@both
@pytest.mark.parametrize("name", REFUSED)
def test_post_bad_extension_of_a_car_is_refused_in_words(
    strict: Services, edition: Edition, name: str
) -> None:
    """As in what is put."""
    add(strict, contract_draft(edition=edition))
    draft = request_draft(edition=edition)
    added, told = REFUSED[name]
    with pytest.raises(CertificateChainBroken) as raised:
        ask(strict, replace(draft, car=changed(draft.car, "leaf", added)))
    assert raised.value.messages[1] == f"The OEM provisioning certificate {told}"


@both
def test_put_bytes_behind_a_certificate_are_refused(strict: Services, edition: Edition) -> None:
    """OpenSSL reads past them, but its fingerprint would be another one."""
    draft = contract_draft(edition=edition)
    leaf = draft.contract.leaf
    raw = Raw(leaf.der + b"\0\0", leaf.certificate, leaf.key)
    with pytest.raises(CertificateUnreadable, match="other bytes follow it"):
        add(strict, replace(draft, contract=replace(draft.contract, leaf=raw)))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_delete_issuer_named_in_another_encoding_is_revoked(revoking, encoding: str) -> None:
    """The CA is the operator's, however the contract certificate spells its name."""
    leaf = make_contract(OURS, EMAID_TEXT, at=MADE_AT).leaf
    der = resigned(leaf.der, OURS.sub_2.key, issuer=respelled(OURS.sub_2.der, encoding))
    with scripted(Says(200)) as service, capture_logs():
        services = revoking(service)
        services.store.put(record(contract_certificate_der=der), ORIGIN)
        assert delete(services) == (None, 200)
    assert len(service.asked) == 1
    assert number_stored(services) == 0


def test_delete_irregular_contract_certificate_is_revoked(revoking) -> None:
    """One that pyca/cryptography does not read."""
    leaf = make_contract(OURS, EMAID_TEXT, at=MADE_AT).leaf
    der = with_extensions(leaf, OURS.sub_2, ACCEPTED["critical FALSE written out"])
    with scripted(Says(200)) as service, capture_logs():
        services = revoking(service)
        services.store.put(record(contract_certificate_der=der), ORIGIN)
        assert delete(services) == (None, 200)
    assert len(service.asked) == 1


def test_import_takes_what_a_put_found_through_a_cross_certificate(
    strict: Services, tmp_path: Path
) -> None:
    """The pool trusts root B and B's certificate of root A; the CPS chain is of A, so ends in B."""
    root_a, root_b = pki().v2g_root("A"), pki().v2g_root("B")
    cross = reissue(root_a, root_b)
    v2g = Anchors(tuple(loaded(one) for one in (cross, root_b)), configured=True)
    trust = Trust(v2g=v2g, emsp=strict.trusted.files.emsp, oem=strict.trusted.files.oem)
    crossed = replace(strict, trusted=TrustStore(TrustSnapshot.of(trust), trust))
    draft = contract_draft()
    assert add(crossed, draft, v2g_root_fingerprint=None) == (None, 201)
    (found,) = crossed.store.find_by_emaid(Emaid.parse(draft.emaid), ISO_15118_2)
    assert found.v2g_root_fingerprint == fingerprint(root_b)
    line = orjson.dumps(SignedContractDataV1().dump(found))
    other = Store(tmp_path / "other.db")
    assert Importer(replace(crossed, store=other)).put(line)
    (taken,) = other.find_by_emaid(Emaid.parse(draft.emaid), ISO_15118_2)
    other.close()
    assert taken == found


def loaded(identity: Identity) -> crypto.X509:
    """A certificate as anchors have it."""
    return crypto.load_certificate(
        crypto.FILETYPE_ASN1, identity.certificate.public_bytes(Encoding.DER)
    )
