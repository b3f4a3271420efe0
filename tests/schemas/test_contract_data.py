"""Answers: each schema against the spec's component of the same name."""

import re

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema

from ccp.domain.identifiers import Pcid
from ccp.pki.names import distinguished_name
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


# As published, and on purpose not read from our own spec.
PATTERN = re.compile(
    r"^(CN=[a-zA-Z0-9\s\-\.]+,\s)?(DC=[a-zA-Z0-9\s\-\.]+,\s)?(O=[a-zA-Z0-9\s\-\.]+,\s)?"
    r"(OU=[a-zA-Z0-9\s\-\.]+,\s)?(C=[A-Z]{2})?\Z",
    re.ASCII,
)


def root_names(name: str) -> list[str | None]:
    """The root's name in both kinds of answers."""
    records = [record(v2g_root_distinguished_name=name)]
    (contract,) = contract_data_answer(records)["contractDataCollection"]
    (signed,) = signed_contract_data_answer(records)["signedContractDataCollection"]
    return [
        contract.get("cpsV2GRootDistinguishedName"),
        signed.get("cpsRootDistinguishedName"),
    ]


@pytest.mark.parametrize(
    ("subject", "answered"),
    [
        ("CN=Root G1,DC=V2G,O=Some GmbH,C=DE", "CN=Root G1, DC=V2G, O=Some GmbH, C=DE"),
        ("DC=V2G,CN=Root G1,O=Some GmbH,C=DE", "CN=Root G1, DC=V2G, O=Some GmbH, C=DE"),
        ("C=DE,O=Some GmbH,CN=Root G1,DC=V2G", "CN=Root G1, DC=V2G, O=Some GmbH, C=DE"),
        ("C=DE,OU=PKI 2.0,O=A-B,CN=R", "CN=R, O=A-B, OU=PKI 2.0, C=DE"),
        ("C=DE", "C=DE"),
        (f"O={'x' * 1016},C=DE", f"O={'x' * 1016}, C=DE"),
    ],
)
def test_root_name_that_fits_is_answered_in_the_published_order(
    subject: str, answered: str
) -> None:
    """The attributes of the certificate's subject may come in any order."""
    name = distinguished_name(x509.Name.from_rfc4514_string(subject))
    assert root_names(name) == [answered, answered]
    assert PATTERN.match(answered)


@pytest.mark.parametrize(
    "subject",
    [
        "CN=Müller Root,O=X,C=DE",
        "CN=Root,O=Some Company\\, Inc.,C=US",
        "CN=Root\\, O=Fake,C=US",
        "CN=Root (test),C=DE",
        "CN=Root,ST=Bayern,C=DE",
        "CN=Root,DC=V2G,DC=example,C=DE",
        "CN=Root,O=X",
        "CN=Root,C=de",
        "CN=Root+O=X,C=DE",
        "CN=Root,1.2.840.113549.1.9.1=#160161,C=DE",
        "CN=\\ Root,C=DE",
        f"O={'x' * 1017},C=DE",
        "",
    ],
)
def test_root_name_that_does_not_fit_is_left_out(subject: str) -> None:
    """An optional field that a strict client would refuse is not sent."""
    name = distinguished_name(x509.Name.from_rfc4514_string(subject))
    assert root_names(name) == [None, None]


@given(st.text(alphabet="CNDOU=, \\+.-aZ0ß\n\t", max_size=40))
def test_root_name_of_any_text_fits_the_published_pattern(name: str) -> None:
    """Whatever an older version has stored, an answer fits or has no name."""
    for answered in root_names(name):
        assert answered is None or PATTERN.match(answered)
