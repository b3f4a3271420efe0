"""What the pool needs to know of an EXI message, for either edition of ISO 15118."""

from ccp.messages.contract import (
    CLOCK_TOLERANCE,
    SignedContract,
    contract_failures,
    names_of,
)
from ccp.messages.peer_answer import check_foreign_answer
from ccp.messages.reading import (
    decode_installation_req,
    decode_installation_res,
    read_installation_req,
    read_installation_res,
    understand,
)
from ccp.messages.request import InstallationRequest
from ccp.messages.signatures import check_message, verify_message

__all__ = [
    "CLOCK_TOLERANCE",
    "InstallationRequest",
    "SignedContract",
    "check_foreign_answer",
    "check_message",
    "contract_failures",
    "decode_installation_req",
    "decode_installation_res",
    "names_of",
    "read_installation_req",
    "read_installation_res",
    "understand",
    "verify_message",
]
