"""setSignedContractDataAsDefaultV1: which contract a car pays with."""

import pytest
from starlette.testclient import TestClient

from ccp.domain.errors import ContractNotFound
from ccp.domain.identifiers import ISO_15118_2, Emaid, Pcid
from ccp.handlers.set_signed_contract_data_as_default import handle
from ccp.policy.services import Services
from tests.awaited import awaited
from tests.builders import BASE, EMAID_TEXT, ORIGIN, PCID_TEXT, installation_res, put_body, record
from tests.contract.conformance import assert_error

OTHER = "FRXYZ123456789"
PCID = Pcid.parse(PCID_TEXT)


def test_the_contract_becomes_the_one_default(services: Services) -> None:
    """Set twice it is the same, and the contract that was the default is not any more."""
    services.store.put(record(), ORIGIN)
    services.store.put(record(OTHER), ORIGIN)
    for _ in range(2):
        answer = handle(services, emaid=Emaid.parse(OTHER), pcid=PCID, origin=ORIGIN)
        assert awaited(answer) == (None, 200)
        found = services.store.find_by_pcid(PCID, ISO_15118_2)
        assert {one.emaid.text: one.is_default for one in found} == {EMAID_TEXT: False, OTHER: True}


def test_an_unknown_pair_is_not_found(services: Services) -> None:
    """A contract that is stored for another car is unknown to this one."""
    services.store.put(record(), ORIGIN)
    for emaid, pcid in ((OTHER, PCID_TEXT), (EMAID_TEXT, "VF1AAAAA0AA000001")):
        with pytest.raises(ContractNotFound):
            awaited(
                handle(services, emaid=Emaid.parse(emaid), pcid=Pcid.parse(pcid), origin=ORIGIN)
            )


def test_over_http_the_default_changes(client: TestClient) -> None:
    """200 without a body; the listing shows it; an unknown pair is 404, a malformed one 400."""
    client.put(f"{BASE}/signedcontractdata", json=put_body())
    client.put(f"{BASE}/signedcontractdata", json=put_body(installation_res(OTHER), emaid=OTHER))
    url = f"{BASE}/signedcontractdata/{{}}/{PCID_TEXT}/setdefault"
    assert client.post(url.format("FR-XYZ-123456789-2")).status_code == 200
    listed = client.get(f"{BASE}/contractData/pcid/{PCID_TEXT}").json()["contractDataCollection"]
    assert {one["emaid"]: one["defaultContract"] for one in listed} == {
        EMAID_TEXT: False,
        OTHER: True,
    }
    assert_error(
        client.post(url.format("ITA1B2C3E4F5G6")),
        404,
        "The contract for the given EMAID not found.",
    )
    assert client.post(url.format("x")).status_code == 400
