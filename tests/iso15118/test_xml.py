"""A message as XML: EXIficient reads the same, and the XSDs of ISO 15118 allow it."""

import re
from xml.etree.ElementTree import canonicalize, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccp.iso15118 import (
    Message,
    RootCertificateID,
    decode,
    encode,
    iso2,
    iso2_failure,
    iso20_failure,
    message_tree,
    tree_xml,
)
from ccp.workshop import EDITION_20
from tests.iso15118.as_xml import message_xml
from tests.iso15118.drawn import MESSAGES
from tests.iso15118.exificient import Exificient
from tests.iso15118.schema_sets import iso2 as iso2_xsds
from tests.iso15118.schema_sets import iso20 as iso20_xsds
from tests.trusted import contract_draft, request_draft
from tests.vectors import Vector, genuine_res, iso20_requests, iso20_shapes, requests, shapes

MADE = [*shapes(), *iso20_shapes(), *requests().values(), *iso20_requests().values()]
ISO2_MESSAGES = {
    "genuine response": genuine_res(),
    "request": request_draft().exi(),
    "response": contract_draft().exi(),
    "failure": iso2_failure(b"", "FAILED_SignatureError"),
}
ISO20_MESSAGES = {
    "ISO 15118-20 request": request_draft(edition=EDITION_20).exi(),
    "ISO 15118-20 response": contract_draft(edition=EDITION_20).exi(),
    "ISO 15118-20 failure": iso20_failure(bytes(8), "WARNING_CertificateRevoked", time_stamp=1),
}


def xml(exi: bytes) -> str:
    return tree_xml(message_tree(exi))


def canonical(text: str) -> str:
    """The same of equal documents, whatever their prefixes and indentation."""
    return canonicalize(text, rewrite_prefixes=True, strip_text=True)


@pytest.mark.parametrize("vector", MADE, ids=lambda vector: vector.name)
def test_it_is_what_exificient_has_read(vector: Vector) -> None:
    """Each name in its namespace, each value in its spelling, of messages in many shapes."""
    assert canonical(xml(vector.exi)) == canonical(vector.xml)


@pytest.mark.parametrize("case", [*ISO2_MESSAGES, *ISO20_MESSAGES])
def test_it_is_what_exificient_reads(exificient: Exificient, case: str) -> None:
    """Also of genuine messages, of the workshop's, and of failures."""
    if case in ISO2_MESSAGES:
        exi = ISO2_MESSAGES[case]
        theirs = exificient.decode(exi, "iso2")
    else:
        exi = ISO20_MESSAGES[case]
        theirs = exificient.decode(exi, "iso20")
    assert canonical(xml(exi)) == canonical(theirs)


@given(MESSAGES)
def test_it_is_that_of_any_message(message: Message) -> None:
    """Of whatever the schemas allow."""
    assert canonical(xml(encode(message))) == canonical(message_xml(message))


def test_the_schemas_allow_it() -> None:
    """The XSDs find nothing wrong with what a sender has made by them."""
    for exi in [*ISO2_MESSAGES.values(), *(one.exi for one in requests().values())]:
        iso2_xsds().schema.validate(xml(exi))
    for exi in [*ISO20_MESSAGES.values(), *(one.exi for one in iso20_requests().values())]:
        iso20_xsds().schema.validate(xml(exi))


@pytest.mark.parametrize(
    ("exi", "prefixes"),
    [
        (request_draft().exi(), {"v2gci_d", "v2gci_h", "v2gci_b", "v2gci_t", "xmlsig"}),
        (ISO20_MESSAGES["ISO 15118-20 request"], {"v2gci_cm", "v2gci_ct", "xmlsig"}),
        (ISO20_MESSAGES["ISO 15118-20 failure"], {"v2gci_cm", "v2gci_ct"}),
    ],
    ids=["ISO 15118-2", "ISO 15118-20", "unsigned"],
)
def test_prefixes_are_declared_at_the_root(exi: bytes, prefixes: set[str]) -> None:
    """Those that are used, once each; the rest has two blanks more for each level."""
    first, *rest = xml(exi).splitlines()
    declared = re.findall(r" xmlns:(\w+)=", first)
    assert sorted(declared) == sorted(prefixes)
    assert not any("xmlns" in line for line in rest)
    assert set(re.findall(r"[< /](\w+):\w", "\n".join([first, *rest]))) - {"xmlns"} == prefixes
    assert rest[1].startswith("    <")
    assert not rest[-1].startswith(" ")


@pytest.mark.parametrize("case", [*ISO2_MESSAGES, *ISO20_MESSAGES])
def test_a_broken_message_has_xml_too(case: str) -> None:
    """Of one cut off anywhere: the elements that have ended by then, and those that have begun."""
    exi = (ISO2_MESSAGES | ISO20_MESSAGES)[case]
    names = [one.tag for one in fromstring(xml(exi)).iter()]  # noqa: S314
    counts = set()
    for size in range(2, len(exi), len(exi) // 20):
        read = [one.tag for one in fromstring(xml(exi[:size])).iter()]  # noqa: S314
        assert read == names[: len(read)]
        counts.add(len(read))
    assert len(counts) > 3


# All that a message can have, and XML has to escape, or to leave as it is.
ANY = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff").filter(
        lambda one: one >= " "
    )
    | st.sampled_from("\t\n\r<>&\"'\x7f\x85\u2028\u202e")
)


@given(ANY, ANY)
def test_any_text_is_read_again(text: str, id_: str) -> None:
    """Markup, line ends and white space of a hostile sender come out of an XML parser as sent."""
    message = decode(ISO2_MESSAGES["request"])
    assert isinstance(message.body, iso2.CertificateInstallationReq)
    message.body.id = id_
    message.body.list_of_root_certificate_ids = [RootCertificateID(f"{text}]]>", 1)]
    root = fromstring(xml(encode(message)))  # noqa: S314
    (req,) = root.findall(".//{*}CertificateInstallationReq")
    assert list(req.attrib.values()) == [id_]
    assert root.findtext(".//{*}X509IssuerName") == f"{text}]]>"
