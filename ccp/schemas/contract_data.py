"""The shapes of answers, each held by a test against the spec's component of the same name."""

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
    """The name of a V2G root; a name that does not fit the published pattern is not known."""

    def _serialize(
        self, value: str | None, attr: str | None, obj: Any, **kwargs: Any
    ) -> str | None:
        return None if value is None else published_name(value)


class _Answer(Schema):
    """An answer leaves out what is not known."""

    @post_dump
    def without_unknown(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Drop members that have no value."""
        return {name: value for name, value in data.items() if value is not None}


class _Common(_Answer):
    """What both views of a record have."""

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
    """Shape records as GetContractDataResV1."""
    return {"contractDataCollection": _contract_data.dump(records)}


def signed_contract_data_answer(records: Iterable[SignedContractData]) -> dict[str, Any]:
    """Shape records as GetSignedContractDataResV1."""
    return {"signedContractDataCollection": _signed_contract_data.dump(records)}


def installation_failure(*, exi: bytes, pcid: Pcid | None, namespace: str) -> dict[str, Any]:
    """
    Shape the failing EXI answer that an error body carries besides its messages.

    Args:
        exi: A CertificateInstallationRes with a failing response code.
        pcid: Of the car, where it is known.
        namespace: Of *exi*.
    """
    record = {"installation_res_exi": exi, "namespace": namespace, "pcid": pcid}
    return {"signedContractDataCollection": _signed_contract_data.dump([record])}
