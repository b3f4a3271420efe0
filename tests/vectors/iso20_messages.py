"""The messages of ISO 15118-20 that vectors are made of."""

from random import Random
from typing import Any

from ccp.iso15118 import Message, RootCertificateID, iso20
from ccp.iso15118.iso20_schema import ECDH_CURVES, EVSE_PROCESSING, RESPONSE_CODES
from tests.iso15118.as_xml import message_xml
from tests.vectors.parts import (
    ISSUERS,
    SERIALS,
    XSI,
    Signing,
    change,
    departures_in_root,
    departures_in_signature,
    prefix,
    with_header,
)

TIME_STAMPS = [0, 1, 127, 128, 2**14 - 1, 2**14, 1_760_000_000, 1_760_000_000_000]
TIME_STAMPS += [1_760_000_000_000_000, 2**56 - 1, 2**56, 2**63 - 1, 2**63, 2**64 - 1]
KEY_SIZES = {
    "secp521_encrypted_private_key": 94,
    "x448_encrypted_private_key": 84,
    "tpm_encrypted_private_key": 206,
}
draw = Random(20)  # noqa: S311
signing = Signing(
    draw,
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
    "http://www.w3.org/2001/04/xmlenc#sha512",
    64,
    132,
)


def header() -> iso20.Header:
    return iso20.Header(draw.randbytes(8), 1_760_000_000)


def chain(subs: int, size: int) -> iso20.CertificateChain:
    certificates = [draw.randbytes(size + n) for n in range(subs)]
    return iso20.CertificateChain(draw.randbytes(size), certificates)


def req(
    *roots: RootCertificateID,
    certificate: int = 20,
    subs: int = 2,
    most: int = 3,
    emaids: tuple[str, ...] = (),
) -> Message:
    made = chain(subs, 12)
    signed = iso20.SignedCertificateChain("id1", draw.randbytes(certificate), made.sub_certificates)
    roots = roots or (RootCertificateID("CN=V2GRootCA", 12345),)
    body = iso20.CertificateInstallationReq(signed, list(roots), most, list(emaids))
    return Message(header(), body)


def data(subs: int = 2, size: int = 12, **values: Any) -> iso20.SignedInstallationData:
    values.setdefault("ecdh_curve", "SECP521")
    values.setdefault("dh_public_key", b"\4" + draw.randbytes(132))
    if values.keys().isdisjoint(KEY_SIZES):
        values["secp521_encrypted_private_key"] = draw.randbytes(94)
    return iso20.SignedInstallationData("id1", chain(subs, size), **values)


def res(
    code: str = "OK",
    processing: str = "Finished",
    *,
    subs: int = 2,
    size: int = 12,
    remaining: int = 0,
    installed: iso20.SignedInstallationData | None = None,
) -> Message:
    body = iso20.CertificateInstallationRes(
        code, processing, chain(subs, size), installed or data(size=size), remaining
    )
    return Message(header(), body)


def shapes() -> dict[str, Message]:
    """Valid messages in many shapes, by name."""
    found = {"req": req(), "res": res()}
    for time_stamp in TIME_STAMPS:
        found[f"time stamp {time_stamp}"] = with_header(req(), time_stamp=time_stamp)
    for count in (1, 2, 3, 19, 20):
        roots = [
            RootCertificateID(f"CN=Root {n},C=DE", draw.getrandbits(128)) for n in range(count)
        ]
        found[f"roots {count}"] = req(*roots)
    for serial in SERIALS:
        found[f"serial {serial}"] = req(RootCertificateID("CN=Root", serial))
    for issuer in ISSUERS:
        found[f"issuer {issuer[:10]}"] = req(RootCertificateID(issuer, 1))
    for size in (1, 127, 128, 1599, 1600):
        found[f"certificate of {size}"] = req(certificate=size)
    for subs in range(4):
        found[f"sub-certificates {subs}"] = req(subs=subs)
    for most in (0, 1, 127, 128, 255):
        found[f"maximum {most}"] = req(most=most)
    for count in (1, 2, 7, 8):
        emaids = tuple(f"DE8AA1A2B3C4D{n}" for n in range(count))
        found[f"EMAIDs {count}"] = req(emaids=emaids)
    found["EMAIDs of 1 and 255 characters"] = req(emaids=("Ö", "É" * 255))
    one = signing.reference("#id1", b"\1" * 64)
    found["req signed"] = with_header(req(), signature=signing.signature(one))
    found["req, every part of a signature"] = with_header(req(), signature=signing.full_signature())
    for code in RESPONSE_CODES:
        found[f"code {code}"] = res(code, subs=0, size=1)
    for processing in EVSE_PROCESSING:
        found[f"processing {processing}"] = res(processing=processing)
    for curve in ECDH_CURVES:
        for name, size in KEY_SIZES.items():
            key = {name: draw.randbytes(size)}
            found[f"{curve}, {name}"] = res(installed=data(ecdh_curve=curve, **key))
    for cps, contract in ((0, 1), (1, 2), (2, 3), (3, 1), (3, 3)):
        installed = data(contract)
        found[f"sub-certificates {cps} and {contract}"] = res(subs=cps, installed=installed)
    for remaining in (1, 127, 128, 255):
        found[f"remaining {remaining}"] = res(remaining=remaining)
    found["res signed"] = with_header(res(size=750), signature=signing.signature(one))
    found["res, every part of a signature"] = with_header(res(), signature=signing.full_signature())
    return found


def departures() -> dict[str, str]:
    """What XML may hold and ISO 15118 does not use, by name; valid or not under the schemas."""
    plain = message_xml(with_header(req(emaids=("DE8AA1A2B3C4D5",)), session_id=bytes(range(1, 9))))
    one = signing.reference("#id1", b"\1" * 64)
    signed = message_xml(with_header(req(), signature=signing.signature(one)))
    made = message_xml(res(size=1))

    def value(xml: str, name: str, old: str, new: str) -> str:
        """*xml* whose element *name* has another text."""
        spelled = prefix(xml, name)
        return change(xml, f"{spelled}>{old}<", f"{spelled}>{new}<")

    def without(xml: str, name: str) -> str:
        """*xml* without its first element *name*."""
        spelled = prefix(xml, name)
        start, end = xml.index(f"<{spelled}>"), xml.index(f"</{spelled}>")
        return xml[:start] + xml[end + len(spelled) + 3 :]

    def sized(**values: int) -> str:
        """A response whose values in SignedInstallationData are of other sizes."""
        return message_xml(res(installed=data(**{k: draw.randbytes(n) for k, n in values.items()})))

    ns = prefix(plain, "CertificateInstallationReq").partition(":")[0]
    here = prefix(made, "CertificateInstallationRes").partition(":")[0]
    id_ = f" {ns}:Id="
    key_end = f"</{here}:SECP521_EncryptedPrivateKey>"
    dh_start, dh_end = f"<{here}:DHPublicKey>", f"</{here}:DHPublicKey>"
    dh_element = made[made.index(dh_start) : made.index(dh_end)] + dh_end
    contract = f"<{here}:ContractCertificateChain>"
    contract_start = made.index(contract)
    two_keys = {name: draw.randbytes(size) for name, size in list(KEY_SIZES.items())[:2]}
    return {
        **departures_in_signature(signed),
        **departures_in_root(plain),
        "empty SessionID": value(plain, "SessionID", "0102030405060708", ""),
        "SessionID of 7 bytes": value(plain, "SessionID", "0102030405060708", "01020304050607"),
        "SessionID of 9 bytes": value(plain, "SessionID", "0102030405060708", "010203040506070809"),
        "missing Header": without(plain, "Header"),
        "missing TimeStamp": without(plain, "TimeStamp"),
        "negative TimeStamp": value(plain, "TimeStamp", "1760000000", "-1"),
        "TimeStamp as a date": value(plain, "TimeStamp", "1760000000", "2025-10-09T08:53:20Z"),
        "TimeStamp of 65 bits": value(plain, "TimeStamp", "1760000000", str(2**64)),
        "TimeStamp of 71 bits": value(plain, "TimeStamp", "1760000000", str(2**70)),
        "unknown ResponseCode": value(made, "ResponseCode", "OK", "GREAT"),
        "ResponseCode of ISO 15118-2": value(
            made, "ResponseCode", "OK", "FAILED_NoCertificateAvailable"
        ),
        "unknown EVSEProcessing": value(made, "EVSEProcessing", "Finished", "Soon"),
        "unknown ECDHCurve": value(made, "ECDHCurve", "SECP521", "SECP256"),
        "maximum 256": value(plain, "MaximumContractCertificateChains", "3", "256"),
        "remaining -1": value(made, "RemainingContractCertificateChains", "0", "-1"),
        "missing maximum": without(plain, "MaximumContractCertificateChains"),
        "missing list of roots": without(plain, "ListOfRootCertificateIDs"),
        "empty EMAID": value(plain, "EMAID", "DE8AA1A2B3C4D5", ""),
        "EMAID of 256 characters": value(plain, "EMAID", "DE8AA1A2B3C4D5", "D" * 256),
        "no EMAID in PrioritizedEMAIDs": without(plain, "EMAID"),
        "9 EMAIDs": message_xml(req(emaids=tuple("ABCDEFGHI"))),
        "4 sub-certificates": message_xml(req(subs=4)),
        "xsi:type on the chain": change(
            plain, id_, f' {XSI} xsi:type="{ns}:SignedCertificateChainType"{id_}'
        ),
        "xsi:schemaLocation": change(plain, id_, f' {XSI} xsi:schemaLocation="urn:a a.xsd"{id_}'),
        "undeclared attribute": change(plain, id_, f' xmlns:z="urn:z" z:z="1"{id_}'),
        "missing Id": change(plain, f'{id_}"id1"', ""),
        "Id of CPSCertificateChain": change(
            made, f"<{here}:CPSCertificateChain>", f'<{here}:CPSCertificateChain {here}:Id="id0">'
        ),
        "1601 bytes": message_xml(req(certificate=1601)),
        "missing contract sub-certificates": made[:contract_start]
        + without(made[contract_start:], "SubCertificates"),
        "DHPublicKey of 132 bytes": sized(dh_public_key=132),
        "DHPublicKey of 134 bytes": sized(dh_public_key=134),
        "SECP521 key of 93 bytes": sized(secp521_encrypted_private_key=93),
        "SECP521 key of 95 bytes": sized(secp521_encrypted_private_key=95),
        "X448 key of 83 bytes": sized(x448_encrypted_private_key=83),
        "X448 key of 94 bytes": sized(x448_encrypted_private_key=94),
        "TPM key of 205 bytes": sized(tpm_encrypted_private_key=205),
        "TPM key of 207 bytes": sized(tpm_encrypted_private_key=207),
        "two private keys": message_xml(res(installed=data(**two_keys))),
        "unknown private key": made.replace("SECP521_Enc", "P256_Enc"),
        "no private key": without(made, "SECP521_EncryptedPrivateKey"),
        "private key before DHPublicKey": change(made, dh_element, "").replace(
            key_end, key_end + dh_element
        ),
    }
