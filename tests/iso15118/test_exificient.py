"""The codec against EXIficient on freshly drawn messages; needs Java."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccp.iso15118 import Message, cut_fragment, decode, encode, sniff
from tests.iso15118.as_xml import canonical, element_xml, message_xml
from tests.iso15118.drawn import MESSAGES
from tests.iso15118.elements import signed_elements
from tests.iso15118.exificient import Exificient

few = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@few
@given(message=MESSAGES)
def test_messages_are_equal_both_ways(exificient: Exificient, message: Message) -> None:
    """Both codecs make the same bytes of a message, and the same message of the bytes."""
    xml = message_xml(message)
    exi = encode(message)
    assert exificient.encode(xml) == exi
    assert canonical(exificient.decode(exi)) == canonical(xml)
    assert decode(exi) == message


@few
@given(message=MESSAGES, data=st.data())
def test_fragments_are_equal(exificient: Exificient, message: Message, data: st.DataObject) -> None:
    """A signed element that is cut out of a message is the fragment that EXIficient encodes."""
    name = data.draw(st.sampled_from(sorted(signed_elements(message))))
    exi = encode(message)
    grammar = "xmldsig" if name == "SignedInfo" else "iso2"
    fragment = exificient.encode(element_xml(message, name), grammar, fragment=True)
    assert cut_fragment(exi, decode(exi), name) == fragment


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
