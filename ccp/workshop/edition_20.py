"""The messages of ISO 15118-20, as the workshop makes and reads them."""

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from ccp.domain.identifiers import ISO_15118_20
from ccp.iso15118 import ISO20, Message, iso20
from ccp.workshop.certificates import DerChain
from ccp.workshop.edition import Answer, Edition, Request, SignedPart, flipped
from ccp.workshop.key_transport import AES_256_GCM, Sealed
from ccp.workshop.profiles import P521
from ccp.workshop.suites import ECDSA_SHA256, ECDSA_SHA512, ED448_SHAKE256

_REQ_ELEMENT, _RES_ELEMENT = "OEMProvisioningCertificateChain", "SignedInstallationData"


def _change_order(req: iso20.CertificateInstallationReq) -> None:
    # The same chain, so only the digest tells.
    req.oem_provisioning_certificate_chain.sub_certificates.reverse()


def _change_chain(res: iso20.CertificateInstallationRes) -> None:
    sub_cas = res.signed_installation_data.contract_certificate_chain.sub_certificates
    sub_cas[-1] = flipped(sub_cas[-1])  # the last bit of its signature


def _change_encrypted_key(res: iso20.CertificateInstallationRes) -> None:
    data = res.signed_installation_data
    data.secp521_encrypted_private_key = flipped(data.secp521_encrypted_private_key or b"")


def _change_public_key(res: iso20.CertificateInstallationRes) -> None:
    data = res.signed_installation_data
    data.dh_public_key = flipped(data.dh_public_key)


class Edition20(Edition):
    """ISO 15118-20: several contracts, a message each; the contract certificate names the EMAID."""

    number = "20"
    namespace = ISO_15118_20
    codec = ISO20
    profile = P521
    suites = (ECDSA_SHA512, ED448_SHAKE256)
    transport = AES_256_GCM
    wrong_curve = ec.SECP256R1()
    wrong_suite = ECDSA_SHA256
    failure_code = "WARNING_NoCertificateAvailable"
    parts_of_req = (SignedPart("provisioning-chain", _REQ_ELEMENT, _REQ_ELEMENT, _change_order),)
    parts_of_res = (
        SignedPart("contract-chain", "ContractCertificateChain", _RES_ELEMENT, _change_chain),
        SignedPart(
            "encrypted-key", "SECP521_EncryptedPrivateKey", _RES_ELEMENT, _change_encrypted_key
        ),
        SignedPart("dh-public-key", "DHPublicKey", _RES_ELEMENT, _change_public_key),
    )
    requests_bring_sub_cas = True
    has_lists = True
    usual_maximum = 3
    no_session = bytes(8)
    emaid_lengths = range(14, 37)
    pcid_lengths = range(18, 19)
    session_id_lengths = range(8, 9)
    emaid = "DEWRKC00000021"
    pcid = "WRKSH0PCAR00000020"

    def make_request(self, request: Request) -> Message:
        body = iso20.CertificateInstallationReq(
            iso20.SignedCertificateChain("id1", request.car.leaf, request.car.sub_cas),
            list(request.roots),
            request.maximum,
            list(request.prioritized),
        )
        return Message(iso20.Header(request.session_id, request.time_stamp), body)

    def make_answer(self, answer: Answer) -> Message:
        body = iso20.CertificateInstallationRes(
            response_code=answer.response_code,
            evse_processing=answer.processing or "",
            cps_certificate_chain=iso20.CertificateChain(answer.cps.leaf, answer.cps.sub_cas),
            signed_installation_data=iso20.SignedInstallationData(
                id="id1",
                contract_certificate_chain=iso20.CertificateChain(
                    answer.contract.leaf, answer.contract.sub_cas
                ),
                ecdh_curve="SECP521",
                dh_public_key=answer.sealed.public_key,
                secp521_encrypted_private_key=answer.sealed.encrypted_key,
            ),
            remaining_contract_certificate_chains=answer.remaining or 0,
        )
        return Message(iso20.Header(answer.session_id, answer.time_stamp or 0), body)

    def read_answer(self, message: Message) -> Answer | None:
        header, res = message.header, message.body
        if not (
            isinstance(header, iso20.Header) and isinstance(res, iso20.CertificateInstallationRes)
        ):
            return None
        data = res.signed_installation_data
        return Answer(
            session_id=header.session_id,
            response_code=res.response_code,
            cps=_chain(res.cps_certificate_chain),
            contract=_chain(data.contract_certificate_chain),
            # A key for another curve than the workshop's cars have is none to them.
            sealed=Sealed(data.secp521_encrypted_private_key or b"", data.dh_public_key),
            time_stamp=header.time_stamp,
            processing=res.evse_processing,
            remaining=res.remaining_contract_certificate_chains,
        )

    def signed_elements(self, message: Message) -> Mapping[str, Any]:
        match message.body:
            case iso20.CertificateInstallationReq() as req:
                return {_REQ_ELEMENT: req.oem_provisioning_certificate_chain}
            case iso20.CertificateInstallationRes() as res:
                return {_RES_ELEMENT: res.signed_installation_data}
        return {}


def _chain(chain: iso20.CertificateChain) -> DerChain:
    return DerChain(chain.certificate, chain.sub_certificates)
