"""The messages of ISO 15118-2, as the workshop makes and reads them."""

from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from ccp.domain.identifiers import ISO_15118_2
from ccp.iso15118 import ISO2, Message, iso2
from ccp.workshop.certificates import DerChain
from ccp.workshop.edition import Answer, Edition, Request, SignedPart, flipped
from ccp.workshop.key_transport import AES_128_CBC, Sealed
from ccp.workshop.profiles import P256
from ccp.workshop.suites import ECDSA_SHA256, ECDSA_SHA512


def _change_roots(req: iso2.CertificateInstallationReq) -> None:
    req.list_of_root_certificate_ids[0].x509_serial_number += 1


def _change_chain(res: iso2.CertificateInstallationRes) -> None:
    sub_cas = res.contract_signature_cert_chain.sub_certificates
    sub_cas[-1] = flipped(sub_cas[-1])  # the last bit of its signature


def _change_encrypted_key(res: iso2.CertificateInstallationRes) -> None:
    key = res.contract_signature_encrypted_private_key
    key.value = flipped(key.value)


def _change_public_key(res: iso2.CertificateInstallationRes) -> None:
    res.dh_publickey.value = flipped(res.dh_publickey.value)


def _change_emaid(res: iso2.CertificateInstallationRes) -> None:
    res.emaid.value = res.emaid.value.lower()  # the same contract, so only the digest tells


def _part(slug: str, element: str, change: Callable[[Any], None]) -> SignedPart:
    """A signed element as a whole."""
    return SignedPart(slug, element, element, change)


class Edition2(Edition):
    """ISO 15118-2: one contract, on P-256; the EMAID stands beside its certificate."""

    number = "2"
    namespace = ISO_15118_2
    codec = ISO2
    profile = P256
    suites = (ECDSA_SHA256,)
    transport = AES_128_CBC
    wrong_curve = ec.SECP384R1()
    wrong_suite = ECDSA_SHA512
    failure_code = "FAILED_NoCertificateAvailable"
    parts_of_req = (_part("request", "CertificateInstallationReq", _change_roots),)
    parts_of_res = (
        _part("contract-chain", "ContractSignatureCertChain", _change_chain),
        _part("encrypted-key", "ContractSignatureEncryptedPrivateKey", _change_encrypted_key),
        _part("dh-public-key", "DHpublickey", _change_public_key),
        _part("emaid", "eMAID", _change_emaid),
    )
    requests_bring_sub_cas = False
    has_lists = False
    usual_maximum = 1
    no_session = b"\0"
    emaid_lengths = range(14, 16)
    pcid_lengths = range(17, 19)
    session_id_lengths = range(1, 9)
    emaid = "DEWRKC00000001"
    pcid = "WRKSH0PCAR0000001"

    def make_request(self, request: Request) -> Message:
        body = iso2.CertificateInstallationReq("id1", request.car.leaf, list(request.roots))
        return Message(iso2.Header(request.session_id), body)

    def make_answer(self, answer: Answer) -> Message:
        contract = answer.contract
        body = iso2.CertificateInstallationRes(
            response_code=answer.response_code,
            sa_provisioning_certificate_chain=iso2.CertificateChain(
                answer.cps.leaf, answer.cps.sub_cas
            ),
            contract_signature_cert_chain=iso2.CertificateChain(
                contract.leaf, contract.sub_cas, "id1"
            ),
            contract_signature_encrypted_private_key=iso2.ContractSignatureEncryptedPrivateKey(
                "id2", answer.sealed.encrypted_key
            ),
            dh_publickey=iso2.DiffieHellmanPublickey("id3", answer.sealed.public_key),
            emaid=iso2.EMAID("id4", answer.emaid or ""),
        )
        return Message(iso2.Header(answer.session_id), body)

    def read_answer(self, message: Message) -> Answer | None:
        res = message.body
        if not isinstance(res, iso2.CertificateInstallationRes):
            return None
        return Answer(
            session_id=message.header.session_id,
            response_code=res.response_code,
            cps=_chain(res.sa_provisioning_certificate_chain),
            contract=_chain(res.contract_signature_cert_chain),
            sealed=Sealed(
                res.contract_signature_encrypted_private_key.value, res.dh_publickey.value
            ),
            emaid=res.emaid.value,
        )

    def signed_elements(self, message: Message) -> Mapping[str, Any]:
        match message.body:
            case iso2.CertificateInstallationReq() as req:
                return {"CertificateInstallationReq": req}
            case iso2.CertificateInstallationRes() as res:
                return {
                    "ContractSignatureCertChain": res.contract_signature_cert_chain,
                    "ContractSignatureEncryptedPrivateKey": (
                        res.contract_signature_encrypted_private_key
                    ),
                    "DHpublickey": res.dh_publickey,
                    "eMAID": res.emaid,
                }
        return {}


def _chain(chain: iso2.CertificateChain) -> DerChain:
    return DerChain(chain.certificate, chain.sub_certificates)
