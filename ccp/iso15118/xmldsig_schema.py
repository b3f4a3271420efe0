"""
The part of XML Signature that messages use, as data: types, codes, limits.

What ISO 15118 does not use of it has an event code all the same.
"""

from ccp.iso15118 import xmldsig
from ccp.iso15118.complex_types import record, single
from ccp.iso15118.edition import Fragments
from ccp.iso15118.grammar import Attribute, Choice, Element, Refused, Value
from ccp.iso15118.namespaces import XMLSIG
from ccp.iso15118.spans import Span
from ccp.iso15118.values import Binary, Integer, Text

STRING = Text()
ID = Attribute("Id", "id", STRING)
REQUIRED_ID = Attribute("Id", "id", STRING, required=True)
_ALGORITHM = Attribute("Algorithm", "algorithm", STRING, required=True)
_ANY = Refused("an element in it")

_SIGNATURE_METHOD = record(
    XMLSIG,
    xmldsig.SignatureMethod,
    _ALGORITHM,
    Element("HMACOutputLength", "hmac_output_length", Integer(), least=0),
    _ANY,
    mixed=True,
)
_TRANSFORM = record(
    XMLSIG,
    xmldsig.Transform,
    _ALGORITHM,
    Choice((Element("XPath", "xpath", STRING), _ANY), least=0, most=None),
    mixed=True,
)
_REFERENCE = record(
    XMLSIG,
    xmldsig.Reference,
    ID,
    Attribute("Type", "type", STRING),
    Attribute("URI", "uri", STRING),
    Element(
        "Transforms",
        "transforms",
        single(XMLSIG, Element("Transform", "transforms", _TRANSFORM, most=None)),
        least=0,
    ),
    Element("DigestMethod", "digest_method", single(XMLSIG, _ALGORITHM, _ANY, mixed=True)),
    Element("DigestValue", "digest_value", Binary()),
)
SIGNED_INFO = Span(
    "SignedInfo",
    record(
        XMLSIG,
        xmldsig.SignedInfo,
        ID,
        Element(
            "CanonicalizationMethod",
            "canonicalization_method",
            single(XMLSIG, _ALGORITHM, _ANY, mixed=True),
        ),
        Element("SignatureMethod", "signature_method", _SIGNATURE_METHOD),
        Element("Reference", "references", _REFERENCE, most=None),
    ),
)
SIGNATURE = record(
    XMLSIG,
    xmldsig.Signature,
    ID,
    Element("SignedInfo", "signed_info", SIGNED_INFO),
    Element(
        "SignatureValue",
        "signature_value",
        record(XMLSIG, xmldsig.SignatureValue, ID, Value("value", Binary())),
    ),
    Refused("a KeyInfo"),
    Refused("an Object"),
)
ROOT_CERTIFICATE_ID = record(
    XMLSIG,
    xmldsig.RootCertificateID,
    Element("X509IssuerName", "x509_issuer_name", STRING),
    Element("X509SerialNumber", "x509_serial_number", Integer()),
)

STANDALONE_FRAGMENTS = Fragments(6, 46, {"SignedInfo": (32, SIGNED_INFO)})
"""Under the schema of XML Signature alone, without ISO 15118."""
