"""XML-DSig over EXI fragments: every digest, the exact set of what is signed, the signature."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509 import ObjectIdentifier
from cryptography.x509.oid import SignatureAlgorithmOID

from ccp.errors import SignatureInvalid

CANONICAL_EXI = "http://www.w3.org/TR/canonical-exi/"


@dataclass(frozen=True, slots=True)
class Suite:
    """
    The algorithms that one edition of ISO 15118 signs with.

    Attributes:
        name: As people say it.
        curve: Of the keys, as people say it.
        signature_method, digest_method: The URIs that a SignedInfo names them by.
        certificate_algorithm: What a certificate is signed with.
        digest: Of a fragment.
        verify: Key, raw signature, signed bytes; raises InvalidSignature if the signature is not
            the key's, SignatureInvalid if it never could be.
    """

    name: str
    curve: str
    signature_method: str
    digest_method: str
    certificate_algorithm: ObjectIdentifier
    digest: Callable[[bytes], bytes]
    verify: Callable[[Any, bytes, bytes], None]


def _ecdsa(curve: ec.EllipticCurve, algorithm: hashes.HashAlgorithm) -> Callable[..., None]:
    size = (curve.key_size + 7) // 8  # of r, and of s

    def verify(key: Any, signature: bytes, signed: bytes) -> None:
        if not (isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == curve.name):
            raise SignatureInvalid(f"The signer's key is not on {curve.name}.")
        if len(signature) != 2 * size:
            raise SignatureInvalid(
                f"The SignatureValue has {len(signature)} bytes, not {2 * size}."
            )
        r, s = (int.from_bytes(half, "big") for half in (signature[:size], signature[size:]))
        key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(algorithm))

    return verify


def _ed448(key: Any, signature: bytes, signed: bytes) -> None:
    if not isinstance(key, ed448.Ed448PublicKey):
        raise SignatureInvalid("The signer's key is not on Ed448.")
    key.verify(signature, signed)


_SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"

ISO_15118_2_SUITES = (
    Suite(
        "ecdsa-sha256 on P-256",
        "secp256r1",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        "http://www.w3.org/2001/04/xmlenc#sha256",
        SignatureAlgorithmOID.ECDSA_WITH_SHA256,
        lambda data: hashlib.sha256(data).digest(),
        _ecdsa(ec.SECP256R1(), hashes.SHA256()),
    ),
)
ISO_15118_20_SUITES = (
    Suite(
        "ecdsa-sha512 on P-521",
        "secp521r1",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
        _SHA512,
        SignatureAlgorithmOID.ECDSA_WITH_SHA512,
        lambda data: hashlib.sha512(data).digest(),
        _ecdsa(ec.SECP521R1(), hashes.SHA512()),
    ),
    Suite(
        "Ed448",
        "Ed448",
        "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed448",  # RFC 9231, 2.3.12
        _SHA512,
        SignatureAlgorithmOID.ED448,
        lambda data: hashlib.sha512(data).digest(),
        _ed448,
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
    for verdict in judge_signature(message, key, suites):
        if verdict.problems:
            raise SignatureInvalid(verdict.problems[0])
        form = verdict.form
    if form is None:  # the last verdict names it, or tells a problem
        raise SignatureInvalid
    return form


def judge_signature(
    message: SignedMessage, key: object, suites: Sequence[Suite]
) -> Iterator[Verdict]:
    """
    Judge a signature piece by piece, whatever is wrong with the pieces before.

    Args: As for `verify_signature`.
    Returns: What was found before; the two algorithms; the References in their order, and one for
        each element that has none; last the SignatureValue.
    """
    yield from message.found
    problem = "Its CanonicalizationMethod is not canonical EXI."
    is_canonical = message.canonicalization_method == CANONICAL_EXI
    yield Verdict(
        "CanonicalizationMethod",
        () if is_canonical else [problem],
        algorithm=message.canonicalization_method,
    )
    named = [suite for suite in suites if suite.signature_method == message.signature_method]
    problem = "Its SignatureMethod is not {}."
    yield Verdict(
        "SignatureMethod",
        () if named else [problem.format(_names(suites))],
        algorithm=message.signature_method,
    )
    yield from _judge_references(message, named or suites)
    yield _judge_value(message, key, named)


def _judge_references(message: SignedMessage, suites: Sequence[Suite]) -> Iterator[Verdict]:
    """Each element has exactly one reference, no reference points elsewhere, all digests hold."""
    suite = suites[0]  # those of an edition have the same digest
    missing = dict(message.elements)
    for reference in message.references:
        uri = reference.uri
        element_id = (uri or "").removeprefix("#")
        if uri != f"#{element_id}" or element_id not in message.elements:
            problem = "A Reference points to what is not to be signed."
            yield Verdict("Reference", [problem], reference)
            continue
        name, fragments = message.elements[element_id]
        problems = []
        if missing.pop(element_id, None) is None:
            problems.append(f"{name} is referenced twice.")
        if list(reference.transforms) != [CANONICAL_EXI]:
            problems.append(f"The Transform of {name} is not canonical EXI.")
        if reference.digest_method != suite.digest_method:
            problems.append(f"The DigestMethod of {name} does not go with {_names(suites)}.")
        form = None
        for candidate, fragment in fragments.items():
            if reference.digest_value == suite.digest(fragment):
                form = candidate
                break
        else:
            problems.append(f"The digest of {name} is not that of its content.")
        yield Verdict("Reference", problems, reference, name, form, fragments=fragments)
    for name, _ in missing.values():
        yield Verdict("Reference", [f"{name} is not signed."], None, name)


def _names(suites: Sequence[Suite]) -> str:
    return " or ".join(suite.name for suite in suites)


def _judge_value(message: SignedMessage, key: object, suites: Sequence[Suite]) -> Verdict:
    """The key's holder has signed SignedInfo in one of its forms; *suites* is empty or has one."""
    if not suites:
        problem = "The SignatureValue cannot be judged without a SignatureMethod."
        return Verdict("SignatureValue", [problem])
    (suite,) = suites
    for form, fragment in message.signed_info.items():
        try:
            suite.verify(key, message.signature_value, fragment)
        except InvalidSignature:
            continue
        except SignatureInvalid as error:
            return Verdict("SignatureValue", error.messages[1:])
        return Verdict("SignatureValue", form=form)
    return Verdict(
        "SignatureValue", ["The SignatureValue is not the signer's for this SignedInfo."]
    )
