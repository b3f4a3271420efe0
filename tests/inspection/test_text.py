"""An inspection in words: everything is there, and nothing of it can do harm in a terminal."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from ccp.domain.printable import printable
from ccp.inspection import Inspection, inspect_message, render_text
from ccp.iso15118 import RootCertificateID, decode, encode, iso2
from tests.builders import NOW
from tests.pki.rebuilt import rebuilt
from tests.trusted import car, contract_draft, request_draft
from tests.vectors import genuine_res, iso20_shapes, shapes

# Colours, a title, a new line, a line drawn over, the other direction, an unseen space.
HOSTILE = "\x1b[31m\x9b2J\x1b]0;x\x07\n\r\x7f\u202eRO\u2066\u2028\u00a0\u200b✓"


def words(exi: bytes) -> list[str]:
    """All lines of a message."""
    return list(render_text(inspect_message(exi, at=NOW)))


@pytest.mark.parametrize(
    "vector", [*shapes()[::7], *iso20_shapes()[::7]], ids=lambda vector: vector.name
)
def test_every_value_but_certificates_is_whole(vector) -> None:
    """What EXIficient reads in it is there; a certificate is told by its beginning."""
    told = words(vector.exi)
    at = told.index("The message")
    inspection = inspect_message(vector.exi, at=NOW)
    assert isinstance(inspection, Inspection)

    def values(node):
        yield node
        for child in node.children:
            yield from values(child)

    lines = told[at + 1 :]
    nodes = list(values(inspection.tree))
    assert len(lines) == len(nodes)
    for node, line in zip(nodes, lines, strict=True):
        value = printable(node.value or "")
        assert line.lstrip().startswith(node.name)
        assert value in line or (value[:64] in line and f"({len(value)} characters)" in line)
        assert all(f'{name}="{printable(said)}"' in line for name, said in node.attributes.items())


def test_strings_of_a_message_are_escaped() -> None:
    """What a car writes as the name of a root."""
    message = decode(request_draft().exi())
    assert isinstance(message.body, iso2.CertificateInstallationReq)
    allowed = HOSTILE.replace("\x1b", "").replace("\x07", "")  # XML has not all of them
    message.body.list_of_root_certificate_ids = [RootCertificateID(allowed, 7)]
    told = words(encode(message))
    assert all(line.isprintable() for line in told)
    (line,) = [line for line in told if "X509IssuerName" in line]
    assert line.endswith(r": [31m\x9b2J]0;x\n\r\x7f\u202eRO\u2066\u2028\xa0\u200b✓")


def test_strings_of_a_certificate_are_escaped() -> None:
    """What somebody writes as the name of a car."""
    chain = car()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOSTILE)])
    leaf = rebuilt(chain.leaf.certificate, subject_name=name)
    message = decode(request_draft().exi())
    assert isinstance(message.body, iso2.CertificateInstallationReq)
    signed = leaf.sign(chain.authority.sub_2.key, SHA256())
    message.body.oem_provisioning_cert = signed.public_bytes(Encoding.DER)
    told = words(encode(message))
    assert all(line.isprintable() for line in told)
    assert sum(r"\x1b[31m\x9b2J\x1b" in line for line in told) == 2  # as PCID and as subject


@given(st.text())
def test_printable_text_is_left_alone(text: str) -> None:
    """All else can be read back."""
    shown = printable(text)
    assert shown.isprintable()
    if text.isprintable():
        assert shown == text
    elif text.isascii() and "\\" not in text:
        assert shown.encode().decode("unicode_escape") == text


def test_a_message_is_told_in_this_order() -> None:
    """What it is, its signature, its chains, all of it."""
    told = words(genuine_res())
    assert told[:5] == [
        "CertificateInstallationRes of ISO 15118-2, 4020 bytes",
        "  SessionID     00",
        "  ResponseCode  OK",
        "  EMAID         DEICECOPNCCERT",
        "  validity      2024-07-04T16:10:59Z to 2026-07-01T14:32:00Z, valid",
    ]
    heads = [line for line in told[5:] if line and not line.startswith(" ")]
    assert heads == [
        "✓ The signature by the CPS certificate holds",
        "The chain of the CPS certificate was not judged: there are no anchors for it",
        "The chain of the contract certificate was not judged: there are no anchors for it",
        "The message",
    ]
    assert "  ✓ Reference #ID4 to eMAID (schema form)" in told
    assert told.count("    signed with   ECDSA with SHA-256") == 6  # two chains of three


def test_what_cannot_be_read_is_told() -> None:
    """Where, in which element, and what may come there."""
    exi = contract_draft().exi()
    lines = words(exi[:2000])
    assert lines[0].startswith("✗ Not read, of 2000 bytes: ")
    assert lines[0].endswith(" is cut off.")
    assert lines[1].startswith("  at        bit ")
    assert lines[2].startswith("  in        V2G_Message/Body/CertificateInstallationRes/")
    assert words(b"x")[0].startswith("✗ Not read, of 1 bytes: The message is no message of ISO 151")
