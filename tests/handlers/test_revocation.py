"""A contract of the operator's own CA is revoked before it is deleted, or it stays."""

import asyncio
import base64
import threading
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from unittest.mock import Mock, patch

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from structlog.testing import capture_logs

from ccp.clients.revocation import MAX_ATTEMPTS
from ccp.domain.errors import (
    ContractCertificateRevoked,
    ContractNotFound,
    RevocationFailed,
    RevocationUnavailable,
    StoreBusy,
    TooManyAtOnce,
)
from ccp.domain.identifiers import ISO_15118_2, Emaid, Pcid
from ccp.handlers import add_signed_contract_data as put
from ccp.handlers.delete_signed_contract_data_by_emaid import handle
from ccp.store import Store, read_audit_trail
from ccp.workshop import EDITION_2
from ccp.workshop.pki import make_contract
from tests.awaited import awaited
from tests.builders import EMAID_TEXT, NOW, ORIGIN, PCID_TEXT, ROOT_A, ROOT_B, certificate, record
from tests.clients.of import answered, with_clients
from tests.clients.scripted import GONE, Says, scripted
from tests.running import free_port
from tests.trusted import MADE_AT, contract_draft, pki
from tests.waiting import NEVER, SECONDS, until

EMAID = Emaid.parse(EMAID_TEXT)
OURS = pki(EDITION_2).emsp


def contract():
    """A contract certificate that the operator's CA has issued, DER; each another one."""
    return make_contract(OURS, EMAID_TEXT, at=MADE_AT).leaf.der


@pytest.fixture
def cas(tmp_path):
    """The folder with the operator's CA."""
    folder = tmp_path / "cas"
    folder.mkdir()
    (folder / "sub-2.pem").write_bytes(OURS.sub_2.certificate.public_bytes(Encoding.PEM))
    return folder


@pytest.fixture
def revoking(services, tmp_path, cas):
    """Gives services that ask this PKI."""

    def make(pki, **variables):
        variables = {"revocation_timeout_seconds": "15"} | variables
        url = f"{pki.root}/opnc/v1"
        return with_clients(
            services, tmp_path, revocation_url=url, operator_cas=str(cas), **variables
        )

    return make


def delete(services, **changes):
    """Call the handler; give its answer, whenever it comes."""
    arguments = {"emaid": EMAID, "skip_revocation": False, "origin": ORIGIN}

    async def scenario():
        async with services.clients.connected():
            return await answered(services, handle(services, **(arguments | changes)))

    return asyncio.run(scenario())


def stored(services):
    """How many records there are."""
    return len(services.store.find_by_emaid(EMAID, ISO_15118_2))


def test_it_is_revoked_and_then_deleted(revoking, tmp_path):
    """The PKI is asked as OPNC has it, with our token; both are in the audit trail."""
    der = contract()
    with scripted(Says(200)) as service:
        url = f"{service.root}/opnc/v1"
        (tmp_path / "tokens.toml").write_text(f'["{url}"]\ntoken = "for-the-PKI"\n')
        services = revoking(service, credentials=f"{tmp_path}/tokens.toml")
        services.store.put(record(contract_certificate_der=der), ORIGIN)
        assert delete(services) == (None, 200)
    (asked,) = service.asked
    assert asked.path == "/opnc/v1/pki/revokeCertificate"
    assert asked.json == {
        "certificate": base64.b64encode(der).decode(),
        "revocationReason": "cessationOfOperation",
    }
    assert asked.headers["authorization"] == "Bearer for-the-PKI"
    assert asked.headers["content-type"] == "application/json"
    assert stored(services) == 0
    lines = read_audit_trail(tmp_path / "ccp.db", emaid=EMAID)
    assert [line.action for line in lines] == ["put", "revoke", "delete"]


def test_it_is_still_stored_while_it_is_revoked(revoking):
    """First the one, then the other: nothing is lost where the first fails."""
    counts = []

    def script(_):
        counts.append(stored(services))
        return Says(204)

    with scripted(script) as service:
        services = revoking(service)
        services.store.put(record(contract_certificate_der=contract()), ORIGIN)
        delete(services)
    assert counts == [1]


def test_what_was_revoked_is_noted_though_nobody_waits_any_more(revoking):
    """A client that goes while the disk is busy takes with it that it is deleted, not that."""
    der = contract()
    goes_on = threading.Event()

    async def scenario():
        async with services.clients.connected():
            deletion = handle(services, emaid=EMAID, skip_revocation=False, origin=ORIGIN)
            task = asyncio.create_task(answered(services, deletion))
            await until(lambda: noting.called)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            goes_on.set()

    with scripted(Says(204)) as service:
        services = revoking(service)
        services.store.put(record(contract_certificate_der=der), ORIGIN)
        services.store._writes.submit(lambda _: goes_on.wait(SECONDS))
        begin = services.store.begin_record_revoked
        with patch.object(Store, "begin_record_revoked", Mock(side_effect=begin)) as noting:
            asyncio.run(scenario())
    services.store._writes.submit(lambda _: None).result(SECONDS)  # behind all that came before
    assert services.store.is_revoked(der)
    assert stored(services) == 1


@pytest.mark.parametrize(
    ("der", "changes"),
    [
        (certificate("CN=X", "CN=Another CA"), {}),
        (certificate("CN=X", OURS.sub_2.certificate.subject.rfc4514_string()), {}),
        (contract(), {"skip_revocation": True}),
    ],
    ids=["another's", "another's by signature", "not wanted"],
)
def test_nobody_is_asked(revoking, der, changes):
    """What others have issued is theirs; and the caller may not want it."""
    with scripted(Says(500)) as service:
        services = revoking(service)
        services.store.put(record(contract_certificate_der=der), ORIGIN)
        assert delete(services, **changes) == (None, 200)
    assert service.asked == []
    assert stored(services) == 0


def test_what_has_expired_is_not_revoked_any_more(revoking):
    """A CA may refuse that, and the contract could never be deleted."""
    with scripted(Says(400)) as service:
        services = revoking(service)
        later = replace(services, clock=lambda: NOW + timedelta(days=4000))
        services.store.put(record(contract_certificate_der=contract()), ORIGIN)
        assert delete(later) == (None, 200)
    assert service.asked == []


def test_what_is_not_stored_is_not_found(revoking):
    """And nobody is asked about it."""
    with scripted(Says(200)) as service, pytest.raises(ContractNotFound):
        delete(revoking(service))
    assert service.asked == []


@pytest.mark.parametrize(
    ("says", "error", "attempts"),
    [
        (Says(400, {"errorMessages": ["no"]}), RevocationFailed, 1),
        (Says(403), RevocationFailed, 1),
        (Says(404), RevocationFailed, 1),
        (Says(302, b"", {"Location": "http://127.0.0.1:9/"}), RevocationFailed, 1),
        (Says(401), RevocationFailed, 1),
        (Says(500), RevocationFailed, 3),
        (Says(503), RevocationFailed, 3),
        (Says(GONE), RevocationUnavailable, 3),
        (Says(200, after=NEVER), RevocationUnavailable, 1),
    ],
    ids=lambda one: str(one.status) if isinstance(one, Says) else None,
)
def test_what_was_not_revoked_stays(revoking, tmp_path, says, error, attempts):
    """What may pass is tried again, the rest is not; nothing was deleted, and no secret is told."""
    patience = {"revocation_timeout_seconds": "1"} if says.after else {}
    with scripted(says) as service, capture_logs():
        services = revoking(service, **patience)
        services.store.put(record(contract_certificate_der=contract()), ORIGIN)
        with pytest.raises(error) as caught:
            delete(services)
    assert len(service.asked) == attempts
    assert caught.value.status == {RevocationFailed: 502, RevocationUnavailable: 503}[error]
    assert stored(services) == 1
    assert [line.action for line in read_audit_trail(tmp_path / "ccp.db")] == ["put"]


def test_a_service_that_is_not_there_is_told(revoking):
    """503, as soon as it has been tried as often as that may be, and not at the deadline."""
    services = revoking(SimpleNamespace(root=f"http://127.0.0.1:{free_port()}"))
    services.store.put(record(contract_certificate_der=contract()), ORIGIN)
    with capture_logs() as logs, pytest.raises(RevocationUnavailable):
        delete(services)
    reasons = [line["error"] for line in logs if "error" in line]
    assert reasons == ["ConnectError"] * MAX_ATTEMPTS
    assert "the revocation service takes too long" not in [line["event"] for line in logs]
    assert stored(services) == 1


@pytest.mark.parametrize("first", [500, GONE])
def test_a_failure_that_passes_is_not_the_caller_s(revoking, first):
    """The second attempt succeeds."""
    answers = iter([Says(first), Says(200)])
    with scripted(lambda _: next(answers)) as service:
        services = revoking(service)
        services.store.put(record(contract_certificate_der=contract()), ORIGIN)
        assert delete(services) == (None, 200)
    assert len(service.asked) == 2


def test_an_attempt_that_hangs_is_no_answer(revoking):
    """Whatever there was before: the service cannot be reached, and may have revoked."""
    answers = iter([Says(500), Says(200, after=NEVER)])
    with scripted(lambda _: next(answers)) as service:
        services = revoking(service, revocation_timeout_seconds="1")
        services.store.put(record(contract_certificate_der=contract()), ORIGIN)
        with pytest.raises(RevocationUnavailable):
            delete(services)


def test_what_was_revoked_before_is_revoked(revoking):
    """An attempt may have succeeded whose answer was lost: then the PKI has a conflict."""
    answers = iter([Says(GONE), Says(409)])
    with scripted(lambda _: next(answers)) as service:
        services = revoking(service)
        services.store.put(record(contract_certificate_der=contract()), ORIGIN)
        assert delete(services) == (None, 200)


def two_contracts(services):
    """The same contract under two roots, with a certificate in each."""
    first, second = contract(), contract()
    services.store.put(record(root=ROOT_A, contract_certificate_der=first), ORIGIN)
    services.store.put(record(root=ROOT_B, contract_certificate_der=second), ORIGIN)
    return first, second


def test_a_repeated_delete_finishes_the_job(revoking, tmp_path):
    """One of two was revoked: that is known, nothing is deleted, and the next time one is left."""
    may = set()

    def script(asked):
        return Says(200) if asked.json["certificate"] in may else Says(400)

    with scripted(script) as service:
        services = revoking(service)
        first, second = (base64.b64encode(der).decode() for der in two_contracts(services))
        may.add(first)
        with pytest.raises(RevocationFailed):
            delete(services)
        assert stored(services) == 2
        asked_before = len(service.asked)
        assert asked_before == 2
        may.add(second)
        assert delete(services) == (None, 200)
    assert [asked.json["certificate"] for asked in service.asked[2:]] == [second]
    actions = [line.action for line in read_audit_trail(tmp_path / "ccp.db")]
    assert actions == ["put", "put", "revoke", "revoke", "delete"]


def test_the_same_certificate_is_revoked_once(revoking):
    """Several records of a contract may have one certificate."""
    der = contract()
    with scripted(Says(200)) as service:
        services = revoking(service)
        for root in (ROOT_A, ROOT_B):
            services.store.put(record(root=root, contract_certificate_der=der), ORIGIN)
        delete(services)
    assert len(service.asked) == 1


def test_what_is_put_meanwhile_is_not_deleted_unrevoked(revoking):
    """A renewed certificate arrives while the old one is revoked: the caller has to ask again."""
    renewed = contract()

    def script(asked):
        if len(service.asked) == 1:
            services.store.put(record(contract_certificate_der=renewed), ORIGIN)
        return Says(200)

    with scripted(script) as service:
        services = revoking(service)
        services.store.put(record(contract_certificate_der=contract()), ORIGIN)
        with pytest.raises(StoreBusy):
            delete(services)
        assert stored(services) == 1
        assert delete(services) == (None, 200)
    assert service.asked[1].json["certificate"] == base64.b64encode(renewed).decode()


def test_only_a_share_of_the_requests_waits_for_the_pki(services, tmp_path, cas):
    """The others are told at once to try again; one request takes one place, whatever it needs."""
    emaids = [Emaid.parse(f"DEICE00000000{n}") for n in range(5)]
    released = threading.Event()

    def script(_):
        released.wait(SECONDS)
        return Says(200)

    with scripted(script) as service:
        revoking = with_clients(
            services,
            tmp_path,
            revocation_url=service.root,
            operator_cas=str(cas),
            max_requests="8",
            revocation_timeout_seconds="15",
        )
        for emaid in emaids:
            for root in (ROOT_A, ROOT_B):
                der = make_contract(OURS, emaid.text, at=MADE_AT).leaf.der
                contract = record(emaid.text, root=root, contract_certificate_der=der)
                services.store.put(contract, ORIGIN)

        async def scenario():
            async with revoking.clients.connected():
                deletes = [
                    asyncio.create_task(
                        handle(revoking, emaid=emaid, skip_revocation=False, origin=ORIGIN)
                    )
                    for emaid in emaids
                ]
                await until(lambda: sum(task.done() for task in deletes) == 3)
                released.set()
                return await asyncio.gather(*deletes, return_exceptions=True)

        outcomes = asyncio.run(scenario())
    assert sorted(map(str, outcomes)) == sorted(
        [str((None, 200))] * 2 + [TooManyAtOnce.message] * 3
    )


def test_what_was_revoked_is_not_put_in_again(services, lab_services):
    """Whoever has kept the signed message brings nothing back; in lab mode it is a warning."""
    draft = contract_draft()
    arguments = {
        "emaid": EMAID,
        "pcid": Pcid.parse(PCID_TEXT),
        "namespace": ISO_15118_2,
        "installation_res_exi": base64.b64decode(draft.put_body()["certificateInstallationRes"]),
        "origin": ORIGIN,
    }
    assert awaited(put.handle(services, **arguments)) == (None, 201)
    (der,) = services.store.contract_certificates(EMAID)
    services.store.record_revoked(EMAID, der, ORIGIN)
    services.store.delete(EMAID, ORIGIN)
    with pytest.raises(ContractCertificateRevoked):
        put.handle(services, **arguments)
    assert stored(services) == 0
    with capture_logs() as logs:
        assert awaited(put.handle(lab_services, **arguments)) == (None, 201)
    assert ContractCertificateRevoked.message in str(logs)
