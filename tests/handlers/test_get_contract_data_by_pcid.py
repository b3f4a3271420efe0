"""getContractDataByPcidV1: what an OEM sees of its cars."""

import pytest
from starlette.testclient import TestClient

from ccp.domain.errors import ContractsOfPcidNotFound
from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20, Pcid
from ccp.handlers.get_contract_data_by_pcid import handle
from ccp.policy.services import Services
from tests.builders import BASE, ORIGIN, PCID_TEXT, ROOT_B, put_body, record
from tests.contract.conformance import assert_error

PCID = Pcid.parse(PCID_TEXT)


def test_all_contracts_of_the_car_are_listed(services: Services) -> None:
    """Every contract and variant of the namespace; exactly the default contract is flagged."""
    services.store.put(record(), ORIGIN)
    services.store.put(record(root=ROOT_B), ORIGIN)
    services.store.put(record("FRXYZ123456789"), ORIGIN)
    services.store.put(record(pcid="VF1AAAAA0AA000001", emaid="ITA1B2C3E4F5G6"), ORIGIN)
    body, status = handle(services, pcid=PCID, namespace=ISO_15118_2)
    listed = [(item["emaid"], item["defaultContract"]) for item in body["contractDataCollection"]]
    assert status == 200
    assert listed == [
        ("FRXYZ123456789", False),
        ("DEICECOPNCCERT", True),
        ("DEICECOPNCCERT", True),
    ]


def test_a_car_without_contracts_is_not_found(services: Services) -> None:
    """No record in the namespace asked for is 404."""
    services.store.put(record(), ORIGIN)
    for pcid, namespace in ((PCID, ISO_15118_20), (Pcid.parse("X" * 17), ISO_15118_2)):
        with pytest.raises(ContractsOfPcidNotFound):
            handle(services, pcid=pcid, namespace=namespace)


def test_no_message_is_loaded_for_the_contracts_of_a_car(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer has none."""
    services.store.put(record(), ORIGIN)
    monkeypatch.setattr("ccp.store.reads.record_of", lambda row: 1 / 0)
    answer, status = handle(services, pcid=PCID, namespace=ISO_15118_2)
    assert (len(answer["contractDataCollection"]), status) == (1, 200)


@pytest.mark.parametrize("spelling", [PCID_TEXT, PCID_TEXT.lower()])
def test_over_http_a_pcid_is_found_in_any_case(client: TestClient, spelling: str) -> None:
    """It is answered as it was stored."""
    client.put(f"{BASE}/signedcontractdata", json=put_body(pcid="WauZZZ4B0CC012345"))
    answer = client.get(f"{BASE}/contractData/pcid/{spelling}")
    assert [item["pcid"] for item in answer.json()["contractDataCollection"]] == [
        "WauZZZ4B0CC012345"
    ]


def test_over_http_errors_are_told_in_the_published_words(client: TestClient) -> None:
    """A malformed PCID is 400, an unknown one 404."""
    assert_error(
        client.get(f"{BASE}/contractData/pcid/{'_' * 17}"),
        400,
        'pcid : must match "^[a-zA-Z0-9]{17,18}$"',
    )
    assert_error(
        client.get(f"{BASE}/contractData/pcid/{PCID_TEXT}"),
        404,
        "The contract for the given PCID not found.",
    )
