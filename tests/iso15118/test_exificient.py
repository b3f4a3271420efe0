"""The codec against EXIficient on freshly drawn messages; needs Java."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccp.iso15118 import (
    ISO2,
    ISO20,
    Edition,
    Message,
    cut_fragment,
    decode,
    encode,
    iso20,
    sniff,
    with_session_id,
    with_time_stamp,
    with_value,
)
from tests.iso15118.as_xml import canonical, element_xml, message_xml
from tests.iso15118.drawn import (
    HEADERS20,
    ISO2_MESSAGES,
    ISO20_MESSAGES,
    RESES20,
    TIME_STAMPS,
    exactly,
)
from tests.iso15118.elements import signed_elements
from tests.iso15118.exificient import Exificient

few = settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


FIELDS = {
    "ResponseCode": "response_code",
    "EVSEProcessing": "evse_processing",
    "RemainingContractCertificateChains": "remaining_contract_certificate_chains",
}
GRAMMARS = {ISO2: "iso2", ISO20: "iso20"}
MESSAGES = {ISO2: ISO2_MESSAGES, ISO20: ISO20_MESSAGES}
editions = pytest.mark.parametrize("edition", MESSAGES, ids=lambda edition: edition.name)


@editions
@few
@given(data=st.data())
def test_messages_are_equal_both_ways(
    exificient: Exificient, edition: Edition, data: st.DataObject
) -> None:
    """Both codecs make the same bytes of a message, and the same message of the bytes."""
    message = data.draw(MESSAGES[edition])
    xml = message_xml(message)
    exi = encode(message)
    grammar = GRAMMARS[edition]
    assert exificient.encode(xml, grammar) == exi
    assert canonical(exificient.decode(exi, grammar)) == canonical(xml)
    assert decode(exi) == message


@editions
@few
@given(data=st.data())
def test_fragments_are_equal(exificient: Exificient, edition: Edition, data: st.DataObject) -> None:
    """A signed element that is cut out of a message is the fragment that EXIficient encodes."""
    message = data.draw(MESSAGES[edition])
    name = data.draw(st.sampled_from(sorted(signed_elements(message))))
    exi = encode(message)
    decoded = decode(exi)
    xml = element_xml(message, name)
    grammar = "xmldsig" if name == "SignedInfo" else GRAMMARS[edition]
    assert cut_fragment(exi, decoded, name) == exificient.encode(xml, grammar, fragment=True)
    if name == "SignedInfo":
        combined = exificient.encode(xml, GRAMMARS[edition], fragment=True)
        assert cut_fragment(exi, decoded, name, message_grammar=True) == combined


@few
@given(message=ISO20_MESSAGES, time_stamp=TIME_STAMPS, session_id=exactly(8))
def test_rewriting_changes_nothing_else(
    exificient: Exificient, message: Message, time_stamp: int, session_id: bytes
) -> None:
    """With another session id and time stamp, EXIficient reads the same message but for these."""
    exi = with_time_stamp(with_session_id(encode(message), session_id), time_stamp)
    header = replace(message.header, session_id=session_id, time_stamp=time_stamp)
    expected = message_xml(replace(message, header=header))
    assert canonical(exificient.decode(exi, "iso20")) == canonical(expected)


@few
@given(message=st.builds(Message, HEADERS20, RESES20), other=RESES20)
def test_overwriting_changes_nothing_else(
    exificient: Exificient, message: Message, other: iso20.CertificateInstallationRes
) -> None:
    """With other values of fixed width, EXIficient reads the same message but for these."""
    exi = encode(message)
    spans = decode(exi).spans
    changes = {}
    for name, field in FIELDS.items():
        changes[field] = getattr(other, field)
        exi = with_value(exi, name, spans[name][0], changes[field])
    expected = message_xml(replace(message, body=replace(message.body, **changes)))
    assert canonical(exificient.decode(exi, "iso20")) == canonical(expected)


FOREIGN = {
    "a supportedAppProtocol handshake": (
        "app",
        '<n:supportedAppProtocolRes xmlns:n="urn:iso:15118:2:2010:AppProtocol"><ResponseCode>'
        "OK_SuccessfulNegotiation</ResponseCode><SchemaID>1</SchemaID></n:supportedAppProtocolRes>",
    ),
    "a DIN SPEC 70121 message": (
        "din",
        '<n:V2G_Message xmlns:n="urn:din:70121:2012:MsgDef" '
        'xmlns:h="urn:din:70121:2012:MsgHeader" xmlns:b="urn:din:70121:2012:MsgBody"><n:Header>'
        "<h:SessionID>00</h:SessionID></n:Header><n:Body><b:SessionSetupReq><b:EVCCID>0011"
        "</b:EVCCID></b:SessionSetupReq></n:Body></n:V2G_Message>",
    ),
    "another ISO 15118-20 message": (
        "iso20",
        '<n:SessionSetupReq xmlns:n="urn:iso:std:iso:15118:-20:CommonMessages" '
        'xmlns:t="urn:iso:std:iso:15118:-20:CommonTypes"><t:Header><t:SessionID>0102030405060708'
        "</t:SessionID><t:TimeStamp>1</t:TimeStamp></t:Header><n:EVCCID>a</n:EVCCID>"
        "</n:SessionSetupReq>",
    ),
    "an ISO 15118-20 CertificateInstallationReq": (
        "iso20",
        '<n:CertificateInstallationReq xmlns:n="urn:iso:std:iso:15118:-20:CommonMessages" '
        'xmlns:t="urn:iso:std:iso:15118:-20:CommonTypes"><t:Header><t:SessionID>0102030405060708'
        "</t:SessionID><t:TimeStamp>1</t:TimeStamp></t:Header></n:CertificateInstallationReq>",
    ),
    "an ISO 15118-20 CertificateInstallationRes": (
        "iso20",
        '<n:CertificateInstallationRes xmlns:n="urn:iso:std:iso:15118:-20:CommonMessages" '
        'xmlns:t="urn:iso:std:iso:15118:-20:CommonTypes"><t:Header><t:SessionID>0102030405060708'
        "</t:SessionID><t:TimeStamp>1</t:TimeStamp></t:Header></n:CertificateInstallationRes>",
    ),
}


def test_foreign_messages_are_known_by_their_beginning(exificient: Exificient) -> None:
    """What EXIficient encodes with other schemas is named, though it is not decoded."""
    for kind, (grammar, xml) in FOREIGN.items():
        assert sniff(exificient.encode(xml, grammar)).value == kind
