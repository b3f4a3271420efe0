"""deleteSignedContractDataByEmaidV1: a contract leaves the pool."""

import pytest
from starlette.testclient import TestClient

from ccp.domain.errors import ContractNotFound
from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20, Emaid, Pcid
from ccp.handlers.delete_signed_contract_data_by_emaid import handle
from ccp.policy.services import Services
from tests.awaited import awaited
from tests.builders import BASE, EMAID_TEXT, ORIGIN, PCID_TEXT, ROOT_B, post_body, put_body, record
from tests.contract.conformance import assert_error

EMAID = Emaid.parse(EMAID_TEXT)


def test_every_record_of_the_contract_goes(services: Services) -> None:
    """Roots and namespaces alike; the car's other contracts stay, and none becomes the default."""
    services.store.put(record(), ORIGIN)
    services.store.put(record(root=ROOT_B), ORIGIN)
    services.store.put(record(namespace=ISO_15118_20), ORIGIN)
    services.store.put(record("FRXYZ123456789"), ORIGIN)
    answer = handle(services, emaid=EMAID, skip_revocation=False, origin=ORIGIN)
    assert awaited(answer) == (None, 200)
    (left,) = services.store.find_by_pcid(Pcid.parse(PCID_TEXT), ISO_15118_2)
    assert (left.emaid.text, left.is_default) == ("FRXYZ123456789", False)
    assert services.store.find_by_emaid(EMAID, ISO_15118_20) == []


def test_what_is_not_stored_is_not_found(services: Services) -> None:
    """A second delete finds nothing."""
    services.store.put(record(), ORIGIN)
    awaited(handle(services, emaid=EMAID, skip_revocation=True, origin=ORIGIN))
    with pytest.raises(ContractNotFound):
        awaited(handle(services, emaid=EMAID, skip_revocation=True, origin=ORIGIN))


@pytest.mark.parametrize("skip", [None, "true", "false", "TRUE"])
def test_over_http_a_contract_is_gone(client: TestClient, skip: str | None) -> None:
    """200 without a body, then 404 everywhere; the header is accepted in both values."""
    client.put(f"{BASE}/signedcontractdata", json=put_body())
    url = f"{BASE}/signedcontractdata/DE-ICE-COPNCCERT"
    headers = {} if skip is None else {"X-Skip-Revocation": skip}
    assert client.delete(url, headers=headers).status_code == 200
    assert_error(
        client.delete(url, headers=headers), 404, "The contract for the given EMAID not found."
    )
    assert client.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}").status_code == 404
    assert client.post(f"{BASE}/signedcontractdata", json=post_body()).status_code == 404


@pytest.mark.parametrize("skip", ["yes", "1", ""])
def test_over_http_the_header_is_true_or_false(client: TestClient, skip: str) -> None:
    """Anything else is refused, and nothing is deleted."""
    client.put(f"{BASE}/signedcontractdata", json=put_body())
    answer = client.delete(
        f"{BASE}/signedcontractdata/{EMAID_TEXT}", headers={"X-Skip-Revocation": skip}
    )
    assert_error(answer, 400, "X-Skip-Revocation : must be true or false")
    assert client.get(f"{BASE}/contractData/emaid/{EMAID_TEXT}").status_code == 200
