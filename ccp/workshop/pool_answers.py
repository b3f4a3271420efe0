"""What a pool answers over HTTP: JSON, with messages for a car in it."""

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
        items = items_of(json.loads(answer))
        found = [b64decode(item["certificateInstallationRes"], validate=True) for item in items]
    except (ValueError, LookupError, TypeError, AttributeError):
        found = []
    if not found:
        raise WorkshopError("there is no message for a car in this answer")
    return found if edition.has_lists else found[:1]


def items_of(answer: dict[str, Any]) -> list[dict[str, str]]:
    """Give what a pool's answer has for a car, in the form of OPNC or of OPCP; maybe nothing."""
    items: list[dict[str, str]] = answer.get("signedContractDataCollection", [])
    contents = answer.get("CCPResponse", {}).get("emaidContent", [])
    return items or [content["messageDef"] for content in contents]
