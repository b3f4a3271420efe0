"""EXI messages of ISO 15118 that install contract certificates; usable on its own."""

from ccp.iso15118 import iso2, iso20
from ccp.iso15118.codec import decode, edition_of, encode, encode_fragment
from ccp.iso15118.edition import Edition
from ccp.iso15118.errors import ExiError
from ccp.iso15118.failure import iso2_failure, iso20_failure
from ccp.iso15118.iso2_schema import ISO2
from ccp.iso15118.iso20_schema import ISO20
from ccp.iso15118.messages import Body, Message
from ccp.iso15118.sniff import MessageKind, sniff
from ccp.iso15118.surgery import cut_fragment, with_session_id, with_time_stamp, with_value
from ccp.iso15118.tree import Node, message_tree
from ccp.iso15118.xml import tree_xml
from ccp.iso15118.xmldsig import (
    Reference,
    RootCertificateID,
    Signature,
    SignatureMethod,
    SignatureValue,
    SignedInfo,
    Transform,
)

__all__ = [
    "ISO2",
    "ISO20",
    "Body",
    "Edition",
    "ExiError",
    "Message",
    "MessageKind",
    "Node",
    "Reference",
    "RootCertificateID",
    "Signature",
    "SignatureMethod",
    "SignatureValue",
    "SignedInfo",
    "Transform",
    "cut_fragment",
    "decode",
    "edition_of",
    "encode",
    "encode_fragment",
    "iso2",
    "iso2_failure",
    "iso20",
    "iso20_failure",
    "message_tree",
    "sniff",
    "tree_xml",
    "with_session_id",
    "with_time_stamp",
    "with_value",
]
