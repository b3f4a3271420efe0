"""What a car checks of the certificates and the signature in an answer."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from ccp.iso15118 import Message
from ccp.workshop.certificates import DerChain, common_name
from ccp.workshop.editions import edition_of
from ccp.workshop.errors import AnswerRefused
from ccp.workshop.signing import fragment_forms


def read_chain(chain: DerChain) -> list[x509.Certificate]:
    """
    Read a chain: the leaf, then its issuers from the bottom to the top.

    Raises:
        AnswerRefused: A certificate cannot be read, or has issued none of the others.
    """
    try:
        leaf, *sub_cas = map(x509.load_der_x509_certificate, [chain.leaf, *chain.sub_cas])
    except ValueError:
        raise AnswerRefused("A certificate in the answer cannot be read.") from None
    found = [leaf]
    by_name = {sub_ca.subject: sub_ca for sub_ca in sub_cas}
    while issuer := by_name.pop(found[-1].issuer, None):
        found.append(issuer)
    if by_name:
        raise AnswerRefused(f"The chain of {common_name(leaf)} is not one.")
    return found


def find_root(
    chain: Sequence[x509.Certificate], roots: Iterable[x509.Certificate], at: datetime
) -> x509.Certificate:
    """
    Find the root among those that the car has installed which *chain* ends in.

    Raises:
        AnswerRefused: There is none, or what is between does not hold.
    """
    for root in roots:
        if root.subject == chain[-1].issuer:
            check_issued([*chain, root], at)
            return root
    raise AnswerRefused(f"The chain of {common_name(chain[0])} ends in no root of this car.")


def check_issued(chain: Sequence[x509.Certificate], at: datetime) -> None:
    """
    Check that every certificate is valid, and each signed by the next, a CA that may do so.

    Raises:
        AnswerRefused: One is not.
    """
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


def check_signature(message: Message, signer: x509.Certificate) -> None:
    """
    Check that all that has to be signed is signed, as it is, by *signer*.

    Raises:
        AnswerRefused: It is not.
    """
    signature = message.header.signature
    if signature is None:
        raise AnswerRefused("The answer is not signed.")
    edition, info = edition_of(message), signature.signed_info
    suite = edition.suite_for(signer.public_key())
    elements = edition.signed_elements(message)
    wanted = {f"#{element.id}": (name, element) for name, element in elements.items()}
    references = info.references
    if len(wanted) != len(references) or set(wanted) != {one.uri for one in references}:
        raise AnswerRefused("The signature does not cover exactly what it has to.")
    for reference in references:
        name, element = wanted[reference.uri or ""]
        forms = fragment_forms(name, element, edition.codec)
        if reference.digest_value not in map(suite.digest, forms):
            raise AnswerRefused(f"{name} is not what was signed.")
    value = signature.signature_value.value
    forms = fragment_forms("SignedInfo", info, edition.codec)
    if not any(suite.is_signed(signer.public_key(), value, form) for form in forms):
        raise AnswerRefused(f"The signature is not that of {common_name(signer)}.")
