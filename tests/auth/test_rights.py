"""The table of rights, written out once more by hand; and headers that contradict a token."""

import itertools

import pytest

from ccp.auth.caller import ROLES, Caller, normalised_ids
from ccp.auth.rights import RIGHTS, Party, authorize
from ccp.domain.errors import (
    EmaidNotOwned,
    PartyContradictsToken,
    PcidNotOwned,
    RoleNotAllowed,
)
from ccp.domain.identifiers import Emaid, Pcid
from tests.contract.conformance import SPEC

EMAID, PCID = Emaid.parse("de-ice-copnccert"), Pcid.parse("wauzzz4b0cc012345")
NOBODY = Party(None, None)

# Of OPNC's table: the roles that may, and whether the EMAID or the PCID has to be their own. And a
# peer pool, which passes a CPO's request on.
TABLE = {
    "getContractDataByEmaidV1": {"emsp": EmaidNotOwned},
    "getContractDataByPcidV1": {"oem": PcidNotOwned},
    "getSignedContractDataByCertificateInstallationReqV1": {"cpo": None, "ccp": None},
    "addSignedContractDataV1": {"emsp": EmaidNotOwned, "cps": None},
    "deleteSignedContractDataByEmaidV1": {"emsp": EmaidNotOwned},
    "getSignedContractDataByEmaidAndPcidV1": {"oem": PcidNotOwned},
    "setSignedContractDataAsDefaultV1": {"oem": PcidNotOwned},
}
ROLE_SETS = [
    roles for size in range(len(ROLES) + 1) for roles in itertools.combinations(sorted(ROLES), size)
]


def outcome(operation, roles, ids, party=NOBODY):
    """The error that a caller gets, or None."""
    caller = Caller("somebody", tuple(roles), normalised_ids(ids))
    arguments = {"emaid": EMAID, "pcid": PCID}
    try:
        authorize(caller, party, RIGHTS[operation], arguments)
    except (RoleNotAllowed, EmaidNotOwned, PcidNotOwned, PartyContradictsToken) as error:
        return type(error)
    return None


def expected(operation, roles, own):
    """What the table says: of several roles the one that allows most counts."""
    row = TABLE[operation]
    if "operator" in roles:
        return None
    if not set(roles) & set(row):
        return RoleNotAllowed
    errors = [row[role] for role in sorted(roles) if role in row]
    return None if own or None in errors else errors[0]


def test_there_is_a_row_for_each_operation():
    """The table of rights has the operations of the spec, and no other."""
    of_spec = {
        operation["operationId"]
        for item in SPEC["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    }
    assert set(RIGHTS) == set(TABLE) == of_spec


@pytest.mark.parametrize("operation", TABLE)
@pytest.mark.parametrize("roles", ROLE_SETS, ids="+".join)
def test_every_set_of_roles_may_what_the_table_says(operation, roles):
    """Each of the 32 sets of roles, with its own ids and with those of others."""
    assert outcome(operation, roles, ["DE-ICE", "wau"]) == expected(operation, roles, True)
    assert outcome(operation, roles, ["DEABC", "WBA"]) == expected(operation, roles, False)
    assert outcome(operation, roles, []) == expected(operation, roles, False)


@pytest.mark.parametrize(
    ("ids", "own"),
    [
        (["DEICE"], True),
        (["deice"], True),
        (["DE-ICE"], True),
        (["NLXYZ", "DEICE"], True),
        (["DE"], False),
        (["DEICEC"], False),
        (["DEIC"], False),
        ([""], False),
        (["DE*ICE"], False),
        (["ICEDE"], False),
    ],
)
def test_ownership_is_the_whole_prefix(ids, own):
    """Five characters make an eMSP, not fewer and not more; case and hyphens do not count."""
    found = outcome("getContractDataByEmaidV1", ["emsp"], ids)
    assert found is (None if own else EmaidNotOwned)


@pytest.mark.parametrize(("ids", "own"), [(["WAU"], True), (["wau"], True), (["WA"], False)])
def test_a_maker_is_its_wmi(ids, own):
    """Three characters make an OEM."""
    found = outcome("getContractDataByPcidV1", ["oem"], ids)
    assert found is (None if own else PcidNotOwned)


@pytest.mark.parametrize(
    ("party", "contradicts"),
    [
        (Party(None, None), False),
        (Party("emsp", None), False),
        (Party("emsp", "DEICE"), False),
        (Party("emsp", "de-ice"), False),
        (Party(None, "NL-XYZ"), False),
        (Party("emsp", ""), False),
        (Party("oem", None), True),
        (Party("ccp", None), True),
        (Party("emsp", "DEABC"), True),
        (Party(None, "DEABC"), True),
        (Party("oem", "DEICE"), True),
        (Party("emsp", "\N{LATIN SMALL LETTER SHARP S}"), True),
    ],
)
def test_headers_must_not_contradict_the_token(party, contradicts):
    """What a request says of its sender has to be what the token says."""
    wanted = PartyContradictsToken if contradicts else None
    assert outcome("getContractDataByEmaidV1", ["emsp"], ["DEICE", "NLXYZ"], party) is wanted


@pytest.mark.parametrize("type_", [None, "emsp", "ccp"])
@pytest.mark.parametrize(
    ("ids", "id_", "contradicts"),
    [
        (["DECCP"], "de-ccp", False),
        (["DECCP"], "DEICE", True),
        (["DECCP"], None, False),
        (["DECCP"], "", False),
        ([], "DEICE", False),
    ],
)
@pytest.mark.parametrize("roles", [["operator"], ["emsp", "operator"]])
def test_an_operator_is_held_to_its_ids(roles, ids, id_, type_, contradicts):
    """The header has no type for an operator, so none contradicts it; of an id the rule holds."""
    found = outcome("deleteSignedContractDataByEmaidV1", roles, ids, Party(type_, id_))
    assert found is (PartyContradictsToken if contradicts else None)


def test_a_token_without_ids_contradicts_no_id():
    """A CPO's token need not name its operator ids; the header may."""
    operation = "getSignedContractDataByCertificateInstallationReqV1"
    assert outcome(operation, ["cpo"], [], Party("cpo", "DE8AA")) is None
    assert outcome(operation, ["cpo"], [], Party("emsp", "DE8AA")) is PartyContradictsToken
