"""An inspection in words, for a terminal: whatever is in a message, it cannot do anything there."""

from collections.abc import Iterator, Sequence

from ccp.domain.printable import printable
from ccp.inspection.certificates import CertificateFacts, UnreadableCertificate
from ccp.inspection.chains import ChainFacts
from ccp.inspection.message import Inspection, UnreadableMessage
from ccp.inspection.signature import Piece, SignatureFacts
from ccp.iso15118 import Node

_MOST_CHARACTERS = 280  # all but certificates, which are told in words, have less


def render_text(inspection: Inspection | UnreadableMessage) -> Iterator[str]:
    """Give the lines that tell of a message; each can be printed as it is."""
    lines = (
        _unreadable(inspection)
        if isinstance(inspection, UnreadableMessage)
        else _readable(inspection)
    )
    return map(printable, lines)


def _unreadable(message: UnreadableMessage) -> Iterator[str]:
    yield f"✗ Not read, of {message.size} bytes: {message.reason}"
    if message.bit is not None:
        byte, bit = divmod(message.bit, 8)
        yield f"  at        bit {message.bit}: byte {byte}, bit {bit} of it, all counted from 0"
    if message.path:
        yield f"  in        {message.path}"
    if message.expected:
        yield f"  expected  {' or '.join(message.expected)}"


def _readable(inspection: Inspection) -> Iterator[str]:
    yield f"{inspection.message} of {inspection.edition}, {inspection.size} bytes"
    if inspection.zero_bytes_behind:
        yield f"  with {inspection.zero_bytes_behind} zero bytes behind its end"
    facts = {
        "SessionID": inspection.session_id,
        "ResponseCode": inspection.response_code,
        "EMAID": inspection.emaid,
        "PCID": inspection.pcid,
        "validity": _validity(inspection.chains[-1].certificates[0]),
    }
    for name, fact in facts.items():
        if fact is not None:
            yield f"  {name:12}  {fact}"
    yield from _problems(inspection.problems)
    yield ""
    yield from _signature(inspection.signature)
    for chain in inspection.chains:
        yield ""
        yield from _chain(chain)
    yield ""
    yield "The message"
    yield from _tree(inspection.tree, 1)


def _signature(signature: SignatureFacts) -> Iterator[str]:
    said = "holds" if signature.holds else "does not hold"
    yield f"{_mark(signature.holds)} The signature by the {signature.signer} {said}"
    for piece in signature.pieces:
        yield f"  {_mark(piece.holds)} {_piece(piece)}"
        yield from _problems((*piece.problems, *piece.remarks))
        if piece.digests and piece.form is None:
            yield f"    DigestValue   {piece.digest_value}"
            for form, digest in piece.digests.items():
                yield f"    {f'{form} form':12}  {digest}"


def _piece(piece: Piece) -> str:
    words = [piece.name]
    if piece.uri is not None:
        words.append(piece.uri)
    if piece.element is not None:
        words.append(f"to {piece.element}" if piece.name == "Reference" else f"of {piece.element}")
    if piece.form is not None:
        words.append(f"({piece.form} form)")
    return " ".join(words)


def _chain(chain: ChainFacts) -> Iterator[str]:
    if isinstance(chain.root, CertificateFacts):
        said = f"ends in {chain.root.subject}" + ("" if chain.holds else ", and does not hold")
    elif chain.judged:
        said = "does not hold"
    elif chain.is_readable:
        said = "was not judged: there are no anchors for it"
    else:
        said = "was not judged: not all of it can be read"
    mark = f"{_mark(chain.holds)} " if chain.judged or not chain.holds else ""
    yield f"{mark}The chain of the {chain.name} {said}"
    if chain.root is not None:
        yield f"  root          SHA-256 {chain.root.fingerprint}"
    yield from _problems(chain.problems)
    for certificate in (*chain.certificates, *chain.supplied):
        yield f"  {certificate.name}"
        if isinstance(certificate, UnreadableCertificate):
            yield f"    problem       {certificate.problem}"
            yield f"    fingerprint   {certificate.fingerprint}"
        else:
            for name, fact in _certificate(certificate).items():
                yield f"    {name:12}  {fact}"
            for irregularity in certificate.irregularities:
                yield f"    {'irregular':12}  {irregularity}"


def _certificate(certificate: CertificateFacts) -> dict[str, str]:
    facts = {
        "subject": certificate.subject,
        "issuer": f"{certificate.issuer} ({_issuance(certificate)})",
        "serial": certificate.serial_number,
        "validity": _validity(certificate) or "",
        "key": certificate.key,
        "signed with": certificate.signature_algorithm,
        "fingerprint": certificate.fingerprint,
    }
    extensions = certificate.extensions
    if extensions is None:
        return facts | {"extensions": "cannot be read"}
    path = "" if extensions.path_length is None else f", path length {extensions.path_length}"
    facts["CA"] = f"yes{path}" if extensions.is_ca else "no"
    if extensions.key_usage is not None:
        facts["key usage"] = ", ".join(extensions.key_usage)
    if extensions.ocsp_urls:
        facts["OCSP"] = " ".join(extensions.ocsp_urls)
    if extensions.crl_urls:
        facts["CRL"] = " ".join(extensions.crl_urls)
    return facts


def _issuance(certificate: CertificateFacts) -> str:
    if not certificate.issuer_is_here:
        return "not in the message"
    return "has signed it" if certificate.is_signed_by_it else "has not signed it"


def _validity(certificate: CertificateFacts | UnreadableCertificate) -> str | None:
    if isinstance(certificate, UnreadableCertificate):
        return None
    begin, end = certificate.not_before, certificate.not_after
    return f"{begin:%FT%TZ} to {end:%FT%TZ}, {certificate.validity}"


def _tree(node: Node, depth: int) -> Iterator[str]:
    attributes = "".join(f' {name}="{value}"' for name, value in node.attributes.items())
    value = node.value
    if value is not None and len(value) > _MOST_CHARACTERS:
        value = f"{value[:64]}… ({len(value)} characters)"
    said = "" if value is None else f": {value}"
    yield f"{'  ' * depth}{node.name}{attributes}{said}"
    for child in node.children:
        yield from _tree(child, depth + 1)


def _problems(problems: Sequence[str]) -> Iterator[str]:
    for problem in problems:
        yield f"    {problem}"


def _mark(holds: bool) -> str:
    return "✓" if holds else "✗"
