"""The signature of a message: whether it holds, and what is to be said of each piece of it."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ccp.domain.errors import CertificateUnreadable
from ccp.iso15118 import Message
from ccp.messages import check_message
from ccp.pki.algorithms import digest
from ccp.pki.certificates import read_certificate
from ccp.pki.signatures import Suite, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """
    One piece of a signature.

    Attributes:
        name: As XML Signature has it: CanonicalizationMethod, SignatureMethod, Reference,
            SignatureValue; `DigestMethod`, `Id`, `SignedInfo` or `Signature` where there is
            something to say of these.
        holds: Whether there are no problems.
        problems: A sentence for each thing that is wrong.
        remarks: A sentence for each thing that is accepted, and is not as the standard says.
        uri: Of a Reference.
        element: That a Reference is for, by name; None if it is for none that is to be signed.
        form: That was signed; of an element: "schema", its fragment under the schemas of its
            edition, or "message" (of eMAID), with the type that it has in the message; of a
            SignatureValue: "standalone", SignedInfo under the schema of XML Signature alone, or
            "message", under that of the message. None if none was.
        algorithm: URI that the message names: of a method, or of the DigestMethod of a Reference.
        digest_value: Of a Reference: what it says, base64.
        digests: Of a Reference to what is to be signed: what the content gives with that algorithm,
            base64, by form; empty if the algorithm is unknown.
    """

    name: str
    holds: bool
    problems: Sequence[str]
    remarks: Sequence[str]
    uri: str | None
    element: str | None
    form: str | None
    algorithm: str | None
    digest_value: str | None
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFacts:
    """
    A signature.

    Attributes:
        holds: Whether all that ISO 15118 wants signed is signed by the signer.
        signer: What the signer's certificate is called.
        pieces: In the order in which they are verified.
    """

    holds: bool
    signer: str
    pieces: Sequence[Piece]


def describe_signature(
    exi: bytes, message: Message, der: bytes, name: str, suites: Sequence[Suite]
) -> SignatureFacts:
    """
    Judge the signature of a message.

    Args:
        exi: What *message* was decoded from.
        der: What should be the signer's certificate: X.509, DER.
        name: What to call it.
        suites: What the message's edition allows to sign with.
    """
    try:
        key = read_certificate(der, name).public_key
    except CertificateUnreadable:
        key = None
    pieces = [_piece(verdict) for verdict in check_message(exi, message, key, suites)]
    return SignatureFacts(holds=all(one.holds for one in pieces), signer=name, pieces=pieces)


def _piece(verdict: Verdict) -> Piece:
    """Convert a verdict."""
    reference = verdict.reference
    digests = {}
    if reference:
        for form, fragment in verdict.fragments.items():
            found = digest(reference.digest_method, fragment)
            if found is not None:
                digests[form] = _base64(found)
    return Piece(
        name=verdict.piece,
        holds=not verdict.problems,
        problems=list(verdict.problems),
        remarks=list(verdict.remarks),
        uri=reference.uri if reference else None,
        element=verdict.element,
        form=verdict.form,
        algorithm=reference.digest_method if reference else verdict.algorithm,
        digest_value=_base64(reference.digest_value) if reference else None,
        digests=digests,
    )


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
