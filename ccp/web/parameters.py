"""The one table of names: what the spec calls a value, what handlers call it, how it is read."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ccp.domain.base64_text import read_base64
from ccp.domain.identifiers import (
    Emaid,
    Pcid,
    parse_fingerprint,
    parse_namespace,
    parse_session_id,
)


class Argument(NamedTuple):
    """
    A handler's argument.

    Attributes:
        name: In the handler's signature.
        read: Turns a value that fits its schema into the handler's type; may raise CcpError.
    """

    name: str
    read: Callable[[Any], Any]


class UnknownName(Exception):
    """The spec has a parameter or body field that nobody here knows; this stops the start."""


def _same(value: Any) -> Any:
    return value


def _session_id_if_any(text: str) -> bytes | None:
    return parse_session_id(text) if text else None


ARGUMENTS = {
    "emaid": Argument("emaid", Emaid.parse),
    "pcid": Argument("pcid", Pcid.parse_lab),  # a strict pool's spec admits PCIDs alone
    "xsdMsgDefNamespace": Argument("namespace", parse_namespace),
    "cpsV2GRootCertificateFingerprint": Argument("v2g_root_fingerprint", parse_fingerprint),
    "sessionID": Argument("session_id", _session_id_if_any),
    "alwaysReturnEXI": Argument("always_return_exi", _same),
    "broadcast": Argument("broadcast", _same),
    "X-Skip-Revocation": Argument("skip_revocation", _same),
    "certificateInstallationReq": Argument("installation_req_exi", read_base64),
    "certificateInstallationRes": Argument("installation_res_exi", read_base64),
    "metaData": Argument("meta_data", _same),
    "metadata": Argument("metadata", _same),
}

# Checked against the spec, but no handler acts on them.
UNUSED = frozenset(
    {
        "OPNC-from-party-type",  # these two are held against the access token
        "OPNC-from-party-id",
        "OPNC-to-party-type",
        "OPNC-to-party-id",
        "priority",  # of OPCP's default: there is but one
        "cpsRootDistinguishedName",  # informative: the message itself names its root
    }
)


OPNC_NAME = "x-opnc-name"
"""What a spec besides OPNC's says of a parameter or body field: what OPNC calls it."""


def argument_named(name: str) -> Argument | None:
    """
    Look up what becomes of a parameter or body field of the spec.

    Returns: None where no handler acts on it.
    Raises:
        UnknownName: It is in neither of the two tables above.
    """
    if name in UNUSED:
        return None
    try:
        return ARGUMENTS[name]
    except KeyError:
        raise UnknownName(f"ccp.web.parameters does not know {name}, which the spec has") from None
