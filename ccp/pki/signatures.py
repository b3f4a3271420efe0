"""XML signatures over EXI fragments: digests, the set of signed elements, the signature value."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.x509 import ObjectIdentifier
from cryptography.x509.oid import SignatureAlgorithmOID

from ccp.domain.errors import SignatureInvalid
from ccp.pki import algorithms
from ccp.pki.algorithms import curve_of

CANONICAL_EXI = "http://www.w3.org/TR/canonical-exi/"


class Naming(NamedTuple):
    """The URIs of a suite's algorithms in SignedInfo: signature and digest."""

    signature_method: str
    digest_method: str


@dataclass(frozen=True, slots=True)
class Suite:
    """
    A set of signature algorithms of an edition of ISO 15118.

    Attributes:
        name: The name in error messages.
        curve: The curve of the signer's key.
        certificate_algorithm: The signature algorithm of certificates.
        standard: The URIs of the standard.
        accepted: URIs that some signers use instead; they are accepted and reported.
    """

    name: str
    curve: str
    certificate_algorithm: ObjectIdentifier
    standard: Naming
    accepted: tuple[Naming, ...] = ()

    @property
    def namings(self) -> tuple[Naming, ...]:
        """All URIs that are accepted, those of the standard first."""
        return (self.standard, *self.accepted)


ISO_15118_2_SUITES = (
    Suite(
        "ecdsa-sha256 on P-256",
        "secp256r1",
        SignatureAlgorithmOID.ECDSA_WITH_SHA256,
        Naming(algorithms.ECDSA_SHA256, algorithms.SHA256),
    ),
)
ISO_15118_20_SUITES = (
    Suite(
        "ecdsa-sha512 on P-521",
        "secp521r1",
        SignatureAlgorithmOID.ECDSA_WITH_SHA512,
        Naming(algorithms.ECDSA_SHA512, algorithms.SHA512),
    ),
    Suite(
        "Ed448",
        "Ed448",
        SignatureAlgorithmOID.ED448,
        Naming(algorithms.ED448, algorithms.SHAKE256),
        accepted=(Naming(algorithms.ED448_OF_RFC_9231, algorithms.SHA512),),
    ),
)


@dataclass(frozen=True, slots=True)
class SignedReference:
    """
    A Reference of SignedInfo.

    Attributes:
        uri: `#` and the Id of the element.
        transforms, digest_method: URIs of algorithms.
    """

    uri: str | None
    transforms: Sequence[str]
    digest_method: str
    digest_value: bytes


class Verdict(NamedTuple):
    """
    The result of checking one part of a signature.

    Attributes:
        piece: Name of the part in XML Signature; `Id` for the Ids of the message's elements.
        problems: A sentence for each fault; empty if the part is valid.
        remarks: A sentence for each deviation from the standard that is accepted.
        reference: The Reference, if the part is one.
        element: Name of the element that a Reference is for; None if that need not be signed.
        form: The form in which the element or SignedInfo was signed, a key of `SignedMessage`'s
            mappings; None if no form fits.
        algorithm: URI of the algorithm, if the part names one.
        fragments: EXI fragments of the element, by form.
    """

    piece: str
    problems: Sequence[str] = ()
    reference: SignedReference | None = None
    element: str | None = None
    form: str | None = None
    algorithm: str | None = None
    fragments: Mapping[str, bytes] = MappingProxyType({})
    remarks: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """
    The parts of a message that its signature concerns.

    Attributes:
        canonicalization_method, signature_method: URIs of algorithms.
        signed_info: EXI fragments of SignedInfo by form: first the standard's form, then forms that
            some signers use instead.
        signature_value: The raw value: r and s one after the other.
        elements: The elements that have to be signed, and no others: by Id, the element's name and
            its EXI fragments by form. One fragment has to have the digest.
        found: Problems found while the parts were collected.
    """

    canonicalization_method: str
    signature_method: str
    references: Sequence[SignedReference]
    signed_info: Mapping[str, bytes]
    signature_value: bytes
    elements: Mapping[str, tuple[str, Mapping[str, bytes]]]
    found: Sequence[Verdict] = ()


def verify_signature(message: SignedMessage, key: object, suites: Sequence[Suite]) -> str:
    """
    Verify that the holder of *key* has signed all elements that have to be signed.

    Args:
        key: The signer's public key, of any type of pyca/cryptography.
        suites: The suites that the message's edition allows.
    Returns: The form in which SignedInfo was signed.
    Raises:
        SignatureInvalid: The text names the first failure: an Id, an algorithm, a missing, double
            or foreign Reference, a digest, the signature value.
    Source: XML Signature, 3.2; ISO 15118-2 as `ccp.iso15118` describes its fragments.
    """
    form = None
    for verdict in check_signature(message, key, suites):
        if verdict.problems:
            raise SignatureInvalid(verdict.problems[0])
        form = verdict.form
    if form is None:  # the last verdict has a form or a problem
        raise SignatureInvalid
    return form


def check_signature(
    message: SignedMessage, key: object, suites: Sequence[Suite]
) -> Iterator[Verdict]:
    """
    Check each part of a signature, independently of the parts before.

    Args: See `verify_signature`.
    Returns: Verdicts: those found while collecting; the two algorithms; the References in their
        order, each after its DigestMethod if that has a problem or remark; one for each element
        without a Reference; last the SignatureValue.
    """
    yield from message.found
    problem = "Its CanonicalizationMethod is not canonical EXI."
    is_canonical = message.canonicalization_method == CANONICAL_EXI
    yield Verdict(
        "CanonicalizationMethod",
        () if is_canonical else [problem],
        algorithm=message.canonicalization_method,
    )
    named = _find_named(message.signature_method, suites)
    method = message.signature_method
    yield Verdict(
        "SignatureMethod",
        () if named else [f"Its SignatureMethod is not {_names(suites)}."],
        algorithm=method,
        remarks=_remarks(named[0].standard.signature_method, method) if named else (),
    )
    yield from _check_references(message, named, suites)
    yield _check_value(message, key, named[0] if named else None)


def _find_named(signature_method: str, suites: Sequence[Suite]) -> tuple[Suite, Naming] | None:
    """Find the suite that a SignatureMethod names, and the URIs that go with that name."""
    for suite in suites:
        for naming in suite.namings:
            if naming.signature_method == signature_method:
                return suite, naming
    return None


def _remarks(standard: str, found: str) -> Sequence[str]:
    """Report a URI that is accepted in place of the standard's."""
    return () if found == standard else [f"The standard's name of this algorithm is {standard}."]


def _check_references(
    message: SignedMessage, named: tuple[Suite, Naming] | None, suites: Sequence[Suite]
) -> Iterator[Verdict]:
    """
    Check that each element has one Reference, no Reference points elsewhere, all digests hold.

    The DigestMethod is checked separately: a digest can be right with a forbidden algorithm.
    """
    missing = dict(message.elements)
    for reference in message.references:
        uri = reference.uri
        element_id = (uri or "").removeprefix("#")
        if uri != f"#{element_id}" or element_id not in message.elements:
            problem = "A Reference points to what is not to be signed."
            yield Verdict("Reference", [problem], reference)
            continue
        name, fragments = message.elements[element_id]
        yield from _check_digest_method(reference.digest_method, name, named, suites)
        problems = []
        if missing.pop(element_id, None) is None:
            problems.append(f"{name} is referenced twice.")
        if list(reference.transforms) != [CANONICAL_EXI]:
            problems.append(f"The Transform of {name} is not canonical EXI.")
        form, problem = _find_form(reference, name, fragments)
        problems += [problem] if problem else []
        yield Verdict("Reference", problems, reference, name, form, fragments=fragments)
    for name, _ in missing.values():
        yield Verdict("Reference", [f"{name} is not signed."], None, name)


def _find_form(
    reference: SignedReference, name: str, fragments: Mapping[str, bytes]
) -> tuple[str | None, str]:
    """Find the form of an element that a digest is of, or say why there is none."""
    for form, fragment in fragments.items():
        found = algorithms.digest(reference.digest_method, fragment)
        if found is None:
            return None, f"The digest of {name} cannot be judged: its DigestMethod is unknown."
        if found == reference.digest_value:
            return form, ""
    return None, f"The digest of {name} is not that of its content."


def _check_digest_method(
    uri: str, name: str, named: tuple[Suite, Naming] | None, suites: Sequence[Suite]
) -> Iterator[Verdict]:
    """Check that a DigestMethod goes with the SignatureMethod, or with any that is allowed."""
    if named is None:
        allowed, names = {one.digest_method for suite in suites for one in suite.namings}, suites
        standard = uri
    else:
        suite, naming = named
        allowed, names = {naming.digest_method}, [suite]
        standard = suite.standard.digest_method
    problems = []
    if uri not in allowed:
        problems.append(f"The DigestMethod of {name} does not go with {_names(names)}.")
    remarks = () if problems else _remarks(standard, uri)
    if problems or remarks:
        yield Verdict("DigestMethod", problems, element=name, algorithm=uri, remarks=remarks)


def _names(suites: Sequence[Suite]) -> str:
    return " or ".join(suite.name for suite in suites)


def _check_value(message: SignedMessage, key: object, suite: Suite | None) -> Verdict:
    """
    Check that the holder of the key has signed SignedInfo in one of its forms.

    Args:
        suite: That SignatureMethod names; None if that is not one of those allowed. Then the
            signature is verified all the same, with a key on any curve.
    """
    method = message.signature_method
    if method not in algorithms.SIGNATURE_METHODS:
        problem = "The SignatureValue cannot be judged: its SignatureMethod is unknown."
        return Verdict("SignatureValue", [problem])
    if suite is not None and curve_of(key) != suite.curve:
        return Verdict("SignatureValue", [f"The signer's key is not on {suite.curve}."])
    for form, fragment in message.signed_info.items():
        try:
            algorithms.verify(method, key, message.signature_value, fragment)
        except InvalidSignature:
            continue
        except SignatureInvalid as error:
            return Verdict("SignatureValue", error.messages[1:])
        return Verdict("SignatureValue", form=form)
    return Verdict(
        "SignatureValue", ["The SignatureValue is not the signer's for this SignedInfo."]
    )
