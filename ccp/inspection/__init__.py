"""What a message is: all that can be said of it, as data, and in words."""

from ccp.inspection.certificates import (
    CertificateFacts,
    ExtensionFacts,
    UnreadableCertificate,
    hexadecimal,
)
from ccp.inspection.chains import ChainFacts
from ccp.inspection.inputs import NoMessage, read_messages
from ccp.inspection.message import Inspection, UnreadableMessage, inspect_message
from ccp.inspection.signature import Piece, SignatureFacts
from ccp.inspection.text import render_text

__all__ = [
    "CertificateFacts",
    "ChainFacts",
    "ExtensionFacts",
    "Inspection",
    "NoMessage",
    "Piece",
    "SignatureFacts",
    "UnreadableCertificate",
    "UnreadableMessage",
    "hexadecimal",
    "inspect_message",
    "read_messages",
    "render_text",
]
