"""Answers: each schema against the spec's component of the same name."""

import pytest
from marshmallow import Schema

from ccp.identifiers import Pcid
from ccp.schemas import (
    contract_data_answer,
    installation_failure,
    signed_contract_data_answer,
)
from ccp.schemas.contract_data import ContractDataV1, SignedContractDataV1
from tests.builders import record
from tests.contract.conformance import SPEC

COMPONENTS = SPEC["components"]["schemas"]


@pytest.mark.parametrize("schema", [ContractDataV1, SignedContractDataV1], ids=lambda s: s.__name__)
def test_a_schema_has_the_fields_of_its_component(schema: type[Schema]) -> None:
    """Every property of the component is a field, and every field a property."""
    assert set(schema().fields) == set(COMPONENTS[schema.__name__]["properties"])


def test_a_record_is_answered_in_the_wire_names() -> None:
    """Times are UTC with Z, bytes are base64, the identifiers as they were put."""
    answer = contract_data_answer([record("de-ice-copnccert", "wauzzz4b0cc012345")])
    assert answer == {
        "contractDataCollection": [
            {
                "emaid": "DEICECOPNCCERT",
                "pcid": "wauzzz4b0cc012345",
                "xsdMsgDefNamespace": "urn:iso:15118:2:2013:MsgDef",
                "contractCertificate": "bGVhZg==",
                "defaultContract": False,
                "certValidFrom": "2025-05-31T12:00:00Z",
                "certValidTo": "2025-06-02T12:00:00Z",
                "cpsV2GRootDistinguishedName": "CN=V2G Root CA, DC=V2G, O=Test, C=DE",
                "cpsV2GRootCertificateFingerprint": "a" * 64,
            }
        ]
    }


def test_what_is_not_known_is_left_out() -> None:
    """An unknown fingerprint or a note that nobody left is absent, not null."""
    (item,) = signed_contract_data_answer([record(root=None)])["signedContractDataCollection"]
    assert set(item) == {
        "emaid",
        "pcid",
        "xsdMsgDefNamespace",
        "certificateInstallationRes",
        "cpsRootDistinguishedName",
    }
    (item,) = signed_contract_data_answer([record(meta_data="")])["signedContractDataCollection"]
    assert item["metaData"] == ""


@pytest.mark.parametrize("pcid", [None, Pcid.parse("WAUZZZ4B0CC012345")])
def test_a_failure_names_the_car_where_it_is_known(pcid: Pcid | None) -> None:
    """The failing answer has the message and its namespace, and the PCID if there is one."""
    body = installation_failure(exi=b"exi", pcid=pcid, namespace="urn:iso:15118:2:2013:MsgDef")
    expected = {
        "certificateInstallationRes": "ZXhp",
        "xsdMsgDefNamespace": "urn:iso:15118:2:2013:MsgDef",
    } | ({"pcid": pcid.text} if pcid else {})
    assert body == {"signedContractDataCollection": [expected]}
