"""getContractDataByEmaidV1: what an eMSP sees of its contracts."""

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from ccp.domain.errors import ContractNotFound
from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20, Emaid
from ccp.handlers.get_contract_data_by_emaid import handle
from ccp.policy.services import Services
from tests.builders import BASE, EMAID_TEXT, NOW, ORIGIN, ROOT_A, ROOT_B, put_body, record
from tests.contract.conformance import assert_error

EMAID = Emaid.parse(EMAID_TEXT)


def test_every_variant_is_listed_newest_first(services: Services) -> None:
    """All roots of the namespace asked for, or the one whose fingerprint is given."""
    for root, namespace in ((ROOT_A, ISO_15118_2), (ROOT_B, ISO_15118_2), (ROOT_A, ISO_15118_20)):
        services.store.put(record(root=root, namespace=namespace), ORIGIN)

    def roots(namespace: str, fingerprint: str | None = None) -> list[str]:
        body, status = handle(
            services, emaid=EMAID, namespace=namespace, v2g_root_fingerprint=fingerprint
        )
        assert status == 200
        return [item["cpsV2GRootCertificateFingerprint"] for item in body["contractDataCollection"]]

    assert roots(ISO_15118_2) == [ROOT_B, ROOT_A]
    assert roots(ISO_15118_2, ROOT_A) == [ROOT_A]
    assert roots(ISO_15118_20) == [ROOT_A]
    with pytest.raises(ContractNotFound):
        roots(ISO_15118_20, ROOT_B)


def test_expired_contracts_are_listed(services: Services) -> None:
    """An operator wants to see them."""
    services.store.put(
        record(valid_to=NOW - timedelta(days=300), valid_from=NOW - timedelta(400)), ORIGIN
    )
    body, _ = handle(services, emaid=EMAID, namespace=ISO_15118_2)
    assert body["contractDataCollection"][0]["certValidTo"] == "2024-08-05T12:00:00Z"


@pytest.mark.parametrize(
    "spelling", ["DEICECOPNCCERT", "deicecopnccert", "DE-ICE-COPNCCERT", "De-iceCopnccert"]
)
def test_over_http_an_emaid_is_found_in_any_spelling(client: TestClient, spelling: str) -> None:
    """The answer has the normalised form, the default namespace, and the car's default flag."""
    client.put(f"{BASE}/signedcontractdata", json=put_body(emaid="de-ice-copnccert"))
    answer = client.get(f"{BASE}/contractData/emaid/{spelling}")
    (item,) = answer.json()["contractDataCollection"]
    assert (item["emaid"], item["defaultContract"]) == ("DEICECOPNCCERT", True)
    assert item["xsdMsgDefNamespace"] == ISO_15118_2
    assert item["cpsV2GRootDistinguishedName"] == "CN=V2G Root CA, DC=V2G, O=Test, C=DE"


def test_over_http_the_fingerprint_narrows_and_the_namespace_separates(client: TestClient) -> None:
    """Upper-case hex digits are the same fingerprint; another root or edition is 404."""
    client.put(f"{BASE}/signedcontractdata", json=put_body())
    url = f"{BASE}/contractData/emaid/{EMAID_TEXT}"
    name = "cpsV2GRootCertificateFingerprint"
    assert client.get(url, params={name: ROOT_A.upper()}).status_code == 200
    assert_error(
        client.get(url, params={name: ROOT_B}), 404, "The contract for the given EMAID not found."
    )
    assert client.get(url, params={"xsdMsgDefNamespace": ISO_15118_20}).status_code == 404


def test_over_http_violations_are_told_in_the_published_words(client: TestClient) -> None:
    """A malformed EMAID and a malformed fingerprint are told together."""
    answer = client.get(
        f"{BASE}/contractData/emaid/DE*ICECOPNCCERT",
        params={"cpsV2GRootCertificateFingerprint": "g" * 64, "xsdMsgDefNamespace": "urn:x"},
    )
    assert_error(
        answer,
        400,
        r'emaid : must match "^[A-Za-z]{2}[-]?\w{3}[-]?\w{9,28}[-]?(\w{1})?$"',
        'cpsV2GRootCertificateFingerprint : must match "^[0-9a-fA-F]{64}$"',
        "xsdMsgDefNamespace : must be one of urn:iso:15118:2:2013:MsgDef,"
        " urn:iso:15118:20:2020:MsgDef, urn:iso:15118:20:2022:MsgDef,"
        " urn:iso:std:iso:15118:-20:CommonMessages",
    )
