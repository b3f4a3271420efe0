"""What comes of some bytes: one message, or one error in words."""

from ccp.iso15118 import ExiError, decode, encode


def outcome(exi: bytes) -> ExiError | None:
    """
    Give the error that decoding ends in, checked; None if the bytes are a message.

    A message is encoded to the very same bytes: there is but one way to write it, so that no two
    readers of it disagree.
    """
    error: ExiError
    try:
        message = decode(exi)
    except ExiError as refusal:
        error = refusal
    else:
        assert encode(message) == exi
        return None
    assert error.reason.endswith(".")
    assert len(error.reason) < 200
    assert error.bit is None or 0 <= error.bit <= 8 * len(exi)
    assert all(error.expected)
    return error
