"""EXI messages of ISO 15118 that install contract certificates; usable on its own."""

from ccp.iso15118.codec import decode, encode, encode_fragment
from ccp.iso15118.errors import ExiError
from ccp.iso15118.failure import failure_res
from ccp.iso15118.messages import (
    EMAID,
    CertificateChain,
    CertificateInstallationReq,
    CertificateInstallationRes,
    ContractSignatureEncryptedPrivateKey,
    DiffieHellmanPublickey,
    Header,
    Message,
    Notification,
    Reference,
    RootCertificateID,
    Signature,
    SignatureMethod,
    SignatureValue,
    SignedInfo,
    Transform,
)
from ccp.iso15118.sniff import MessageKind, sniff
from ccp.iso15118.surgery import cut_fragment, with_session_id

__all__ = [
    "EMAID",
    "CertificateChain",
    "CertificateInstallationReq",
    "CertificateInstallationRes",
    "ContractSignatureEncryptedPrivateKey",
    "DiffieHellmanPublickey",
    "ExiError",
    "Header",
    "Message",
    "MessageKind",
    "Notification",
    "Reference",
    "RootCertificateID",
    "Signature",
    "SignatureMethod",
    "SignatureValue",
    "SignedInfo",
    "Transform",
    "cut_fragment",
    "decode",
    "encode",
    "encode_fragment",
    "failure_res",
    "sniff",
    "with_session_id",
]
