"""XML-DSig over EXI fragments: every digest, the exact set of what is signed, the signature."""

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
    """The URIs that SignedInfo names the algorithms of a suite by: signature and digest."""

    signature_method: str
    digest_method: str


@dataclass(frozen=True, slots=True)
class Suite:
    """
    Algorithms that an edition of ISO 15118 signs with.

    Attributes:
        name: For error messages.
        curve: The curve of the signer's key.
        certificate_algorithm: The algorithm that certificates are signed with.
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
    What a SignedInfo says of one element.

    Attributes:
        uri: `#` and the element's Id.
        transforms: URIs of algorithms.
        digest_method: URI of the algorithm.
    """

    uri: str | None
    transforms: Sequence[str]
    digest_method: str
    digest_value: bytes


class Verdict(NamedTuple):
    """
    What is to be said of one piece of a signature.

    Attributes:
        piece: Its name in XML Signature; `Id` for the Ids of the message's elements.
        problems: A sentence for each thing that is wrong; none if it is as it should be.
        remarks: A sentence for each thing that is accepted, and is not as the standard says.
        reference: That it is.
        element: That a Reference is for, by name; None if it is for none that is to be signed.
        form: In which the element or SignedInfo was signed, of those that `SignedMessage` has; None
            if in none of them.
        algorithm: URI of the method that it is.
        fragments: Of that element, by form.
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
    All of a message that its signature is about.

    Attributes:
        canonicalization_method, signature_method: URIs of algorithms.
        signed_info: Its EXI fragments: first that which it is to be signed in, then those which
            some signers use in its place; each with the name that the log knows it by.
        signature_value: Raw: r and s one after the other.
        elements: What has to be signed, all of it and nothing else: by Id, the element's name and
            its EXI fragments by form, of which one has to have the digest.
        found: What was seen to be wrong when all this was gathered.
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
    Prove that a message's elements are what the holder of *key* has signed.

    Args:
        message: See there.
        key: The signer's public key, of any kind that pyca/cryptography knows.
        suites: What the message's edition allows to sign with.
    Returns: The name of the form in which SignedInfo was signed.
    Raises:
        SignatureInvalid: Naming the first thing that failed: an Id, an algorithm, a reference that
            is missing, twice or foreign, a digest, the signature itself.
    Source: XML Signature, 3.2; ISO 15118-2 as `ccp.iso15118` describes its fragments.
    """
    form = None
    for verdict in check_signature(message, key, suites):
        if verdict.problems:
            raise SignatureInvalid(verdict.problems[0])
        form = verdict.form
    if form is None:  # the last verdict names it, or tells a problem
        raise SignatureInvalid
    return form


def check_signature(
    message: SignedMessage, key: object, suites: Sequence[Suite]
) -> Iterator[Verdict]:
    """
    Judge a signature piece by piece, whatever is wrong with the pieces before.

    Args: As for `verify_signature`.
    Returns: What was found before; the two algorithms; the References in their order, each after
        its DigestMethod if there is something to say of that, and one for each element that has
        none; last the SignatureValue.
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
    yield from _judge_references(message, named, suites)
    yield _judge_value(message, key, named[0] if named else None)


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


def _judge_references(
    message: SignedMessage, named: tuple[Suite, Naming] | None, suites: Sequence[Suite]
) -> Iterator[Verdict]:
    """
    Check that each element has one Reference, no Reference points elsewhere, all digests hold.

    The DigestMethod is judged by itself: a digest may hold though its algorithm is not allowed.
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
        yield from _judge_digest_method(reference.digest_method, name, named, suites)
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


def _judge_digest_method(
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


def _judge_value(message: SignedMessage, key: object, suite: Suite | None) -> Verdict:
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
