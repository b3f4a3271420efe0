"""
Who may do what: a row for each operation.

Source: OPNC CCP API 1.0, the table of roles; besides, the pool's operator, and peer pools, which
ask on a CPO's behalf.
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
    """What the OPNC-from-party headers say of where a request comes from; None where left out."""

    type: str | None
    id: str | None


def _any(_caller: Caller, _arguments: Arguments) -> None:
    """Everybody in the role may."""


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
"""Which roles may do an operation, and with which contracts or cars; an operator may do all."""


def authorize(
    caller: Caller, party: Party, rights: Mapping[str, Check], arguments: Arguments
) -> None:
    """
    Let a caller do what its roles may, and nothing else; what is stored makes no difference.

    Args:
        party: Must not contradict the token, whatever the caller's roles.
        rights: The operation's row of RIGHTS.
        arguments: Of the operation; `emaid` and `pcid` are parsed.
    Raises:
        PartyContradictsToken, RoleNotAllowed, EmaidNotOwned, PcidNotOwned: It may not.
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
    Compare with what the token says; where it has no ids, it says nothing of them.

    The header has no type for an operator, so that an operator may give any.
    """
    if party.type is not None and not {party.type, "operator"} & set(caller.roles):
        return True
    if not party.id or not caller.ids:
        return False
    return not set(normalised_ids([party.id])) & set(caller.ids)
