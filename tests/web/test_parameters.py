"""Names and types between the spec and the handlers."""

import base64

import pytest

from ccp.errors import ExiInvalid
from ccp.identifiers import Emaid, Pcid
from ccp.web.parameters import ARGUMENTS, UNUSED, UnknownName, argument_named, read_base64
from tests.contract.conformance import SPECS, request_fields

BYTES = bytes(range(256)) * 3 + b"!"
TEXT = base64.b64encode(BYTES).decode()


def test_tables_have_what_the_specs_have():
    """Each name of the specs, as OPNC calls it, is in one of the two tables; nothing else is."""
    names = {name for spec in SPECS for name, _ in request_fields(spec)}
    assert names == set(ARGUMENTS) | UNUSED
    assert not set(ARGUMENTS) & UNUSED


def test_unknown_name_is_told():
    """A name of the spec that is in neither table is named in the error."""
    with pytest.raises(UnknownName, match="newParameter"):
        argument_named("newParameter")


def test_unused_name_has_no_argument():
    """What no handler acts on is not handed to one."""
    assert argument_named("OPNC-from-party-id") is None


@pytest.mark.parametrize(
    ("name", "text", "argument", "value"),
    [
        ("emaid", "de-ice-copnccert", "emaid", Emaid.parse("DEICECOPNCCERT")),
        ("pcid", "wauzzz4b0cc012345", "pcid", Pcid.parse("WAUZZZ4B0CC012345")),
        ("cpsV2GRootCertificateFingerprint", "AB" * 32, "v2g_root_fingerprint", "ab" * 32),
        ("sessionID", "00Ab", "session_id", b"\0\xab"),
        ("sessionID", "", "session_id", None),
        ("metaData", "x", "meta_data", "x"),
        ("X-Skip-Revocation", True, "skip_revocation", True),
        (
            "xsdMsgDefNamespace",
            "urn:iso:std:iso:15118:-20:CommonMessages",
            "namespace",
            "urn:iso:15118:20:2020:MsgDef",
        ),
    ],
)
def test_values_are_read_once(name, text, argument, value):
    """A handler gets values of its own types, under its own names."""
    read = argument_named(name)
    assert (read.name, read.read(text)) == (argument, value)


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.rstrip("="),
        "\r\n".join(TEXT[i : i + 64] for i in range(0, len(TEXT), 64)),
        f" {TEXT}\t\n",
        " ".join(TEXT),
    ],
)
def test_base64_as_it_is_met(text):
    """White space and missing padding are forgiven."""
    assert read_base64(text) == BYTES


@pytest.mark.parametrize(
    "text", ["-_-_", "AAA\N{LATIN SMALL LETTER SHARP S}", "A", "AA=A", "A\0AA", "AA%3D%3D"]
)
def test_what_is_no_base64(text):
    """Another alphabet, half a byte or padding inside is told as such."""
    with pytest.raises(ExiInvalid) as caught:
        read_base64(text)
    assert caught.value.messages == ["EXI format is invalid!", "The message is not base64."]
