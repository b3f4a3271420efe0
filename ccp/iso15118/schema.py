"""
The part of the ISO 15118-2 schemas that this package needs, as data: types, codes, limits.

Names sort by local name, then namespace: an element's document code is its place among the global
elements of all schemas of the set, its fragment code its place among all element names.
"""

from dataclasses import dataclass

from ccp.iso15118 import messages
from ccp.iso15118.complex_types import Span, record, single, union
from ccp.iso15118.grammar import Attribute, Choice, Element, Refused, Type, Value
from ccp.iso15118.values import Binary, Enumeration, Integer, Text

# XML Signature. What ISO 15118 does not use of it has an event code all the same.
_STRING = Text()
_ID = Attribute("Id", "id", _STRING)
_ALGORITHM = Attribute("Algorithm", "algorithm", _STRING, required=True)
_ANY = Refused("an element in it")

_SIGNATURE_METHOD = record(
    messages.SignatureMethod,
    _ALGORITHM,
    Element("HMACOutputLength", "hmac_output_length", Integer(), least=0),
    _ANY,
    mixed=True,
)
_TRANSFORM = record(
    messages.Transform,
    _ALGORITHM,
    Choice((Element("XPath", "xpath", _STRING), _ANY), least=0, most=None),
    mixed=True,
)
_REFERENCE = record(
    messages.Reference,
    _ID,
    Attribute("Type", "type", _STRING),
    Attribute("URI", "uri", _STRING),
    Element(
        "Transforms",
        "transforms",
        single(Element("Transform", "transforms", _TRANSFORM, most=None)),
        least=0,
    ),
    Element("DigestMethod", "digest_method", single(_ALGORITHM, _ANY, mixed=True)),
    Element("DigestValue", "digest_value", Binary()),
)
SIGNED_INFO = Span(
    "SignedInfo",
    record(
        messages.SignedInfo,
        _ID,
        Element(
            "CanonicalizationMethod",
            "canonicalization_method",
            single(_ALGORITHM, _ANY, mixed=True),
        ),
        Element("SignatureMethod", "signature_method", _SIGNATURE_METHOD),
        Element("Reference", "references", _REFERENCE, most=None),
    ),
)
_SIGNATURE = record(
    messages.Signature,
    _ID,
    Element("SignedInfo", "signed_info", SIGNED_INFO),
    Element(
        "SignatureValue",
        "signature_value",
        record(messages.SignatureValue, _ID, Value("value", Binary())),
    ),
    Refused("a KeyInfo"),
    Refused("an Object"),
)
_ROOT_CERTIFICATE_ID = record(
    messages.RootCertificateID,
    Element("X509IssuerName", "x509_issuer_name", _STRING),
    Element("X509SerialNumber", "x509_serial_number", Integer()),
)

# ISO 15118-2
_REQUIRED_ID = Attribute("Id", "id", _STRING, required=True)
_CERTIFICATE = Binary(most=800)
EMAID_VALUE = Text(least=14, most=15)

FAULT_CODES = ("ParsingError", "NoTLSRootCertificatAvailable", "UnknownError")
RESPONSE_CODES = (
    "OK",
    "OK_NewSessionEstablished",
    "OK_OldSessionJoined",
    "OK_CertificateExpiresSoon",
    "FAILED",
    "FAILED_SequenceError",
    "FAILED_ServiceIDInvalid",
    "FAILED_UnknownSession",
    "FAILED_ServiceSelectionInvalid",
    "FAILED_PaymentSelectionInvalid",
    "FAILED_CertificateExpired",
    "FAILED_SignatureError",
    "FAILED_NoCertificateAvailable",
    "FAILED_CertChainError",
    "FAILED_ChallengeInvalid",
    "FAILED_ContractCanceled",
    "FAILED_WrongChargeParameter",
    "FAILED_PowerDeliveryNotApplied",
    "FAILED_TariffSelectionInvalid",
    "FAILED_ChargingProfileInvalid",
    "FAILED_MeteringSignatureNotValid",
    "FAILED_NoChargeServiceSelected",
    "FAILED_WrongEnergyTransferMode",
    "FAILED_ContactorError",
    "FAILED_CertificateNotAllowedAtThisEVSE",
    "FAILED_CertificateRevoked",
)

HEADER = record(
    messages.Header,
    Element("SessionID", "session_id", Binary(most=8)),
    Element(
        "Notification",
        "notification",
        record(
            messages.Notification,
            Element("FaultCode", "fault_code", Enumeration(FAULT_CODES)),
            Element("FaultMsg", "fault_msg", Text(most=64), least=0),
        ),
        least=0,
    ),
    Element("Signature", "signature", _SIGNATURE, least=0),
)
_CERTIFICATE_CHAIN = record(
    messages.CertificateChain,
    _ID,
    Element("Certificate", "certificate", _CERTIFICATE),
    Element(
        "SubCertificates",
        "sub_certificates",
        single(Element("Certificate", "certificates", _CERTIFICATE, most=4)),
        least=0,
    ),
)
CERTIFICATE_INSTALLATION_REQ = Span(
    "CertificateInstallationReq",
    record(
        messages.CertificateInstallationReq,
        _REQUIRED_ID,
        Element("OEMProvisioningCert", "oem_provisioning_cert", _CERTIFICATE),
        Element(
            "ListOfRootCertificateIDs",
            "list_of_root_certificate_ids",
            single(Element("RootCertificateID", "ids", _ROOT_CERTIFICATE_ID, most=20)),
        ),
    ),
)
CONTRACT_SIGNATURE_CERT_CHAIN = Span("ContractSignatureCertChain", _CERTIFICATE_CHAIN)
CONTRACT_SIGNATURE_ENCRYPTED_PRIVATE_KEY = Span(
    "ContractSignatureEncryptedPrivateKey",
    record(
        messages.ContractSignatureEncryptedPrivateKey,
        _REQUIRED_ID,
        Value("value", Binary(most=48)),
    ),
)
DH_PUBLICKEY = Span(
    "DHpublickey",
    record(messages.DiffieHellmanPublickey, _REQUIRED_ID, Value("value", Binary(most=65))),
)
EMAID = Span("eMAID", record(messages.EMAID, _REQUIRED_ID, Value("value", EMAID_VALUE)))
CERTIFICATE_INSTALLATION_RES = record(
    messages.CertificateInstallationRes,
    Element("ResponseCode", "response_code", Enumeration(RESPONSE_CODES)),
    Element(
        "SAProvisioningCertificateChain", "sa_provisioning_certificate_chain", _CERTIFICATE_CHAIN
    ),
    Element(
        "ContractSignatureCertChain",
        "contract_signature_cert_chain",
        CONTRACT_SIGNATURE_CERT_CHAIN,
    ),
    Element(
        "ContractSignatureEncryptedPrivateKey",
        "contract_signature_encrypted_private_key",
        CONTRACT_SIGNATURE_ENCRYPTED_PRIVATE_KEY,
    ),
    Element("DHpublickey", "dh_publickey", DH_PUBLICKEY),
    Element("eMAID", "emaid", EMAID),
)

# The elements that may be in a Body, by event code; the one after the last is an empty Body.
BODIES = (
    "AuthorizationReq",
    "AuthorizationRes",
    "BodyElement",
    "CableCheckReq",
    "CableCheckRes",
    "CertificateInstallationReq",
    "CertificateInstallationRes",
    "CertificateUpdateReq",
    "CertificateUpdateRes",
    "ChargeParameterDiscoveryReq",
    "ChargeParameterDiscoveryRes",
    "ChargingStatusReq",
    "ChargingStatusRes",
    "CurrentDemandReq",
    "CurrentDemandRes",
    "MeteringReceiptReq",
    "MeteringReceiptRes",
    "PaymentDetailsReq",
    "PaymentDetailsRes",
    "PaymentServiceSelectionReq",
    "PaymentServiceSelectionRes",
    "PowerDeliveryReq",
    "PowerDeliveryRes",
    "PreChargeReq",
    "PreChargeRes",
    "ServiceDetailReq",
    "ServiceDetailRes",
    "ServiceDiscoveryReq",
    "ServiceDiscoveryRes",
    "SessionSetupReq",
    "SessionSetupRes",
    "SessionStopReq",
    "SessionStopRes",
    "WeldingDetectionReq",
    "WeldingDetectionRes",
)
BODY = union(
    (messages.CertificateInstallationReq, messages.CertificateInstallationRes),
    Choice(
        (
            *[Refused(f"a {name}") for name in BODIES[:5]],
            Element("CertificateInstallationReq", "req", CERTIFICATE_INSTALLATION_REQ),
            Element("CertificateInstallationRes", "res", CERTIFICATE_INSTALLATION_RES),
            *[Refused(f"a {name}") for name in BODIES[7:]],
            Refused("nothing in it"),
        )
    ),
)
V2G_MESSAGE = record(
    messages.Message,
    Element("Header", "header", HEADER),
    Element("Body", "body", BODY),
)


@dataclass(frozen=True)
class Root:
    """The root element of a document: its *code* has *width* bits."""

    name: str
    code: int
    width: int
    type: Type


@dataclass(frozen=True)
class Fragments:
    """Fragments of one element each: code and type by name, and the code that ends a fragment."""

    width: int  # of both codes, in bits
    end: int
    elements: dict[str, tuple[int, Type]]


ROOT = Root("V2G_Message", 76, 7, V2G_MESSAGE)
FRAGMENTS = Fragments(
    8,
    244,
    {
        "CertificateInstallationReq": (15, CERTIFICATE_INSTALLATION_REQ),
        "ContractSignatureCertChain": (33, CONTRACT_SIGNATURE_CERT_CHAIN),
        "ContractSignatureEncryptedPrivateKey": (34, CONTRACT_SIGNATURE_ENCRYPTED_PRIVATE_KEY),
        "DHpublickey": (45, DH_PUBLICKEY),
        "SignedInfo": (208, SIGNED_INFO),
        "eMAID": (236, EMAID),
    },
)
# The schema of XML Signature alone, without ISO 15118.
XMLDSIG_FRAGMENTS = Fragments(6, 46, {"SignedInfo": (32, SIGNED_INFO)})


@dataclass(frozen=True)
class RelaxedElement:
    """Event codes of an element with an Id and characters in the relaxed grammar of a fragment."""

    start_width: int  # bits of the first two codes
    id: int
    characters: int
    end_width: int
    end: int


# EXI 1.0 §8.5.3: it foresees every attribute and element of all schemas.
EMAID_FRAGMENT = RelaxedElement(9, 4, 256, 8, 244)
