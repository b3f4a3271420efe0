"""Identifiers of the field (EMAID, PCID, namespace, …): parsed once, compared by value."""

import re
from dataclasses import dataclass, field
from typing import Self

ISO_15118_2 = "urn:iso:15118:2:2013:MsgDef"
ISO_15118_20 = "urn:iso:15118:20:2020:MsgDef"
NAMESPACES = (ISO_15118_2, ISO_15118_20)
"""The namespaces of the messages that the pool stores."""
_SPELLINGS_OF_20 = ("urn:iso:15118:20:2022:MsgDef", "urn:iso:std:iso:15118:-20:CommonMessages")

# Patterns and lengths of the OPNC CCP API 1.0. ECMA semantics: \w is ASCII, \Z is its `$`.
_EMAID = re.compile(r"[A-Za-z]{2}[-]?\w{3}[-]?\w{9,28}[-]?(\w{1})?\Z", re.ASCII)
_PCID = re.compile(r"[a-zA-Z0-9]{17,18}\Z", re.ASCII)
_FINGERPRINT = re.compile(r"[0-9a-fA-F]{64}\Z", re.ASCII)
_SESSION_ID = re.compile(r"([0-9a-fA-F]{2}){1,8}\Z", re.ASCII)

# ISO 15118-2 Annex H: country, operator, "E" and the outlet; DIN 91286 has "+" and figures.
_EVSE_ID = re.compile(
    r"([A-Z]{2}\*?[A-Z0-9]{3}\*?E[A-Z0-9*]{1,31}|\+[0-9]{1,3}\*[0-9]{3,6}\*[0-9*]{1,32})\Z",
    re.ASCII | re.IGNORECASE,
)

_CHECK_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# ISO 15118-2 Annex H: the powers P1^i (period 3) and P2^i (period 8), as (row 1, row 2) over i.
_P1 = (((1, 0), (0, 1)), ((0, 1), (1, 1)), ((1, 1), (1, 0)))
_P2 = (
    ((1, 0), (0, 1)),
    ((0, 1), (1, 2)),
    ((1, 2), (2, 2)),
    ((2, 2), (2, 0)),
    ((2, 0), (0, 2)),
    ((0, 2), (2, 1)),
    ((2, 1), (1, 1)),
    ((1, 1), (1, 0)),
)


def emaid_check_digit(body: str) -> str:
    """
    Compute the check digit of an EMAID.

    Args:
        body: The first 14 characters, upper case, without hyphens.
    Returns: One character of 0-9 and A-Z.
    Raises:
        ValueError: *body* is not 14 characters of 0-9 and A-Z.
    Source: ISO 15118-2 Annex H.
    """
    if len(body) != 14:
        raise ValueError("an EMAID check digit is computed over 14 characters")
    s1 = s2 = t1 = t2 = 0
    for position, character in enumerate(body, start=1):
        quotient, remainder = divmod(_CHECK_ALPHABET.index(character), 9)
        q1, q2 = divmod(quotient, 2)
        r1, r2 = divmod(remainder, 3)
        (a, b), (c, d) = _P1[position % 3]
        s1, s2 = s1 + a * q1 + b * q2, s2 + c * q1 + d * q2
        (a, b), (c, d) = _P2[position % 8]
        t1, t2 = t1 + a * r1 + b * r2, t2 + c * r1 + d * r2
    # At position 15 P1^15 is the identity and P2^15 is (1 1; 1 0): solve for the digit.
    q1, q2 = -s1 % 2, -s2 % 2
    r1 = -t2 % 3
    r2 = (-t1 - r1) % 3
    return _CHECK_ALPHABET[(2 * q1 + q2) * 9 + 3 * r1 + r2]


@dataclass(frozen=True, slots=True)
class Emaid:
    """
    E-Mobility Account Identifier: the name of one charging contract.

    Attributes:
        text: Upper case, without hyphens, with the check digit if it was given. Answers carry it.
        key: *text* without a valid check digit. Equal keys mean the same contract.
    """

    text: str = field(compare=False)
    key: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Parse an EMAID in any of its spellings.

        Args:
            text: 14 to 36 characters, with or without hyphens and check digit, in any case.
        Raises:
            ValueError: *text* does not match the pattern of the OPNC CCP API.
        """
        if not (14 <= len(text) <= 36 and _EMAID.match(text)):
            raise ValueError("not an EMAID")
        normalised = text.replace("-", "").upper()
        return cls(normalised, _without_check_digit(normalised))

    @property
    def provider_id(self) -> str:
        """Country code and provider, 5 characters: the eMSP that owns the contract."""
        return self.text[:5]


def _without_check_digit(normalised: str) -> str:
    """Remove the 15th of 15 characters if it is the check digit."""
    body, last = normalised[:14], normalised[14:]
    if len(last) == 1 and "_" not in body and emaid_check_digit(body) == last:
        return body
    return normalised


@dataclass(frozen=True, slots=True)
class Pcid:
    """
    Provisioning Certificate Identifier: the name of one car.

    Attributes:
        text: The PCID as it was given. Answers carry it.
        key: Upper case. Equal keys mean the same car.
    """

    text: str = field(compare=False)
    key: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Parse a PCID.

        Args:
            text: 17 or 18 letters and digits, in any case.
        Raises:
            ValueError: *text* does not match the pattern of the OPNC CCP API.
        """
        if not _PCID.match(text):
            raise ValueError("not a PCID")
        return cls(text, text.upper())

    @classmethod
    def parse_lab(cls, text: str) -> Self:
        """
        Parse a PCID, or a name that stands for one in lab mode, as cars of simulators have.

        Args:
            text: 1 to 64 printable ASCII characters (the most that a common name has), without a
                slash, so that it can stand in a path.
        Raises:
            ValueError: *text* is something else.
        """
        if not 1 <= len(text) <= 64 or "/" in text or not (text.isascii() and text.isprintable()):
            raise ValueError("not a PCID, and not a name that stands for one")
        return cls(text, text.upper())

    @property
    def wmi(self) -> str:
        """World Manufacturer Identifier, 3 characters: the OEM that made the car."""
        return self.key[:3]


def is_evse_id(text: str) -> bool:
    """Return whether *text* is the id of an EVSE, such as `DE*ABC*E0001` or `+49*810*000*438`."""
    return _EVSE_ID.match(text) is not None


def parse_fingerprint(text: str) -> str:
    """
    Parse the fingerprint of a root certificate.

    Args:
        text: SHA-256 of the certificate's DER, 64 hex digits in any case.
    Returns: 64 lower-case hex digits.
    Raises:
        ValueError: *text* is something else.
    """
    if not _FINGERPRINT.match(text):
        raise ValueError("not a SHA-256 fingerprint")
    return text.lower()


def parse_session_id(text: str) -> bytes:
    """
    Parse an ISO 15118 session id.

    Args:
        text: 1 to 8 bytes as hex digits, in any case.
    Raises:
        ValueError: *text* is something else.
    """
    if not _SESSION_ID.match(text):
        raise ValueError("not a session id")
    return bytes.fromhex(text)


def parse_namespace(text: str) -> str:
    """
    Normalise a message namespace.

    Args:
        text: Any text. Three spellings are in use for ISO 15118-20.
    Returns: ISO_15118_2, ISO_15118_20, or *text* itself if it is neither.
    """
    return ISO_15118_20 if text in _SPELLINGS_OF_20 else text
