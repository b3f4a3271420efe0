"""
The part of the ISO 15118-20 schemas (CommonMessages) that this package needs, as data.

Codes are places in sorted lists, as in `iso2_schema`.
"""

from ccp.iso15118 import iso20
from ccp.iso15118.complex_types import message, record, single
from ccp.iso15118.edition import Edition, Fragments, Root
from ccp.iso15118.grammar import Choice, Element
from ccp.iso15118.namespaces import COMMON_MESSAGES, COMMON_TYPES, XMLSIG
from ccp.iso15118.spans import Noted, Span
from ccp.iso15118.values import (
    Binary,
    Enumeration,
    Text,
    UnsignedByte,
    UnsignedLong,
    exactly,
)
from ccp.iso15118.xmldsig_schema import REQUIRED_ID, ROOT_CERTIFICATE_ID, SIGNATURE, SIGNED_INFO

RESPONSE_CODES = (
    "OK",
    "OK_CertificateExpiresSoon",
    "OK_NewSessionEstablished",
    "OK_OldSessionJoined",
    "OK_PowerToleranceConfirmed",
    "WARNING_AuthorizationSelectionInvalid",
    "WARNING_CertificateExpired",
    "WARNING_CertificateNotYetValid",
    "WARNING_CertificateRevoked",
    "WARNING_CertificateValidationError",
    "WARNING_ChallengeInvalid",
    "WARNING_EIMAuthorizationFailure",
    "WARNING_eMSPUnknown",
    "WARNING_EVPowerProfileViolation",
    "WARNING_GeneralPnCAuthorizationError",
    "WARNING_NoCertificateAvailable",
    "WARNING_NoContractMatchingPCIDFound",
    "WARNING_PowerToleranceNotConfirmed",
    "WARNING_ScheduleRenegotiationFailed",
    "WARNING_StandbyNotAllowed",
    "WARNING_WPT",
    "FAILED",
    "FAILED_AssociationError",
    "FAILED_ContactorError",
    "FAILED_EVPowerProfileInvalid",
    "FAILED_EVPowerProfileViolation",
    "FAILED_MeteringSignatureNotValid",
    "FAILED_NoEnergyTransferServiceSelected",
    "FAILED_NoServiceRenegotiationSupported",
    "FAILED_PauseNotAllowed",
    "FAILED_PowerDeliveryNotApplied",
    "FAILED_PowerToleranceNotConfirmed",
    "FAILED_ScheduleRenegotiation",
    "FAILED_ScheduleSelectionInvalid",
    "FAILED_SequenceError",
    "FAILED_ServiceIDInvalid",
    "FAILED_ServiceSelectionInvalid",
    "FAILED_SignatureError",
    "FAILED_UnknownSession",
    "FAILED_WrongChargeParameter",
)
EVSE_PROCESSING = ("Finished", "Ongoing", "Ongoing_WaitingForCustomerInteraction")
ECDH_CURVES = ("SECP521", "X448")

# The values of a CertificateInstallationRes that are of fixed width, and not signed.
RESPONSE_CODE = Noted("ResponseCode", Enumeration(RESPONSE_CODES))
PROCESSING = Noted("EVSEProcessing", Enumeration(EVSE_PROCESSING))
REMAINING = Noted("RemainingContractCertificateChains", UnsignedByte())

_CERTIFICATE = Binary(most=1600)
_SUB_CERTIFICATES = single(
    COMMON_MESSAGES, Element("Certificate", "certificates", _CERTIFICATE, most=3)
)

HEADER = record(
    COMMON_TYPES,
    iso20.Header,
    Element("SessionID", "session_id", exactly(8)),
    Element("TimeStamp", "time_stamp", UnsignedLong()),
    Element("Signature", "signature", SIGNATURE, least=0, namespace=XMLSIG),
)
_CERTIFICATE_CHAIN = record(
    COMMON_MESSAGES,
    iso20.CertificateChain,
    Element("Certificate", "certificate", _CERTIFICATE),
    Element("SubCertificates", "sub_certificates", _SUB_CERTIFICATES, least=0),
)
_CONTRACT_CERTIFICATE_CHAIN = record(
    COMMON_MESSAGES,
    iso20.CertificateChain,
    Element("Certificate", "certificate", _CERTIFICATE),
    Element("SubCertificates", "sub_certificates", _SUB_CERTIFICATES),
)
OEM_PROVISIONING_CERTIFICATE_CHAIN = Span(
    "OEMProvisioningCertificateChain",
    record(
        COMMON_MESSAGES,
        iso20.SignedCertificateChain,
        REQUIRED_ID,
        Element("Certificate", "certificate", _CERTIFICATE),
        Element("SubCertificates", "sub_certificates", _SUB_CERTIFICATES, least=0),
    ),
)
SIGNED_INSTALLATION_DATA = Span(
    "SignedInstallationData",
    record(
        COMMON_MESSAGES,
        iso20.SignedInstallationData,
        REQUIRED_ID,
        Element(
            "ContractCertificateChain", "contract_certificate_chain", _CONTRACT_CERTIFICATE_CHAIN
        ),
        Element("ECDHCurve", "ecdh_curve", Enumeration(ECDH_CURVES)),
        Element("DHPublicKey", "dh_public_key", exactly(133)),
        Choice(
            (
                Element(
                    "SECP521_EncryptedPrivateKey", "secp521_encrypted_private_key", exactly(94)
                ),
                Element("X448_EncryptedPrivateKey", "x448_encrypted_private_key", exactly(84)),
                Element("TPM_EncryptedPrivateKey", "tpm_encrypted_private_key", exactly(206)),
            )
        ),
    ),
)
_HEADER_ELEMENT = Element("Header", "header", HEADER, namespace=COMMON_TYPES)
CERTIFICATE_INSTALLATION_REQ = message(
    COMMON_MESSAGES,
    _HEADER_ELEMENT,
    iso20.CertificateInstallationReq,
    Element(
        "OEMProvisioningCertificateChain",
        "oem_provisioning_certificate_chain",
        OEM_PROVISIONING_CERTIFICATE_CHAIN,
    ),
    Element(
        "ListOfRootCertificateIDs",
        "list_of_root_certificate_ids",
        single(COMMON_TYPES, Element("RootCertificateID", "ids", ROOT_CERTIFICATE_ID, most=20)),
    ),
    Element(
        "MaximumContractCertificateChains", "maximum_contract_certificate_chains", UnsignedByte()
    ),
    Element(
        "PrioritizedEMAIDs",
        "prioritized_emaids",
        single(COMMON_MESSAGES, Element("EMAID", "emaids", Text(most=255), most=8)),
        least=0,
    ),
)
CERTIFICATE_INSTALLATION_RES = message(
    COMMON_MESSAGES,
    _HEADER_ELEMENT,
    iso20.CertificateInstallationRes,
    Element("ResponseCode", "response_code", RESPONSE_CODE, namespace=COMMON_TYPES),
    Element("EVSEProcessing", "evse_processing", PROCESSING),
    Element("CPSCertificateChain", "cps_certificate_chain", _CERTIFICATE_CHAIN),
    Element("SignedInstallationData", "signed_installation_data", SIGNED_INSTALLATION_DATA),
    Element(
        "RemainingContractCertificateChains", "remaining_contract_certificate_chains", REMAINING
    ),
)

REQ_ROOT = Root(
    "CertificateInstallationReq",
    7,
    6,
    CERTIFICATE_INSTALLATION_REQ,
    (iso20.CertificateInstallationReq,),
)
RES_ROOT = Root(
    "CertificateInstallationRes",
    8,
    6,
    CERTIFICATE_INSTALLATION_RES,
    (iso20.CertificateInstallationRes,),
)
ISO20 = Edition(
    "ISO 15118-20",
    (REQ_ROOT, RES_ROOT),
    Fragments(
        9,
        282,
        {
            "OEMProvisioningCertificateChain": (128, OEM_PROVISIONING_CERTIFICATE_CHAIN),
            "SignedInfo": (230, SIGNED_INFO),
            "SignedInstallationData": (231, SIGNED_INSTALLATION_DATA),
        },
    ),
)
