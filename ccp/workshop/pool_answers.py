"""What a pool answers over HTTP: JSON, with messages for a car in it."""

import binascii
import json
from base64 import b64decode
from typing import Any

from ccp.workshop.edition import Edition
from ccp.workshop.errors import WorkshopError


def messages_of(answer: bytes, edition: Edition) -> list[bytes]:
    """
    Take the messages that are meant for a car out of what a pool has answered.

    Returns: CertificateInstallationRes, EXI, in their order; where a car gets but one, the first.
    Raises:
        WorkshopError: There is none, or something else.
    """
    try:
        items: list[Any] = json.loads(answer)["signedContractDataCollection"]
        found = [b64decode(item["certificateInstallationRes"], validate=True) for item in items]
    except (ValueError, LookupError, TypeError, binascii.Error):
        found = []
    if not found:
        raise WorkshopError("there is no message for a car in this answer")
    return found if edition.has_lists else found[:1]
