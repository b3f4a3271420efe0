"""What a strict pool with trust anchors refuses: every fault of the workshop, and nothing else."""

import base64
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from ccp.app import make_services
from ccp.clients.clients import Clients
from ccp.config.settings import SettingsInvalid
from ccp.domain.errors import (
    CcpError,
    CertificateChainBroken,
    CertificateChainExpired,
    CertificateUnreadable,
    ProvisioningCertificateExpired,
    ProvisioningCertificateNotYetValid,
    SignatureInvalid,
)
from ccp.domain.identifiers import ISO_15118_2, Emaid, Pcid
from ccp.handlers import add_signed_contract_data as put
from ccp.handlers import (
    get_signed_contract_data_by_certificate_installation_req as post,
)
from ccp.iso15118 import Message, SignedInfo, decode, encode
from ccp.pki.certificates import read_certificate
from ccp.pki.signatures import ISO_15118_2_SUITES
from ccp.policy.services import Services
from ccp.store import Store
from ccp.trust import chain_cache
from ccp.workshop.bad_certificates import foreign, past, with_leaf
from ccp.workshop.car import RequestDraft
from ccp.workshop.certificates import LEAF, Chain, Validity, issue, key_usage, reissue
from ccp.workshop.contract_faults import CONTRACT_FAULTS
from ccp.workshop.cps import ContractDraft
from ccp.workshop.edition import Edition
from ccp.workshop.editions import EDITION_2, EDITION_20, EDITIONS
from ccp.workshop.pki import fingerprint, make_contract
from ccp.workshop.profiles import ED448, new_key
from ccp.workshop.request_faults import REQUEST_FAULTS
from ccp.workshop.signing import sign
from tests.awaited import awaited
from tests.builders import EMAID_TEXT, NOW, ORIGIN, ROOT_A, record
from tests.conftest import make_settings
from tests.trusted import (
    ED448_OF_RFC_9231,
    MADE_AT,
    PCIDS,
    contract_draft,
    pki,
    request_draft,
    trust_folder,
)

# As each edition names what is wrong.
RESPONSE_CODES = {
    EDITION_2: {
        SignatureInvalid: "FAILED_SignatureError",
        ProvisioningCertificateExpired: "FAILED_CertificateExpired",
        ProvisioningCertificateNotYetValid: "FAILED_CertificateExpired",
        CertificateChainExpired: "FAILED_CertificateExpired",
        CertificateChainBroken: "FAILED_CertChainError",
        CertificateUnreadable: "FAILED_CertChainError",
    },
    EDITION_20: {
        SignatureInvalid: "FAILED_SignatureError",
        ProvisioningCertificateExpired: "WARNING_CertificateExpired",
        ProvisioningCertificateNotYetValid: "WARNING_CertificateNotYetValid",
        CertificateChainExpired: "WARNING_CertificateExpired",
        CertificateChainBroken: "WARNING_CertificateValidationError",
        CertificateUnreadable: "WARNING_CertificateValidationError",
    },
}


def every_fault(faults: Mapping[Edition, Mapping[str, object]]) -> pytest.MarkDecorator:
    """Run a test with each fault of each edition."""
    each = [(edition, name) for edition, named in faults.items() for name in named]
    return pytest.mark.parametrize(
        ("edition", "name"), each, ids=[f"{edition.number}-{name}" for edition, name in each]
    )


both = pytest.mark.parametrize("edition", EDITIONS, ids=str)


@pytest.fixture(scope="module")
def trust_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The anchors of the workshop's PKI."""
    return trust_folder(tmp_path_factory.mktemp("workshop") / "pki", edition=None)


def pool(tmp_path: Path, store: Store, trust_dir: Path, **variables: str) -> Services:
    """A pool that trusts the workshop."""
    settings = make_settings(tmp_path, trust_dir=str(trust_dir), **variables)
    return make_services(settings, store, lambda: NOW, Clients())


@pytest.fixture
def strict(tmp_path: Path, store: Store, trust_dir: Path) -> Services:
    """A strict pool that trusts the workshop."""
    return pool(tmp_path, store, trust_dir)


@pytest.fixture
def lab(tmp_path: Path, store: Store, trust_dir: Path) -> Services:
    """A lab pool that trusts the workshop."""
    return pool(tmp_path, store, trust_dir, checks="lab")


def add(services: Services, draft: ContractDraft, **changes: Any) -> tuple[None, int]:
    """Put a draft in."""
    arguments = {
        "emaid": Emaid.parse(draft.emaid),
        "pcid": Pcid.parse(draft.pcid),
        "namespace": draft.edition.namespace,
        "installation_res_exi": draft.exi(),
        "v2g_root_fingerprint": draft.fingerprint,
        "origin": ORIGIN,
    }
    return awaited(put.handle(services, **(arguments | changes)))


def ask(services: Services, draft: RequestDraft) -> dict[str, Any]:
    """Ask for the car's contract."""
    body, _ = post.handle(
        services,
        installation_req_exi=draft.exi(),
        namespace=draft.edition.namespace,
        always_return_exi=True,
        from_pool=False,
        broadcast=False,
    )
    (item,) = body["signedContractDataCollection"]
    return item


def stored(services: Services, edition: Edition = EDITION_2) -> list[bytes]:
    """What the store has for the edition's car."""
    found = services.store.find_by_pcid(Pcid.parse(PCIDS[edition]), edition.namespace)
    return [one.installation_res_exi for one in services.store.with_messages(found)]


@both
@pytest.mark.parametrize("root", ["A", "B"])
@pytest.mark.parametrize("named", [True, False])
def test_a_trusted_contract_is_stored_under_the_root_that_was_found(
    strict: Services, root: str, named: bool, edition: Edition
) -> None:
    """Fingerprint, name and serial number are those of the root the CPS chain ends in."""
    draft = contract_draft(root, edition=edition)
    changes = {} if named else {"v2g_root_fingerprint": None}
    assert add(strict, draft, **changes) == (None, 201)
    (found,) = strict.store.find_by_emaid(Emaid.parse(EMAID_TEXT), edition.namespace)
    expected = pki(edition).v2g_root(root)
    assert found.v2g_root_fingerprint == fingerprint(expected)
    assert found.v2g_root_serial_number == expected.certificate.serial_number
    assert f"Root CA {root}, " in found.v2g_root_distinguished_name


@pytest.mark.parametrize(
    "changes",
    [
        {"sub_1_first": True},
        {"message_grammar_for": frozenset({"eMAID"})},
        {"message_grammar_for": frozenset({"SignedInfo"})},
        {"message_grammar_for": frozenset({"SignedInfo", "eMAID"})},
    ],
    ids=["sub-CA 1 first", "short eMAID", "SignedInfo in the message's grammar", "both"],
)
def test_what_is_legal_or_at_least_met_is_stored(strict: Services, changes: dict[str, Any]) -> None:
    """Sub-CAs in either order, and both forms that stacks in the field sign."""
    assert add(strict, replace(contract_draft(), **changes)) == (None, 201)


def test_the_form_that_signed_info_was_signed_in_is_logged(strict: Services) -> None:
    """Which signers deviate is worth knowing; the regular form is not worth a line."""
    for grammar, logged in ((frozenset(), 0), (frozenset({"SignedInfo"}), 1)):
        with capture_logs() as lines:
            add(strict, replace(contract_draft(), message_grammar_for=grammar))
        assert len([line for line in lines if "another form" in line["event"]]) == logged


@both
@pytest.mark.parametrize("mode", ["strict", "lab"])
def test_why_openssl_refuses_a_chain_is_logged(
    request: pytest.FixtureRequest, mode: str, edition: Edition
) -> None:
    """In its own words, of a contract and of a car; callers are told in ours."""
    services = request.getfixturevalue(mode)
    contract = CONTRACT_FAULTS[edition]["cps-foreign-root"].apply_fault(
        contract_draft(edition=edition)
    )
    car = REQUEST_FAULTS[edition]["provisioning-foreign-root"].apply_fault(
        request_draft(edition=edition)
    )
    with capture_logs() as lines, suppress(CcpError):
        add(services, contract)
    with capture_logs() as more, suppress(CcpError):
        ask(services, car)
    told = [line for line in [*lines, *more] if line["event"] == "a chain was refused"]
    assert [(line["certificate"], line["log_level"]) for line in told] == [
        ("CPS certificate", "info"),
        ("OEM provisioning certificate", "info"),
    ]
    assert all("unable to get" in line["reason"] for line in told)


def test_an_emsp_may_be_under_a_v2g_root(strict: Services) -> None:
    """A contract chain ends in an eMSP's root or in a V2G root."""
    authority = pki().cps["B"].authority
    contract = make_contract(authority, EMAID_TEXT, at=MADE_AT)
    assert add(strict, replace(contract_draft(), contract=contract)) == (None, 201)


def test_of_two_roots_of_one_name_and_key_the_named_one_counts(
    tmp_path: Path, store: Store, trust_dir: Path
) -> None:
    """A root that was issued anew is another root: the body says under which one it is stored."""
    folder = tmp_path / "trust"
    shutil.copytree(trust_dir, folder)
    root = pki().v2g_root("A")
    twin = reissue(root, root, validity=Validity.years(30, at=MADE_AT))
    for name in ("0", "z"):  # whichever comes first
        (folder / "v2g" / f"{name}.der").write_bytes(twin.der)
    services = pool(tmp_path, store, folder)
    for one in (root, twin):
        add(services, replace(contract_draft(), fingerprint=fingerprint(one)))
    found = store.find_by_emaid(Emaid.parse(EMAID_TEXT), ISO_15118_2)
    assert {one.v2g_root_fingerprint for one in found} == {fingerprint(root), fingerprint(twin)}


@every_fault(CONTRACT_FAULTS)
def test_a_strict_pool_stores_no_faulty_contract(
    strict: Services, edition: Edition, name: str
) -> None:
    """Every fault is refused with 400 and a message that names it; the store is unchanged."""
    fault = CONTRACT_FAULTS[edition][name]
    good = contract_draft(edition=edition)
    add(strict, good)
    before = stored(strict, edition)
    with pytest.raises(CcpError) as raised:
        add(strict, fault.apply_fault(contract_draft(edition=edition)))
    assert type(raised.value) is fault.error
    assert raised.value.status == 400
    assert any(fault.told in message for message in raised.value.messages)
    assert stored(strict, edition) == before


def test_put_within_the_clock_tolerance_verifies_the_chains_all_the_same(
    strict: Services,
) -> None:
    """Contract and CPS certificates of a CA whose clock is 30 seconds ahead; no foreign ones."""
    ahead = Validity(NOW + timedelta(seconds=30), NOW + timedelta(days=90))
    draft = contract_draft()
    contract, cps = (with_leaf(one, validity=ahead) for one in (draft.contract, draft.cps))
    assert add(strict, replace(draft, contract=contract, cps=cps)) == (None, 201)
    with pytest.raises(CertificateChainBroken, match="contract certificate was not issued by"):
        add(strict, replace(draft, contract=foreign(contract, at=MADE_AT)))
    with pytest.raises(CertificateChainBroken, match="CPS certificate was not issued by"):
        add(strict, replace(draft, cps=foreign(cps, at=MADE_AT)))
    later = Validity(NOW + timedelta(seconds=31), NOW + timedelta(days=90))
    with pytest.raises(CertificateChainExpired, match="CPS certificate is not yet valid"):
        add(strict, replace(draft, cps=with_leaf(draft.cps, validity=later)))


@both
def test_put_under_a_root_that_may_not_issue_the_provider_is_refused(
    tmp_path: Path, store: Store, edition: Edition
) -> None:
    """By the table beside the anchors; a lab pool warns, and previews say the same."""
    folder = trust_folder(tmp_path / "pki", edition=None)
    root = fingerprint(pki(edition).emsp.root)
    draft = contract_draft(edition=edition)
    provider = draft.emaid[:5]
    for allowed in (f'["{provider}"]', f'["DEXYZ", "{provider.lower()}"]'):
        (folder / "emsp.toml").write_text(f'"{root}" = {allowed}\n')
        assert add(pool(tmp_path, store, folder), draft) == (None, 201)
    for table in (f'"{root}" = ["DEXYZ"]', f'"{"0" * 64}" = ["{provider}"]'):
        (folder / "emsp.toml").write_text(table)
        with pytest.raises(CertificateChainBroken) as raised:
            add(pool(tmp_path, store, folder), draft)
        (reason,) = raised.value.messages[1:]
        assert reason.endswith(f"issue contracts of the provider {provider}.")
        with capture_logs() as lines:
            assert add(pool(tmp_path, store, folder, checks="lab"), draft) == (None, 201)
        assert [line["failures"][1:] for line in lines if "failures" in line] == [[reason]]


def test_start_with_a_table_of_providers_that_cannot_be_enforced_is_refused(
    tmp_path: Path, store: Store
) -> None:
    """A broken file, and one without anchors that contract chains could be verified with."""
    (tmp_path / "anchors" / "emsp").mkdir(parents=True)
    for text, problem in ((f"{ROOT_A} = []", "means nothing without anchors"), ("=", "not TOML")):
        (tmp_path / "anchors" / "emsp.toml").write_text(text)
        with pytest.raises(SettingsInvalid, match=f"CCP_TRUST_DIR: .*{problem}"):
            pool(tmp_path, store, tmp_path / "anchors")


def signed_by(common_name: str) -> ContractDraft:
    """A contract whose signer, under a V2G root, has this name and no domain component."""
    draft = contract_draft()
    authority = draft.cps.authority
    leaf = issue(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]),
        Validity.years(1, at=MADE_AT),
        authority.sub_2,
        constraints=LEAF,
        usage=key_usage(signs=True),
        key=new_key(),
        short_key_id=False,
    )
    return replace(draft, cps=Chain(leaf, authority), signing_key=leaf.key)


def test_put_with_an_emsp_s_certificate_as_signer_is_refused(strict: Services) -> None:
    """A contract certificate of an eMSP in the V2G PKI may sign, and is not a CPS's."""
    with pytest.raises(CertificateChainBroken) as raised:
        add(strict, signed_by("DEXYZC00000001"))
    assert raised.value.messages[1:] == [
        "The signer's certificate is not that of a CPS."
        " Its common name 'DEXYZC00000001' is an EMAID."
    ]


def test_put_with_the_allow_list_asks_for_dc_cps(
    tmp_path: Path, store: Store, trust_dir: Path
) -> None:
    """Without CCP_CPS_LEAVES a signer without a domain component is accepted."""
    deny_list = pool(tmp_path, store, trust_dir)
    allow_list = pool(tmp_path, store, trust_dir, cps_leaves="allow-list")
    draft = signed_by("Signer 1")
    assert add(deny_list, draft) == add(allow_list, contract_draft()) == (None, 201)
    with pytest.raises(CertificateChainBroken) as raised:
        add(allow_list, draft)
    assert raised.value.messages[1:] == [
        "The signer's certificate is not that of a CPS."
        " This pool accepts only signers with the domain component CPS."
    ]


@every_fault(CONTRACT_FAULTS)
def test_a_lab_pool_stores_and_warns(lab: Services, edition: Edition, name: str) -> None:
    """In lab mode the same contract is stored, and the log has what strict mode would say."""
    fault = CONTRACT_FAULTS[edition][name]
    with capture_logs() as lines:
        assert add(lab, fault.apply_fault(contract_draft(edition=edition))) == (None, 201)
    (warning,) = [line for line in lines if "failures" in line]
    assert any(fault.told in message for message in warning["failures"])


@every_fault(REQUEST_FAULTS)
def test_a_strict_pool_serves_no_faulty_request(
    strict: Services, monkeypatch: pytest.MonkeyPatch, edition: Edition, name: str
) -> None:
    """Every fault is refused, in words and in EXI with its response code, before any lookup."""
    fault = REQUEST_FAULTS[edition][name]
    add(strict, contract_draft(edition=edition))

    def look_up(*_: object) -> None:
        pytest.fail("the store was asked for a car that has not proved itself")

    monkeypatch.setattr(Store, "find_default", look_up)
    monkeypatch.setattr(Store, "find_by_pcid", look_up)
    draft = fault.apply_fault(request_draft(edition=edition))
    with pytest.raises(CcpError) as raised:
        ask(strict, draft)
    assert type(raised.value) is fault.error
    assert any(fault.told in message for message in raised.value.messages)
    (item,) = raised.value.body["signedContractDataCollection"]
    answer = decode(base64.b64decode(item["certificateInstallationRes"]))
    assert answer.header.session_id == draft.session_id
    assert answer.body.response_code == RESPONSE_CODES[edition][fault.error]


@both
def test_the_car_is_served_and_its_chain_verified_once(
    strict: Services, monkeypatch: pytest.MonkeyPatch, edition: Edition
) -> None:
    """The same car asks again: its signature is verified, its chain is remembered."""
    add(strict, contract_draft(edition=edition))
    calls: list[str] = []
    verify = chain_cache.verify_chain

    def counting(*args: Any, **kwargs: Any) -> Any:
        calls.append(kwargs["name"])
        return verify(*args, **kwargs)

    monkeypatch.setattr(chain_cache, "verify_chain", counting)
    for _ in range(3):
        assert ask(strict, request_draft(edition=edition))["emaid"] == EMAID_TEXT
    assert calls == ["OEM provisioning certificate"]
    with pytest.raises(CcpError):
        ask(strict, REQUEST_FAULTS[edition]["tampered"].apply_fault(request_draft(edition=edition)))


def test_a_remembered_chain_is_verified_again_once_it_has_expired(
    tmp_path: Path, store: Store, trust_dir: Path
) -> None:
    """A chain is remembered until the first of its certificates expires, and no longer."""
    moments = [NOW, NOW + timedelta(days=365 * 30)]
    settings = make_settings(tmp_path, trust_dir=str(trust_dir))
    services = make_services(settings, store, lambda: NOW, Clients())
    leaf = request_draft().car.leaf
    chain = [read_certificate(leaf.der, "leaf")]
    services.trusted.current.provisioning_chains.verify(
        chain, at=moments[0], suites=ISO_15118_2_SUITES
    )
    with pytest.raises(CertificateChainExpired):
        services.trusted.current.provisioning_chains.verify(
            chain, at=moments[1], suites=ISO_15118_2_SUITES
        )


@both
@pytest.mark.parametrize(
    ("installed", "expected"),
    [(("A",), "A"), (("B",), "B"), (("A", "B"), "B"), (("B", "A"), "B")],
)
def test_the_car_gets_the_variant_of_a_root_it_has(
    strict: Services, installed: tuple[str, ...], expected: str, edition: Edition
) -> None:
    """By serial number and name; of several that it has, the newest."""
    add(strict, contract_draft("A", edition=edition))
    add(strict, contract_draft("B", edition=edition))
    item = ask(strict, request_draft(*installed, edition=edition))
    assert item["cpsV2GRootCertificateFingerprint"] == fingerprint(pki(edition).v2g_root(expected))


def test_ed448_signs_as_well_as_p_521(strict: Services) -> None:
    """ISO 15118-20 has two kinds of keys: CPS, eMSP and car may have the other one, all the way."""
    others = {"edition": EDITION_20, "profile": ED448}
    assert add(strict, contract_draft(**others)) == (None, 201)
    assert ask(strict, request_draft(**others))["emaid"] == EMAID_TEXT


def test_put_of_ed448_as_rfc_9231_names_it_is_stored_and_logged(strict: Services) -> None:
    """The names of earlier versions stay accepted; a line in the log says that they are used."""
    draft = contract_draft(edition=EDITION_20, profile=ED448)
    exi = encode(sign(decode(draft.exi()), draft.signing_key, suite=ED448_OF_RFC_9231))
    with capture_logs() as lines:
        assert add(strict, draft, installation_res_exi=exi) == (None, 201)
    assert [(one["log_level"], one["signature_method"]) for one in lines] == [
        ("info", "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed448")
    ]


def test_ed448_is_none_of_iso_15118_2(strict: Services) -> None:
    """The keys of one edition do not sign the other's messages, whatever chain they are in."""
    draft = contract_draft()
    cps = pki(EDITION_20).cps["A"]
    changed = replace(draft, cps=cps, signing_key=cps.leaf.key, fingerprint=ROOT_A)
    with pytest.raises(SignatureInvalid) as raised:
        add(strict, changed, v2g_root_fingerprint=None)
    assert "The chain of the CPS certificate has a key that is not on secp256r1." in (
        raised.value.messages
    )


def test_a_root_of_the_same_name_is_another_root(strict: Services) -> None:
    """A car that lists our root's name with another serial number does not have it."""
    add(strict, contract_draft("A"))
    add(strict, contract_draft("B"))
    draft = request_draft("A")
    message = decode(draft.exi())
    (root,) = message.body.list_of_root_certificate_ids
    root.x509_serial_number += 1
    exi = encode(sign(message, draft.signing_key))
    with capture_logs() as lines:
        body, _ = post.handle(
            strict,
            installation_req_exi=exi,
            namespace=ISO_15118_2,
            always_return_exi=True,
            from_pool=False,
            broadcast=False,
        )
    (item,) = body["signedContractDataCollection"]
    assert item["cpsV2GRootCertificateFingerprint"] == fingerprint(pki().v2g_root("B"))
    assert any("lists no V2G root" in line["event"] for line in lines)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA", b"expired"])
def test_anchors_that_cannot_be_used_are_no_licence(
    tmp_path: Path, store: Store, trust_dir: Path, content: bytes
) -> None:
    """A pool that was told whom to trust trusts nobody when the files are broken or expired."""
    folder = tmp_path / "broken"
    shutil.copytree(trust_dir, folder)
    if content == b"expired":
        root = pki().v2g_root("A")
        content = reissue(root, root, validity=past(NOW)).der
    for path in folder.rglob("*.pem"):
        path.write_bytes(content)
    services = pool(tmp_path, store, folder)
    failure = CertificateChainExpired if content[:1] == b"0" else CertificateChainBroken
    with pytest.raises(failure):
        add(services, contract_draft(), v2g_root_fingerprint=None)
    store.put(record(exi=contract_draft().exi()), ORIGIN)
    with pytest.raises(CertificateChainBroken):
        ask(services, request_draft())


@pytest.mark.parametrize("wrong_by", [timedelta(days=-20_000), timedelta(days=20_000)], ids=str)
def test_anchors_pool_started_with_a_wrong_clock_count_once_it_is_right(
    tmp_path: Path, store: Store, trust_dir: Path, wrong_by: timedelta
) -> None:
    """Nothing is left out at the start; while the clock is wrong nothing is trusted."""
    moment = [NOW + wrong_by]
    settings = make_settings(tmp_path, trust_dir=str(trust_dir))
    services = make_services(settings, store, lambda: moment[0], Clients())
    with pytest.raises(CcpError):
        add(services, contract_draft())
    moment[0] = NOW
    assert add(services, contract_draft())[1] == 201
    assert ask(services, request_draft())


def test_anchors_root_that_begins_in_an_hour_comes_into_force_by_itself(
    tmp_path: Path, store: Store, trust_dir: Path
) -> None:
    """Beside an expired certificate of the same root: each second has the anchors that count."""
    folder = tmp_path / "anchors"
    shutil.copytree(trust_dir, folder)
    root, begin = pki().v2g_root("A"), NOW + timedelta(hours=1)
    for path in (folder / "v2g").iterdir():
        path.unlink()
    for name, validity in (("old", past(NOW)), ("new", Validity(begin, begin + timedelta(days=9)))):
        der = reissue(root, root, validity=validity).der
        (folder / "v2g" / f"{name}.der").write_bytes(der)
    moment = [NOW]
    settings = make_settings(tmp_path, trust_dir=str(folder))
    services = make_services(settings, store, lambda: moment[0], Clients())
    draft = contract_draft()
    with pytest.raises(CertificateChainExpired):
        add(services, draft, v2g_root_fingerprint=None)
    moment[0] = begin
    assert add(services, draft, v2g_root_fingerprint=None)[1] == 201


def test_a_trust_dir_that_is_said_has_to_be_there(tmp_path: Path, store: Store) -> None:
    """A misspelt folder is told at the start; the default one need not exist."""
    with pytest.raises(SettingsInvalid, match="CCP_TRUST_DIR"):
        pool(tmp_path, store, tmp_path / "nowhere")


@pytest.mark.parametrize("where", ["chain", "signature", "value", "info"])
def test_an_id_that_is_signed_is_nobody_else_s(strict: Services, where: str) -> None:
    """What is not signed may not take the Id of what is: a car might look at the wrong one."""

    def tamper(message: Message) -> Message:
        signature = message.header.signature
        assert signature is not None
        match where:
            case "chain":
                message.body.sa_provisioning_certificate_chain.id = "id1"
            case "signature":
                signature.id = "id2"
            case "value":
                signature.signature_value.id = "id3"
            case "info":
                signature.signed_info.id = "id4"
        return message

    with pytest.raises(SignatureInvalid, match="Id of one that is"):
        add(strict, replace(contract_draft(), tamper=tamper))


def test_algorithms_have_no_parameters(strict: Services) -> None:
    """An XPath or an HMAC length would change what a reference means."""

    def with_length(info: SignedInfo) -> SignedInfo:
        return replace(info, signature_method=replace(info.signature_method, hmac_output_length=8))

    def with_xpath(info: SignedInfo) -> SignedInfo:
        first, *others = info.references
        transforms = [replace(first.transforms[0], xpath=["/"])]
        return replace(info, references=[replace(first, transforms=transforms), *others])

    for alter in (with_length, with_xpath):
        with pytest.raises(SignatureInvalid, match="parameters"):
            add(strict, replace(contract_draft(), alter_signed_info=alter))


def test_without_anchors_the_chain_is_not_asked(tmp_path: Path, store: Store) -> None:
    """Signatures still are; the fingerprint is what the body says."""
    services = make_services(make_settings(tmp_path), store, lambda: NOW, Clients())
    draft = contract_draft()
    assert add(services, draft, v2g_root_fingerprint=ROOT_A) == (None, 201)
    (found,) = store.find_by_emaid(Emaid.parse(EMAID_TEXT), ISO_15118_2)
    assert (found.v2g_root_fingerprint, found.v2g_root_serial_number) == (ROOT_A, None)
    assert "CN=V2G Root CA A, " in found.v2g_root_distinguished_name
    foreign = CONTRACT_FAULTS[EDITION_2]["cps-foreign-root"].apply_fault(draft)
    assert add(services, foreign) == (None, 201)
    with pytest.raises(CcpError):
        add(services, CONTRACT_FAULTS[EDITION_2]["wrong-signer"].apply_fault(draft))
