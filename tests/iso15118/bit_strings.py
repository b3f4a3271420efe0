"""Messages spelled out bit by bit."""

# ISO 15118-2
HEADER = "10000000 1001100 0 0 0 00000001 00000001 0"  # up to the end of SessionID, which is 01
UNSIGNED = "10 0"  # no Notification nor Signature; Body
REQ = f"{UNSIGNED} 000101"
RES = f"{UNSIGNED} 000110"

# ISO 15118-20
SESSION20 = f"0 0 0 00001000 {'00000001 ' * 8} 0"  # Header, up to the end of SessionID
HEADER20 = f"10000000 000111 {SESSION20} 0 0 00000001 0"  # up to the end of TimeStamp, which is 1
RES_HEADER20 = f"10000000 001000 {SESSION20} 0 0 00000001 0"
UNSIGNED20 = "01"  # no Signature

# Both
LETTER = "00000011 01100001"  # the string "a"
BYTE = "00000001 00000001"  # the byte string 01


def octets(*bits: str) -> bytes:
    """The bits, blanks left out, filled up with zeros."""
    whole = "".join(bits).replace(" ", "")
    whole += "0" * (-len(whole) % 8)
    return int(whole, 2).to_bytes(len(whole) // 8, "big")


def unsigned(value: int) -> str:
    """An EXI unsigned integer: groups of seven bits, low first."""
    groups = []
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    return "".join(f"{group:08b}" for group in [*groups, value])
