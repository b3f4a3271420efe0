"""Names and types between the spec and the handlers."""

import pytest

from ccp.domain.identifiers import Emaid, Pcid
from ccp.web.parameters import ARGUMENTS, UNUSED, UnknownName, argument_named
from tests.contract.conformance import SPECS, request_fields


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
