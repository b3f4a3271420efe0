"""
The facade for callers of OPCP 1.0: its operations, served by the handlers of the OPNC ones.

Source: spec/opcp-ccp.yaml. Names are translated there (`x-opnc-name`), here what a name does not
tell.
"""

from collections.abc import Mapping
from typing import Any

from ccp.domain.errors import ContractsOfPcidNotFound
from ccp.domain.identifiers import Emaid
from ccp.web.translation import Translation


def _forward_unless_broadcast(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """In OPCP `broadcast` forbids to ask other pools, in OPNC it allows it."""
    return {**arguments, "broadcast": not arguments["broadcast"]}


def _ccp_response(body: dict[str, Any]) -> dict[str, Any]:
    """Shape signed contracts, or the one failing message that an error has, as a CCPResponse."""
    contracts = body["signedContractDataCollection"]
    return {"CCPResponse": {"emaidContent": [{"messageDef": _message(each)} for each in contracts]}}


def _message(contract: dict[str, Any]) -> dict[str, Any]:
    """A failure is of no contract, and has no EMAID; a peer pool may spell one with hyphens."""
    named = {"emaid": Emaid.parse(contract["emaid"]).text} if "emaid" in contract else {}
    return {
        "certificateInstallationRes": contract["certificateInstallationRes"],
        **named,
        "metaData": contract.get("metaData", ""),
    }


def _newest_message(body: dict[str, Any]) -> dict[str, Any]:
    """The variants come with the newest first."""
    newest = body["signedContractDataCollection"][0]
    return {name: newest[name] for name in ("certificateInstallationRes", "xsdMsgDefNamespace")}


def _xml_contracts(body: dict[str, Any]) -> dict[str, Any]:
    return {"XMLContracts": [_with_root(each) for each in body["contractDataCollection"]]}


def _with_root(contract: dict[str, Any]) -> dict[str, Any]:
    """Tell the V2G root's name, where it is known, under OPCP's two names too."""
    name = contract.get("cpsV2GRootDistinguishedName")
    if name is None:
        return contract
    return {**contract, "cpsRootCertificateDN": name, "cpsRootDistinguishedName": name}


def _nothing(_body: None) -> dict[str, Any]:
    """OPCP's clients parse the body of every success."""
    return {}


_DEFAULT = Translation("setSignedContractDataAsDefaultV1", body=_nothing)

TRANSLATIONS: Mapping[str, Translation] = {
    "opcpGetSignedContractData": Translation(
        "getSignedContractDataByCertificateInstallationReqV1",
        arguments=_forward_unless_broadcast,
        body=_ccp_response,
    ),
    "opcpAddSignedContractData": Translation("addSignedContractDataV1", body=_nothing),
    "opcpDeleteSignedContractData": Translation("deleteSignedContractDataByEmaidV1", body=_nothing),
    "opcpProvideSignedContractData": Translation(
        "getSignedContractDataByEmaidAndPcidV1", body=_newest_message
    ),
    "opcpPostDefault": _DEFAULT,
    "opcpPutDefault": _DEFAULT,
    "opcpLookupContract": Translation("getContractDataByEmaidV1", body=_xml_contracts),
    "opcpLookupContractsOfCar": Translation(
        "getContractDataByPcidV1",
        body=_xml_contracts,
        instead_of_errors={ContractsOfPcidNotFound: {"XMLContracts": []}},
    ),
}
"""Each operation of the facade, by its operationId."""
