"""Test material: certificates and messages as a CPS, an OEM and a car would make them."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ccp.domain.identifiers import ISO_15118_2, Emaid, Pcid
from ccp.domain.origin import Origin
from ccp.iso15118 import Message, RootCertificateID, encode, iso2, iso20
from ccp.store import SignedContractData
from ccp.workshop.signing import sign

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
"""The present of the tests: the published message's contract is valid."""

_TODAY = datetime.now(UTC).replace(microsecond=0)
VALID_TODAY = {"not_before": _TODAY - timedelta(days=1), "not_after": _TODAY + timedelta(days=1)}
"""Of certificates, for a server whose clock is the real one."""

ORIGIN = Origin(at=NOW)
"""Of what tests write into a store."""

EMAID_TEXT = "DEICECOPNCCERT"
PCID_TEXT = "WAUZZZ4B0CC012345"
ROOT_A = "a" * 64
ROOT_B = "b" * 64
BASE = "/opnc/v1/ccp"


SESSION_20 = bytes.fromhex("2A3DC6D75411F647")
TIME_STAMP = int(NOW.timestamp())
PCID_20_TEXT = "WAUZZZ4B0CC0123456"


@cache
def _key(curve: type[ec.EllipticCurve] = ec.SECP256R1) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve())


def name(text: str) -> x509.Name:
    """A name from RFC 4514 text, as `CN=V2G Root CA,DC=V2G,O=Pool,C=DE`."""
    return x509.Name.from_rfc4514_string(text)


def certificate(
    subject: str,
    issuer: str = "CN=Sub CA 2,O=Test,C=DE",
    *,
    not_before: datetime = NOW - timedelta(days=365),
    not_after: datetime = NOW + timedelta(days=365),
    curve: type[ec.EllipticCurve] = ec.SECP256R1,
) -> bytes:
    """A certificate with these names and validity, DER; nobody verifies its signature."""
    key = _key(curve)
    return (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )


def cps_chain(
    root: str = "CN=V2G Root CA,DC=V2G,O=Test,C=DE", signer: str = "CN=CPS,O=Test,C=DE,DC=CPS"
) -> iso2.CertificateChain:
    """A CPS leaf, its sub-CA 2 and its sub-CA 1, which *root* has issued."""
    return iso2.CertificateChain(
        certificate(signer, "CN=Prov Sub 2,O=Test,C=DE"),
        [
            certificate("CN=Prov Sub 1,O=Test,C=DE", root),
            certificate("CN=Prov Sub 2,O=Test,C=DE", "CN=Prov Sub 1,O=Test,C=DE"),
        ],
    )


def installation_res(
    emaid: str = EMAID_TEXT,
    *,
    common_name: str | None = None,
    response_code: str = "OK",
    session_id: bytes = b"\0",
    root: str = "CN=V2G Root CA,DC=V2G,O=Test,C=DE",
    signer: str = "CN=CPS,O=Test,C=DE,DC=CPS",
    **validity: datetime,
) -> bytes:
    """A CertificateInstallationRes for a contract, EXI, signed; the contract key is a dummy."""
    leaf = certificate(f"CN={common_name or emaid},O=Test", "CN=MO Sub 2,O=Test,C=DE", **validity)
    body = iso2.CertificateInstallationRes(
        response_code=response_code,
        sa_provisioning_certificate_chain=cps_chain(root, signer),
        contract_signature_cert_chain=iso2.CertificateChain(
            leaf, [certificate("CN=MO Sub 2,O=Test,C=DE", "CN=MO Root,O=Test,C=DE")], id="id1"
        ),
        contract_signature_encrypted_private_key=iso2.ContractSignatureEncryptedPrivateKey(
            "id2", bytes(48)
        ),
        dh_publickey=iso2.DiffieHellmanPublickey("id3", b"\4" + bytes(64)),
        emaid=iso2.EMAID("id4", emaid),
    )
    return signed(Message(iso2.Header(session_id), body))


def installation_req(
    pcid: str = PCID_TEXT,
    *,
    session_id: bytes = bytes.fromhex("2A3DC6D75411F647"),
    roots: tuple[str, ...] = ("CN=V2G Root CA,DC=V2G,O=Test,C=DE",),
    **validity: datetime,
) -> bytes:
    """A car's CertificateInstallationReq, EXI, signed."""
    leaf = certificate(f"CN={pcid},O=Car Maker,DC=OEM", "CN=OEM Sub 2,O=Car Maker", **validity)
    roots_listed = [RootCertificateID(root, 2**120 + 7) for root in roots]
    body = iso2.CertificateInstallationReq("id1", leaf, roots_listed)
    return signed(Message(iso2.Header(session_id), body))


def installation_res_20(
    emaid: str = EMAID_TEXT,
    *,
    response_code: str = "OK",
    evse_processing: str = "Finished",
    remaining: int = 0,
    root: str = "CN=V2G Root CA,DC=V2G,O=Test,C=DE",
    **validity: datetime,
) -> bytes:
    """A CertificateInstallationRes of ISO 15118-20, EXI, signed; the contract key is a dummy."""
    leaf = certificate(
        f"CN={emaid},O=Test", "CN=MO Sub 2,O=Test,C=DE", curve=ec.SECP521R1, **validity
    )
    body = iso20.CertificateInstallationRes(
        response_code=response_code,
        evse_processing=evse_processing,
        cps_certificate_chain=iso20.CertificateChain(
            certificate("CN=CPS,O=Test,DC=CPS", "CN=Prov Sub 2,O=Test", curve=ec.SECP521R1),
            [certificate("CN=Prov Sub 2,O=Test", root, curve=ec.SECP521R1)],
        ),
        signed_installation_data=iso20.SignedInstallationData(
            id="id1",
            contract_certificate_chain=iso20.CertificateChain(
                leaf, [certificate("CN=MO Sub 2,O=Test,C=DE", "CN=MO Root", curve=ec.SECP521R1)]
            ),
            ecdh_curve="SECP521",
            dh_public_key=bytes(133),
            secp521_encrypted_private_key=bytes(94),
        ),
        remaining_contract_certificate_chains=remaining,
    )
    return signed(Message(iso20.Header(bytes(8), 0), body), ec.SECP521R1)


def installation_req_20(
    pcid: str = PCID_20_TEXT,
    *,
    session_id: bytes = SESSION_20,
    time_stamp: int = TIME_STAMP,
    maximum: int = 3,
    prioritized: Sequence[str] = (),
    roots: tuple[str, ...] = ("CN=V2G Root CA,DC=V2G,O=Test,C=DE",),
    **validity: datetime,
) -> bytes:
    """A car's CertificateInstallationReq of ISO 15118-20, EXI, signed."""
    leaf = certificate(
        f"CN={pcid},O=Car Maker,DC=OEM", "CN=OEM Sub 2,O=Car Maker", curve=ec.SECP521R1, **validity
    )
    sub_2 = certificate("CN=OEM Sub 2,O=Car Maker", "CN=OEM Root", curve=ec.SECP521R1)
    body = iso20.CertificateInstallationReq(
        iso20.SignedCertificateChain("id1", leaf, [sub_2]),
        [RootCertificateID(root, 2**120 + 7) for root in roots],
        maximum,
        list(prioritized),
    )
    return signed(Message(iso20.Header(session_id, time_stamp), body), ec.SECP521R1)


def signed(message: Message, curve: type[ec.EllipticCurve] = ec.SECP256R1) -> bytes:
    """The message, EXI, signed with the key that all certificates on *curve* have."""
    return encode(sign(message, _key(curve)))


def record(
    emaid: str = EMAID_TEXT,
    pcid: str = PCID_TEXT,
    *,
    namespace: str = ISO_15118_2,
    root: str | None = ROOT_A,
    exi: bytes = b"\x80\x98exi",
    **changes: Any,
) -> SignedContractData:
    """A record for the store, which looks into none of its bytes."""
    values = {
        "v2g_root_distinguished_name": "CN=V2G Root CA, DC=V2G, O=Test, C=DE",
        "contract_certificate_der": b"leaf",
        "valid_from": NOW - timedelta(days=1),
        "valid_to": NOW + timedelta(days=1),
    }
    return SignedContractData(
        emaid=Emaid.parse(emaid),
        pcid=Pcid.parse(pcid),
        namespace=namespace,
        v2g_root_fingerprint=root,
        installation_res_exi=exi,
        **(values | changes),
    )


def put_body(exi: bytes | None = None, **changes: Any) -> dict[str, Any]:
    """The body of a PUT that a strict pool stores; *changes* replace or add fields."""
    return {
        "certificateInstallationRes": b64(exi if exi is not None else installation_res()),
        "emaid": EMAID_TEXT,
        "pcid": PCID_TEXT,
        "xsdMsgDefNamespace": ISO_15118_2,
        "cpsV2GRootCertificateFingerprint": ROOT_A,
    } | changes


def post_body(exi: bytes | None = None, **changes: Any) -> dict[str, Any]:
    """The body of a POST of a CertificateInstallationReq."""
    return {
        "certificateInstallationReq": b64(exi if exi is not None else installation_req()),
        "xsdMsgDefNamespace": ISO_15118_2,
    } | changes


def b64(data: bytes) -> str:
    """Base64 with padding."""
    return base64.b64encode(data).decode("ascii")
