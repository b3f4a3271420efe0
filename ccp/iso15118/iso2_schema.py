"""
The part of the ISO 15118-2 schemas that this package needs, as data: types, codes, limits.

Names sort by local name, then namespace: an element's document code is its place among the global
elements of all schemas of the set, its fragment code its place among all element names.
"""

from ccp.iso15118 import iso2
from ccp.iso15118.complex_types import record, single, union
from ccp.iso15118.edition import Edition, Fragments, RelaxedElement, Root
from ccp.iso15118.grammar import Choice, Element, Refused, Value
from ccp.iso15118.messages import Message
from ccp.iso15118.namespaces import MSG_BODY, MSG_DATA_TYPES, MSG_DEF, MSG_HEADER, XMLSIG
from ccp.iso15118.spans import Span
from ccp.iso15118.values import Binary, Enumeration, Text
from ccp.iso15118.xmldsig_schema import (
    ID,
    REQUIRED_ID,
    ROOT_CERTIFICATE_ID,
    SIGNATURE,
    SIGNED_INFO,
)

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
    MSG_HEADER,
    iso2.Header,
    Element("SessionID", "session_id", Binary(most=8)),
    Element(
        "Notification",
        "notification",
        record(
            MSG_DATA_TYPES,
            iso2.Notification,
            Element("FaultCode", "fault_code", Enumeration(FAULT_CODES)),
            Element("FaultMsg", "fault_msg", Text(most=64), least=0),
        ),
        least=0,
    ),
    Element("Signature", "signature", SIGNATURE, least=0, namespace=XMLSIG),
)
_CERTIFICATE_CHAIN = record(
    MSG_DATA_TYPES,
    iso2.CertificateChain,
    ID,
    Element("Certificate", "certificate", _CERTIFICATE),
    Element(
        "SubCertificates",
        "sub_certificates",
        single(MSG_DATA_TYPES, Element("Certificate", "certificates", _CERTIFICATE, most=4)),
        least=0,
    ),
)
CERTIFICATE_INSTALLATION_REQ = Span(
    "CertificateInstallationReq",
    record(
        MSG_BODY,
        iso2.CertificateInstallationReq,
        REQUIRED_ID,
        Element("OEMProvisioningCert", "oem_provisioning_cert", _CERTIFICATE),
        Element(
            "ListOfRootCertificateIDs",
            "list_of_root_certificate_ids",
            single(
                MSG_DATA_TYPES, Element("RootCertificateID", "ids", ROOT_CERTIFICATE_ID, most=20)
            ),
        ),
    ),
)
CONTRACT_SIGNATURE_CERT_CHAIN = Span("ContractSignatureCertChain", _CERTIFICATE_CHAIN)
CONTRACT_SIGNATURE_ENCRYPTED_PRIVATE_KEY = Span(
    "ContractSignatureEncryptedPrivateKey",
    record(
        MSG_DATA_TYPES,
        iso2.ContractSignatureEncryptedPrivateKey,
        REQUIRED_ID,
        Value("value", Binary(most=48)),
    ),
)
DH_PUBLICKEY = Span(
    "DHpublickey",
    record(
        MSG_DATA_TYPES, iso2.DiffieHellmanPublickey, REQUIRED_ID, Value("value", Binary(most=65))
    ),
)
EMAID = Span("eMAID", record(MSG_DATA_TYPES, iso2.EMAID, REQUIRED_ID, Value("value", EMAID_VALUE)))
CERTIFICATE_INSTALLATION_RES = record(
    MSG_BODY,
    iso2.CertificateInstallationRes,
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
    MSG_BODY,
    (iso2.CertificateInstallationReq, iso2.CertificateInstallationRes),
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
    MSG_DEF,
    Message,
    Element("Header", "header", HEADER),
    Element("Body", "body", BODY),
)

V2G_MESSAGE_ROOT = Root(
    "V2G_Message",
    76,
    7,
    V2G_MESSAGE,
    (iso2.CertificateInstallationReq, iso2.CertificateInstallationRes),
)
ISO2 = Edition(
    "ISO 15118-2",
    (V2G_MESSAGE_ROOT,),
    Fragments(
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
        # Declared twice with different types; its codes foresee all attributes and elements.
        {"eMAID": RelaxedElement(EMAID_VALUE, 9, 4, 256, 8, 244)},
    ),
)
