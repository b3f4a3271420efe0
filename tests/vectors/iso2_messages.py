"""The messages of ISO 15118-2 that vectors are made of."""

from random import Random

from ccp.iso15118 import Message, RootCertificateID, iso2
from ccp.iso15118.iso2_schema import FAULT_CODES, RESPONSE_CODES
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

draw = Random(15118)  # noqa: S311
signing = Signing(
    draw,
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2001/04/xmlenc#sha256",
    32,
    64,
)


def req(*roots: RootCertificateID, certificate: int = 20, id_: str = "id1") -> Message:
    roots = roots or (RootCertificateID("CN=V2GRootCA", 12345),)
    body = iso2.CertificateInstallationReq(id_, draw.randbytes(certificate), list(roots))
    return Message(iso2.Header(draw.randbytes(8)), body)


def res(code: str = "OK", subs: tuple[int, int] = (2, 2), size: int = 12) -> Message:
    def chain(count: int, id_: str | None) -> iso2.CertificateChain:
        return iso2.CertificateChain(
            draw.randbytes(size), [draw.randbytes(size + n) for n in range(count)], id_
        )

    body = iso2.CertificateInstallationRes(
        code,
        chain(subs[0], None),
        chain(subs[1], "id1"),
        iso2.ContractSignatureEncryptedPrivateKey("id2", draw.randbytes(48)),
        iso2.DiffieHellmanPublickey("id3", b"\4" + draw.randbytes(64)),
        iso2.EMAID("id4", "DE8AA1A2B3C4D59"),
    )
    return Message(iso2.Header(draw.randbytes(8)), body)


def shapes() -> dict[str, Message]:
    """Valid messages in many shapes, by name."""
    found = {"req": req(), "res": res()}
    for length in range(1, 9):
        found[f"session id of {length}"] = with_header(req(), session_id=draw.randbytes(length))
    for count in (1, 2, 3, 19):
        roots = [
            RootCertificateID(f"CN=Root {n},C=DE", draw.getrandbits(128)) for n in range(count)
        ]
        found[f"roots {count}"] = req(*roots)
    for serial in SERIALS:
        found[f"serial {serial}"] = req(RootCertificateID("CN=Root", serial))
    for issuer in ISSUERS:
        found[f"issuer {issuer[:10]}"] = req(RootCertificateID(issuer, 1))
    for size in (1, 127, 128, 799, 800):
        found[f"certificate of {size}"] = req(certificate=size)
    one = signing.reference("#id1", b"\1" * 32)
    found["req signed"] = with_header(req(), signature=signing.signature(one))
    found["req, every part of a signature"] = with_header(req(), signature=signing.full_signature())
    for fault in FAULT_CODES:
        found[f"fault {fault}"] = with_header(req(), notification=iso2.Notification(fault))
    found["fault message"] = with_header(
        res(), notification=iso2.Notification(FAULT_CODES[2], "Öl" * 32)
    )
    found["everything in the header"] = with_header(
        res(),
        notification=iso2.Notification(FAULT_CODES[0], "m"),
        signature=signing.full_signature(),
    )
    for code in RESPONSE_CODES:
        found[f"code {code}"] = res(code, (0, 0), 1)
    for sa, contract in ((0, 1), (1, 0), (2, 3), (3, 4), (4, 2), (4, 4)):
        found[f"sub-certificates {sa} and {contract}"] = res(subs=(sa, contract))
    four = [signing.reference(f"#id{n}", draw.randbytes(32)) for n in (2, 1, 4, 3)]
    found["res signed"] = with_header(res(size=650), signature=signing.signature(*four))
    identified = res()
    identified.body.sa_provisioning_certificate_chain.id = "id0"
    found["SA chain with an id"] = identified
    return found


def departures() -> dict[str, str]:
    """What XML may hold and ISO 15118 does not use, by name; valid or not under the schemas."""
    plain = message_xml(with_header(req(), session_id=bytes(range(1, 9))))
    reference = signing.reference("#id1", b"\1" * 32)
    signed = message_xml(with_header(req(), signature=signing.signature(reference)))
    noted = message_xml(
        with_header(req(), notification=iso2.Notification(FAULT_CODES[0], "message"))
    )
    made = message_xml(res(size=1))
    code = prefix(made, "ResponseCode")
    id_ = prefix(plain, "CertificateInstallationReq").replace("CertificateInstallationReq", "Id")
    return {
        **departures_in_signature(signed),
        **departures_in_root(plain),
        "empty SessionID": change(plain, ">0102030405060708<", "><"),
        "empty FaultMsg": change(noted, ">message<", "><"),
        "unknown ResponseCode": change(made, f"{code}>OK<", f"{code}>GREAT<"),
        "xsi:type on the request": change(
            plain, f" {id_}=", f' {XSI} xsi:type="{id_[:-3]}:CertificateInstallationReqType" {id_}='
        ),
        "xsi:schemaLocation": change(
            plain, f" {id_}=", f' {XSI} xsi:schemaLocation="urn:a a.xsd" {id_}='
        ),
        "undeclared attribute": change(plain, f" {id_}=", f' xmlns:z="urn:z" z:z="1" {id_}='),
        "missing Id": change(plain, f' {id_}="id1"', ""),
        "801 bytes": message_xml(with_header(req(certificate=801))),
    }
