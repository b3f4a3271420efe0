"""The namespaces of the schemas."""

MSG_DEF = "urn:iso:15118:2:2013:MsgDef"
MSG_HEADER = "urn:iso:15118:2:2013:MsgHeader"
MSG_BODY = "urn:iso:15118:2:2013:MsgBody"
MSG_DATA_TYPES = "urn:iso:15118:2:2013:MsgDataTypes"
COMMON_MESSAGES = "urn:iso:std:iso:15118:-20:CommonMessages"
COMMON_TYPES = "urn:iso:std:iso:15118:-20:CommonTypes"
XMLSIG = "http://www.w3.org/2000/09/xmldsig#"

# The prefixes in the schemas. CommonMessages is not imported, so its prefix is our own.
PREFIXES = {
    MSG_DEF: "v2gci_d",
    MSG_HEADER: "v2gci_h",
    MSG_BODY: "v2gci_b",
    MSG_DATA_TYPES: "v2gci_t",
    COMMON_MESSAGES: "v2gci_cm",
    COMMON_TYPES: "v2gci_ct",
    XMLSIG: "xmlsig",
}
