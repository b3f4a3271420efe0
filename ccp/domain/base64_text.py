"""Base64 as callers send it: with white space, or without padding."""

import binascii

from ccp.domain.errors import ExiInvalid


def read_base64(text: str) -> bytes:
    """
    Decode base64. White space and missing padding are accepted.

    Args:
        text: Standard alphabet (RFC 4648, 4).
    Raises:
        ExiInvalid: *text* is something else.
    """
    try:
        compact = text.encode("ascii").translate(None, b" \t\r\n")
        return binascii.a2b_base64(compact + b"=" * (-len(compact) % 4), strict_mode=True)
    except ValueError:
        raise ExiInvalid("The message is not base64.") from None
