"""The car checks the answer to its request, as a car does, and installs the contract."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ccp.identifiers import Emaid
from ccp.iso15118 import (
    ExiError,
    Message,
    Signature,
    decode,
    iso2,
)
from ccp.workshop.certificates import Identity, common_name
from ccp.workshop.errors import AnswerRefused
from ccp.workshop.key_transport import decrypt_key
from ccp.workshop.signing import fragment, signed_elements

_GOOD_CODES = ("OK", "OK_CertificateExpiresSoon")


@dataclass(frozen=True, slots=True)
class Installed:
    """A contract that a car can charge with: its certificate and key, and the sub-CAs above it."""

    emaid: str
    contract: Identity
    sub_certificates: Sequence[x509.Certificate]


def install(
    exi: bytes,
    *,
    car: Identity,
    session_id: bytes,
    roots: Iterable[x509.Certificate],
    at: datetime,
    note: Callable[[str], None] = lambda _: None,
) -> Installed:
    """
    Check a CertificateInstallationRes and take the contract out of it.

    Args:
        exi: The answer.
        car: The provisioning certificate and its key.
        session_id: That of the request.
        roots: The V2G roots that the car has installed.
        at: Instant at which all certificates have to be valid, aware.
        note: Told, in a sentence each, what holds.
    Raises:
        AnswerRefused: The first thing that does not hold.
    """
    try:
        message = decode(exi)
    except ExiError as error:
        raise AnswerRefused(f"The answer cannot be read: {error}") from None
    res = message.body
    if not isinstance(res, iso2.CertificateInstallationRes):
        raise AnswerRefused("The answer is not a CertificateInstallationRes.")
    if message.header.session_id != session_id:
        raise AnswerRefused("The session id is not that of the request.")
    note(f"The session id is that of the request: {session_id.hex().upper()}.")
    if res.response_code not in _GOOD_CODES:
        raise AnswerRefused(f"The ResponseCode is {res.response_code}.")
    note(f"The ResponseCode is {res.response_code}.")

    cps = _read_chain(res.sa_provisioning_certificate_chain)
    root = _find_root(cps, roots, at)
    note(f"The signer, {common_name(cps[0])}, is certified under {common_name(root)}.")
    _check_signature(message, cps[0])
    note("Its signature holds, over all that it has to cover.")

    contract = _read_chain(res.contract_signature_cert_chain)
    _check_issued(contract, at)
    emaid = _check_emaid(res.emaid.value, contract[0])
    note(f"The contract certificate is of {emaid} and valid.")
    key = _decrypt(res, car)
    if key.public_key() != contract[0].public_key():
        raise AnswerRefused("The decrypted key is not that of the contract certificate.")
    note("The decrypted private key is that of the contract certificate.")
    return Installed(emaid, Identity(contract[0], key), contract[1:])


def _read_chain(chain: iso2.CertificateChain) -> list[x509.Certificate]:
    """The leaf, then its issuers from the bottom to the top."""
    try:
        leaf, *sub_cas = map(
            x509.load_der_x509_certificate, [chain.certificate, *chain.sub_certificates]
        )
    except ValueError:
        raise AnswerRefused("A certificate in the answer cannot be read.") from None
    found = [leaf]
    by_name = {sub_ca.subject: sub_ca for sub_ca in sub_cas}
    while issuer := by_name.pop(found[-1].issuer, None):
        found.append(issuer)
    if by_name:
        raise AnswerRefused(f"The chain of {common_name(leaf)} is not one.")
    return found


def _find_root(
    chain: Sequence[x509.Certificate], roots: Iterable[x509.Certificate], at: datetime
) -> x509.Certificate:
    """The root among those that the car has installed which *chain* ends in."""
    for root in roots:
        if root.subject == chain[-1].issuer:
            _check_issued([*chain, root], at)
            return root
    raise AnswerRefused(f"The chain of {common_name(chain[0])} ends in no root of this car.")


def _check_issued(chain: Sequence[x509.Certificate], at: datetime) -> None:
    """Every certificate is valid, and each signed by the next, a CA that may do so."""
    for certificate in chain:
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            raise AnswerRefused(f"The certificate {common_name(certificate)} is not valid now.")
    for depth, (certificate, issuer) in enumerate(pairwise(chain)):
        if not _has_issued(issuer, certificate, sub_cas_between=depth):
            issued = f"{common_name(issuer)} has not rightly issued {common_name(certificate)}."
            raise AnswerRefused(issued)


def _has_issued(
    issuer: x509.Certificate, certificate: x509.Certificate, *, sub_cas_between: int
) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    length = constraints.path_length
    return constraints.ca and (length is None or sub_cas_between <= length)


def _check_emaid(text: str, contract: x509.Certificate) -> str:
    """The EMAID, normalised, which is that of the contract certificate."""
    try:
        emaid = Emaid.parse(text)
        agrees = Emaid.parse(common_name(contract)) == emaid
    except ValueError:
        agrees = False
    if not agrees:
        raise AnswerRefused("The contract certificate is not of the eMAID.")
    return emaid.text


def _check_signature(message: Message, signer: x509.Certificate) -> None:
    """All four elements are signed, as they are, by *signer*."""
    signature = message.header.signature
    if signature is None:
        raise AnswerRefused("The answer is not signed.")
    elements = signed_elements(message)
    references = signature.signed_info.references
    wanted = {f"#{element.id}": (name, element) for name, element in elements.items()}
    if len(wanted) != len(references) or set(wanted) != {one.uri for one in references}:
        raise AnswerRefused("The signature does not cover exactly what it has to.")
    for reference in references:
        name, element = wanted[reference.uri or ""]
        if reference.digest_value not in map(_sha256, _forms(name, element)):
            raise AnswerRefused(f"{name} is not what was signed.")
    if not _is_signed(signature, signer.public_key()):
        raise AnswerRefused(f"The signature is not that of {common_name(signer)}.")


def _is_signed(signature: Signature, key: object) -> bool:
    raw = signature.signature_value.value
    if not isinstance(key, ec.EllipticCurvePublicKey) or len(raw) != 64:
        return False
    value = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    for form in _forms("SignedInfo", signature.signed_info):
        try:
            key.verify(value, form, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            continue
        return True
    return False


def _forms(name: str, element: Any) -> list[bytes]:
    """The fragment as it is to be, and as some signers make it."""
    return [fragment(name, element), fragment(name, element, frozenset([name]))]


def _sha256(data: bytes) -> bytes:
    return sha256(data).digest()


def _decrypt(res: iso2.CertificateInstallationRes, car: Identity) -> ec.EllipticCurvePrivateKey:
    try:
        return decrypt_key(
            res.contract_signature_encrypted_private_key.value, res.dh_publickey.value, car.key
        )
    except ValueError:
        raise AnswerRefused("The contract's private key cannot be decrypted.") from None
