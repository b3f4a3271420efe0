"""The story of one contract, from the PKI to the car: steps, each a command to run by hand."""

from collections.abc import Mapping
from dataclasses import dataclass

from ccp.workshop.contract_faults import CONTRACT_FAULTS
from ccp.workshop.request_faults import REQUEST_FAULTS

EMAID = "DEWRKC00000001"
SECOND_EMAID = "DEWRKC00000002"
PCID = "WRKSH0PCAR0000001"

START_POOL = "CCP_TRUST_DIR=workshop/trust make run"
_JSON = "-H 'Content-Type: application/json' -d @{}"
_PUT = f"curl -X PUT $CCP/signedcontractdata {_JSON}"
_POST = f"curl $CCP/signedcontractdata {_JSON}"
_INTO = " |\n        "  # a line for each command of a pipe; a shell reads on behind the bar

_REFUSED_CONTRACTS = (
    "wrong-signer",
    "tampered-encrypted-key",
    "unsigned-emaid",
    "emaid-swapped",
    "contract-expired",
    "cps-impostor-root",
    "cps-sub-ca-is-none",
)
_REFUSED_REQUESTS = ("unsigned", "tampered", "provisioning-expired", "provisioning-foreign-root")


@dataclass(frozen=True, slots=True)
class Step:
    """
    One thing that somebody does.

    Attributes:
        command: In a shell, in the folder of the story; `$CCP` is the pool's base URL.
        status: What it has to end with: an HTTP status, or the exit status of `ccp`.
    """

    who: str
    does: str
    command: str
    status: int = 0


STORY: Mapping[str, list[Step]] = {
    "Before a car can charge": [
        Step("All", "make their CAs: two V2G roots with a CPS each, eMSP, OEM", "ccp workshop pki"),
        Step("OEM", f"builds a car: its certificate names it {PCID}", "ccp workshop car"),
        Step("Operator", "starts a strict pool that trusts these roots", START_POOL),
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
    "What the pool refuses": [
        *(
            Step(
                "Somebody",
                f"puts in: {CONTRACT_FAULTS[name].meaning}",
                f"ccp workshop contract --fault {name}{_INTO}" + _PUT.format("-"),
                400,
            )
            for name in _REFUSED_CONTRACTS
        ),
        *(
            Step(
                "Somebody",
                f"asks: {REQUEST_FAULTS[name].meaning}",
                f"ccp workshop request --fault {name}{_INTO}" + _POST.format("-"),
                400,
            )
            for name in _REFUSED_REQUESTS
        ),
    ],
    "The contract ends": [
        Step("eMSP", "withdraws it", f"curl -X DELETE $CCP/signedcontractdata/{SECOND_EMAID}", 200),
        Step(
            "Car",
            "asks again",
            f"ccp workshop request{_INTO}" + _POST.format("-") + " -o gone.json",
            404,
        ),
        Step("Car", "reads its own answer", "ccp workshop install gone.json", 1),
    ],
}
