"""The story of contracts, from the PKI to the car: steps, each a command to run by hand."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ccp.workshop.contract_faults import CONTRACT_FAULTS
from ccp.workshop.edition import Edition
from ccp.workshop.editions import EDITION_2, EDITION_20
from ccp.workshop.request_faults import REQUEST_FAULTS

SECOND_EMAID = "DEWRKC00000002"
PCID = EDITION_2.pcid

# The car of ISO 15118-20, its contracts, and a car that has none.
_PCID_20 = EDITION_20.pcid
_FIRST_20, _SECOND_20, _THIRD_20 = EDITION_20.emaid, "DEWRKC00000022", "DEWRKC00000023"
_UNKNOWN_PCID = "WRKSH0PCAR00000029"

_TRUST = "CCP_TRUST_DIR=workshop/trust"
_START_PKI = "ccp workshop pki-service"
_START_POOL = f"{_TRUST} CCP_REVOCATION_URL=$PKI CCP_OPERATOR_CAS=workshop/cas make run"
_START_SECOND = (
    f"{_TRUST} CCP_PORT=8081 CCP_DATABASE_URL=sqlite:///second.db CCP_PEERS=$CCP make run"
)
_OPNC, _OPCP = "/opnc/v1/ccp", "/v1/ccp"
_JSON = "-H 'Content-Type: application/json' -d @{}"
_PUT = f"curl -X PUT $CCP/signedcontractdata {_JSON}"
_POST = f"curl $CCP/signedcontractdata {_JSON}"
_INTO = " |\n        "  # a line for each command of a pipe; a shell reads on behind the bar

_REFUSED_CONTRACTS: Mapping[Edition, Sequence[str]] = {
    EDITION_2: (
        "wrong-signer",
        "tampered-encrypted-key",
        "unsigned-emaid",
        "emaid-swapped",
        "contract-expired",
        "cps-impostor-root",
        "cps-sub-ca-is-none",
    ),
    EDITION_20: ("tampered-encrypted-key", "signature-method", "contract-chain-wrong-curve"),
}
_REFUSED_REQUESTS: Mapping[Edition, Sequence[str]] = {
    EDITION_2: ("unsigned", "tampered", "provisioning-expired", "provisioning-foreign-root"),
    EDITION_20: ("signature-wrong-curve", "tampered", "provisioning-sub-ca-swapped"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """
    One thing that somebody does.

    Attributes:
        command: In a shell, in the folder of the story.
        status: What it has to end with: an HTTP status, or the exit status of `ccp`.
        serves: Of a server, which does not end: the variables that later commands know its URLs
            by, and the paths of these.
    """

    who: str
    does: str
    command: str
    status: int = 0
    serves: Mapping[str, str] = field(default_factory=dict)


def _ccp(command: str, edition: Edition) -> str:
    """A command of the workshop, which says its edition where it is not the usual one."""
    return f"ccp workshop {command}" + (
        "" if edition is EDITION_2 else f" --edition {edition.number}"
    )


def _refused(edition: Edition) -> Iterator[Step]:
    """Steps that a strict pool answers with 400."""
    for name in _REFUSED_CONTRACTS[edition]:
        yield Step(
            "Somebody",
            f"puts in: {CONTRACT_FAULTS[edition][name].meaning}",
            f"{_ccp('contract', edition)} --fault {name}{_INTO}" + _PUT.format("-"),
            400,
        )
    for name in _REFUSED_REQUESTS[edition]:
        yield Step(
            "Somebody",
            f"asks: {REQUEST_FAULTS[edition][name].meaning}",
            f"{_ccp('request', edition)} --fault {name}{_INTO}" + _POST.format("-"),
            400,
        )


STORY: Mapping[str, list[Step]] = {
    "Before a car can charge": [
        Step("All", "make their CAs: two V2G roots with a CPS each, eMSP, OEM", "ccp workshop pki"),
        Step("OEM", f"builds a car: its certificate names it {PCID}", "ccp workshop car"),
        Step(
            "eMSP",
            "runs its CA's service, which revokes contracts",
            _START_PKI,
            serves={"PKI": ""},
        ),
        Step(
            "Operator",
            "starts a strict pool that trusts these roots, and runs the eMSP's CA",
            _START_POOL,
            serves={"CCP": _OPNC, "OPCP": _OPCP},
        ),
    ],
    "A contract reaches the pool": [
        Step(
            "eMSP, CPS",
            "make a contract: its key encrypted for the car, all signed",
            "ccp workshop contract -o put.json",
        ),
        Step("CPS", "puts it into the pool", _PUT.format("put.json"), 201),
        Step(
            "eMSP",
            "looks it up, in any spelling of the EMAID",
            "curl $CCP/contractData/emaid/de-wrk-c00000001",
            200,
        ),
        Step(
            "CPS",
            "puts a second contract for the same car in",
            f"ccp workshop contract --emaid {SECOND_EMAID}{_INTO}" + _PUT.format("-"),
            201,
        ),
        Step(
            "OEM",
            "makes the second one the car's default",
            f"curl -X POST $CCP/signedcontractdata/{SECOND_EMAID}/{PCID}/setdefault",
            200,
        ),
        Step(
            "CPS B",
            "signs and puts it once more, for cars that have V2G root B",
            f"ccp workshop contract --emaid {SECOND_EMAID} --root B{_INTO}" + _PUT.format("-"),
            201,
        ),
        Step("OEM", "sees them all", f"curl $CCP/contractData/pcid/{PCID}", 200),
    ],
    "The contract reaches the car": [
        Step(
            "OEM",
            "may fetch it by itself, for a session of its own",
            f'curl "$CCP/signedcontractdata/{SECOND_EMAID}/{PCID}?sessionID=0102030405060708"',
            200,
        ),
        Step(
            "Car", "has V2G root A; asks at a charging station", "ccp workshop request -o post.json"
        ),
        Step(
            "CPO",
            "passes that on, and gets what root A can check",
            _POST.format("post.json") + " -o answer.json",
            200,
        ),
        Step("Car", "checks the answer and installs it", "ccp workshop install answer.json"),
    ],
    "A car of ISO 15118-20 takes three contracts": [
        Step(
            "OEM",
            f"builds a car of the new edition: {_PCID_20}",
            _ccp("car", EDITION_20),
        ),
        *(
            Step(
                "CPS",
                f"puts a contract in: {what}",
                f"{_ccp('contract', EDITION_20)}{options}{_INTO}" + _PUT.format("-"),
                201,
            )
            for what, options in (
                ("the first is the default", ""),
                ("a second one", f" --emaid {_SECOND_20}"),
                ("a third one, under V2G root B", f" --emaid {_THIRD_20} --root B"),
            )
        ),
        Step(
            "Car",
            "has both V2G roots and room for three; wants the third first, then the second",
            f"{_ccp('request', EDITION_20)} --root A --root B --maximum 3"
            f" --prioritize {_THIRD_20} --prioritize {_SECOND_20} -o post.json",
        ),
        Step(
            "CPO",
            "passes that on, and gets a message for each contract, in this order",
            _POST.format("post.json") + " -o three.json",
            200,
        ),
        Step(
            "Car",
            "checks the whole answer and installs them",
            f"{_ccp('install', EDITION_20)} three.json",
        ),
        Step(
            "Car",
            "has room for one, and no wish: gets the default",
            f"{_ccp('request', EDITION_20)} --maximum 1{_INTO}"
            + _POST.format("-")
            + " -o one.json",
            200,
        ),
        Step(
            "Car", "has it already, and it is the same", f"{_ccp('install', EDITION_20)} one.json"
        ),
        Step(
            "OEM",
            "builds a car that nobody has made a contract for",
            f"{_ccp('car', EDITION_20)} --pcid {_UNKNOWN_PCID}",
        ),
        Step(
            "Car",
            "asks in vain",
            f"{_ccp('request', EDITION_20)} --pcid {_UNKNOWN_PCID}{_INTO}"
            + _POST.format("-")
            + " -o none.json",
            404,
        ),
        Step(
            "Car",
            "reads its own answer: a warning, which does not end its session",
            f"{_ccp('install', EDITION_20)} --pcid {_UNKNOWN_PCID} none.json",
            1,
        ),
    ],
    "The pool among others": [
        Step(
            "Operator 2",
            "starts a second pool, which is empty, and has the first one as its peer",
            _START_SECOND,
            serves={"SECOND": _OPNC},
        ),
        Step(
            "Car",
            "asks at a station of another ecosystem",
            "ccp workshop request -o elsewhere.json",
        ),
        Step(
            "CPO 2",
            "passes that on to the second pool, which does not know the car",
            f"curl $SECOND/signedcontractdata {_JSON.format('elsewhere.json')} -o none.json",
            404,
        ),
        Step(
            "CPO 2",
            "wants it asked for elsewhere, and gets what the first pool has",
            f"curl $SECOND/signedcontractdata -H 'broadcast: true' {_JSON.format('elsewhere.json')}"
            " -o across.json",
            200,
        ),
        Step("Car", "checks the answer: it is for its session", "ccp workshop install across.json"),
        Step("Car", "asks at an older station", "ccp workshop request -o older.json"),
        Step(
            "CPO 3",
            "has a CSMS that speaks OPCP, with the same pool",
            f"curl $OPCP/signedContractData {_JSON.format('older.json')} -o opcp.json",
            200,
        ),
        Step("Car", "sees no difference", "ccp workshop install opcp.json"),
    ],
    "What the pool refuses": [*_refused(EDITION_2), *_refused(EDITION_20)],
    "The contract ends": [
        Step(
            "eMSP",
            "withdraws it: the pool has it revoked, then deletes it",
            f"curl -X DELETE $CCP/signedcontractdata/{SECOND_EMAID}",
            200,
        ),
        Step("eMSP", "sees it on its CA's list", "ccp workshop revoked"),
        Step(
            "Car",
            "asks again",
            f"ccp workshop request{_INTO}" + _POST.format("-") + " -o gone.json",
            404,
        ),
        Step("Car", "reads its own answer", "ccp workshop install gone.json", 1),
    ],
}
