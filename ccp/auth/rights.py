"""
The rights of roles: a row for each operation.

Source: OPNC CCP API 1.0, the table of roles. The roles of the pool's operator and of peer pools,
which forward requests of a CPO, are added.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ccp.auth.caller import POOL, Caller, normalised_ids
from ccp.domain.errors import (
    CcpError,
    EmaidNotOwned,
    PartyContradictsToken,
    PcidNotOwned,
    RoleNotAllowed,
)

Arguments = Mapping[str, Any]
Check = Callable[[Caller, Arguments], type[CcpError] | None]


class Party(NamedTuple):
    """The OPNC-from-party headers of a request; None for a header that is missing."""

    type: str | None
    id: str | None


def _any(_caller: Caller, _arguments: Arguments) -> None:
    """Permit the operation to every caller with the role."""


def _own_emaids(caller: Caller, arguments: Arguments) -> type[CcpError] | None:
    return None if arguments["emaid"].provider_id in caller.ids else EmaidNotOwned


def _own_pcids(caller: Caller, arguments: Arguments) -> type[CcpError] | None:
    return None if arguments["pcid"].wmi in caller.ids else PcidNotOwned


RIGHTS: Mapping[str, Mapping[str, Check]] = {
    "getContractDataByEmaidV1": {"emsp": _own_emaids},
    "getContractDataByPcidV1": {"oem": _own_pcids},
    "getSignedContractDataByCertificateInstallationReqV1": {"cpo": _any, POOL: _any},
    "addSignedContractDataV1": {"emsp": _own_emaids, "cps": _any},
    "deleteSignedContractDataByEmaidV1": {"emsp": _own_emaids},
    "getSignedContractDataByEmaidAndPcidV1": {"oem": _own_pcids},
    "setSignedContractDataAsDefaultV1": {"oem": _own_pcids},
}
"""The roles that may call an operation, with their checks of ownership; operators may call all."""


def authorize(
    caller: Caller, party: Party, rights: Mapping[str, Check], arguments: Arguments
) -> None:
    """
    Check that a caller's roles permit an operation. Stored data are not looked at.

    Args:
        party: The OPNC-from-party headers, which must not contradict the token.
        rights: The operation's row of RIGHTS.
        arguments: The operation's arguments; `emaid` and `pcid` are parsed.
    Raises:
        PartyContradictsToken, RoleNotAllowed, EmaidNotOwned, PcidNotOwned: The operation is not
            permitted.
    """
    if _contradicts(party, caller):
        raise PartyContradictsToken
    if "operator" in caller.roles:
        return
    checks = [check for role, check in rights.items() if role in caller.roles]
    if not checks:
        raise RoleNotAllowed
    refusals = [error for check in checks if (error := check(caller, arguments))]
    if len(refusals) == len(checks):
        raise refusals[0]


def _contradicts(party: Party, caller: Caller) -> bool:
    """
    Return whether the headers contradict the token.

    A token without ids contradicts no id. OPNC has no party type for an operator, so an operator
    may send any type.
    """
    if party.type is not None and not {party.type, "operator"} & set(caller.roles):
        return True
    if not party.id or not caller.ids:
        return False
    return not set(normalised_ids([party.id])) & set(caller.ids)
