"""Everything that can be wrong with a signature, a contract's or a request's."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ccp.domain.errors import SignatureInvalid
from ccp.workshop.edition import Edition, SignedPart
from ccp.workshop.fault import Draft, Fault, after, before
from ccp.workshop.profiles import another_key, new_key
from ccp.workshop.tampering import (
    changed,
    der_signature,
    no_signature,
    tamper_signature_value,
    tamper_signed_info,
    with_canonicalization,
    with_digest_method,
    with_reference_elsewhere,
    with_reference_twice,
    with_signature_method,
    without_reference,
)

_VALUE_IS_WRONG = "The SignatureValue is not the signer's for this SignedInfo."


def signature_fault(
    name: str, meaning: str, told: str, spoil: Callable[[Draft], Draft]
) -> Fault[Draft]:
    """A fault that makes the signature invalid."""
    return Fault(name, meaning, SignatureInvalid, told, spoil)


def signature_faults(
    edition: Edition, parts: Sequence[SignedPart], signer: str
) -> Iterator[Fault[Any]]:
    """
    List the faults of one kind of message.

    Args:
        parts: What is signed of it.
        signer: Whose certificate it is that signs, such as "CPS".
    """
    yield signature_fault(
        "unsigned",
        "the message has no signature",
        "The message is not signed.",
        after(no_signature),
    )
    yield from _value_faults(edition, signer)
    yield from _part_faults(parts)
    yield from _reference_faults()
    yield from _algorithm_faults(edition)


def _value_faults(edition: Edition, signer: str) -> Iterator[Fault[Any]]:
    """The SignatureValue is not what it should be."""
    yield signature_fault(
        "wrong-signer",
        f"signed with a key not the {signer} certificate's",
        _VALUE_IS_WRONG,
        lambda draft: replace(draft, signing_key=another_key(draft.signing_key)),
    )
    yield signature_fault(
        "signed-info-tampered",
        "SignedInfo was changed after it was signed",
        _VALUE_IS_WRONG,
        after(tamper_signed_info),
    )
    yield signature_fault(
        "signature-tampered",
        "one bit of the SignatureValue is another",
        _VALUE_IS_WRONG,
        after(tamper_signature_value),
    )
    yield signature_fault(
        "signature-der",
        "the SignatureValue is DER, not r and s alone",
        "The SignatureValue has",
        after(der_signature),
    )
    yield signature_fault(
        "signature-wrong-curve",
        f"the SignatureValue is that of a key on {edition.wrong_curve.name}",
        "The SignatureValue has",
        lambda draft: replace(draft, signing_key=new_key(edition.wrong_curve)),
    )


def _part_faults(parts: Sequence[SignedPart]) -> Iterator[Fault[Any]]:
    """A signed element is not what was signed, or is not signed."""
    for part in parts:
        yield signature_fault(
            f"tampered-{part.slug}" if len(parts) > 1 else "tampered",
            f"{part.name} was changed after it was signed",
            f"The digest of {part.element} is not that of its content.",
            after(changed(part)),
        )
    elements = list(dict.fromkeys(part.element for part in parts))
    if len(elements) > 1:  # of a single one, `reference-elsewhere` is the same
        for place, part in enumerate(parts):
            yield signature_fault(
                f"unsigned-{part.slug}",
                f"no Reference to {part.element}",
                f"{part.element} is not signed.",
                before(without_reference(place)),
            )


def _reference_faults() -> Iterator[Fault[Any]]:
    """The References are not those to be there."""
    yield signature_fault(
        "reference-twice",
        "a Reference to one element stands twice",
        "is referenced twice.",
        before(with_reference_twice),
    )
    yield signature_fault(
        "reference-elsewhere",
        "a Reference points to an element that is not in the message",
        "A Reference points to what is not to be signed.",
        before(with_reference_elsewhere),
    )


def _algorithm_faults(edition: Edition) -> Iterator[Fault[Any]]:
    """SignedInfo names algorithms of another edition, or of none."""
    method, digest = edition.wrong_suite.signature_method, edition.wrong_suite.digest_method
    yield signature_fault(
        "signature-method",
        f"SignedInfo names {method.partition('#')[2]}",
        "Its SignatureMethod is not",
        before(with_signature_method(method)),
    )
    yield signature_fault(
        "digest-method",
        f"a Reference names {digest.partition('#')[2]}",
        "The DigestMethod of",
        before(with_digest_method(digest)),
    )
    yield signature_fault(
        "canonicalization",
        "SignedInfo names canonical XML, not canonical EXI",
        "Its CanonicalizationMethod is not canonical EXI.",
        before(with_canonicalization),
    )
