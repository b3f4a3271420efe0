"""The schemas of responses. A test compares each with the spec's component of the same name."""

import base64
from collections.abc import Iterable
from typing import Any

from marshmallow import Schema, fields, post_dump

from ccp.domain.identifiers import Pcid
from ccp.schemas.root_names import published_name
from ccp.store import ContractData, SignedContractData


class Base64(fields.Field[bytes]):
    """Bytes, as base64 with padding."""

    def _serialize(
        self, value: bytes | None, attr: str | None, obj: Any, **kwargs: Any
    ) -> str | None:
        return None if value is None else base64.b64encode(value).decode("ascii")


class RootName(fields.Field[str]):
    """The name of a V2G root; left out if it does not fit the published pattern."""

    def _serialize(
        self, value: str | None, attr: str | None, obj: Any, **kwargs: Any
    ) -> str | None:
        return None if value is None else published_name(value)


class _Answer(Schema):
    """A response without members that have no value."""

    @post_dump
    def without_unknown(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Remove members that have no value."""
        return {name: value for name, value in data.items() if value is not None}


class _Common(_Answer):
    """The members that both schemas have."""

    emaid = fields.String(attribute="emaid.text")
    pcid = fields.String(attribute="pcid.text")
    xsdMsgDefNamespace = fields.String(attribute="namespace")
    cpsV2GRootCertificateFingerprint = fields.String(attribute="v2g_root_fingerprint")


class ContractDataV1(_Common):
    """Facts about a stored contract."""

    contractCertificate = Base64(attribute="contract_certificate_der")
    defaultContract = fields.Boolean(attribute="is_default")
    certValidFrom = fields.DateTime("%Y-%m-%dT%H:%M:%SZ", attribute="valid_from")
    certValidTo = fields.DateTime("%Y-%m-%dT%H:%M:%SZ", attribute="valid_to")
    cpsV2GRootDistinguishedName = RootName(attribute="v2g_root_distinguished_name")


class SignedContractDataV1(_Common):
    """A stored contract, with its message."""

    certificateInstallationRes = Base64(attribute="installation_res_exi")
    metaData = fields.String(attribute="meta_data")
    cpsRootDistinguishedName = RootName(attribute="v2g_root_distinguished_name")


_contract_data = ContractDataV1(many=True)
_signed_contract_data = SignedContractDataV1(many=True)


def contract_data_answer(records: Iterable[ContractData]) -> dict[str, Any]:
    """Convert records to GetContractDataResV1."""
    return {"contractDataCollection": _contract_data.dump(records)}


def signed_contract_data_answer(records: Iterable[SignedContractData]) -> dict[str, Any]:
    """Convert records to GetSignedContractDataResV1."""
    return {"signedContractDataCollection": _signed_contract_data.dump(records)}


def installation_failure(*, exi: bytes, pcid: Pcid | None, namespace: str) -> dict[str, Any]:
    """
    Build the part of an error body that carries the failing EXI answer for the car.

    Args:
        exi: A CertificateInstallationRes with a failing response code.
        pcid: The car's PCID; None if it is unknown.
        namespace: The namespace of *exi*.
    """
    record = {"installation_res_exi": exi, "namespace": namespace, "pcid": pcid}
    return {"signedContractDataCollection": _signed_contract_data.dump([record])}
