"""Check by name and signature that one certificate has issued another."""

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa

from ccp.pki.certificates import Certificate
from ccp.pki.extensions import read_extensions
from ccp.pki.name_matching import same_name
from ccp.pki.structure import read_structure, same_algorithm


def is_issuer(issuer: Certificate, certificate: Certificate) -> bool:
    """
    Check whether one certificate has issued another: by name and signature.

    Source: RFC 5280, 6.1.3 (a) (1) and (4); names as in 7.1.
    """
    try:
        structure = read_structure(certificate.der)
        if not same_name(issuer.subject, certificate.issuer) and (
            # Values that are not text can be read in several ways; equal bytes are equal names.
            structure.issuer.encoded != read_structure(issuer.der).subject.encoded
        ):
            return False
        if not same_algorithm(structure):
            return False
        signature, signed = structure.signature, structure.tbs
        if signature[:1] != b"\0":
            return False
        _verify(issuer.public_key, certificate, signature[1:], signed)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def ends_chain(certificate: Certificate) -> bool:
    """
    Check whether OpenSSL takes a trusted certificate for a root: by its names and key identifiers.

    OpenSSL does not verify the signature. So a root's new key that is signed with the old one ends
    a chain too, unless its authority key identifier names the old key.

    Raises:
        ValueError: Its extensions cannot be read.
    """
    if not same_name(certificate.subject, certificate.issuer):
        return False
    extensions = read_extensions(certificate.der)
    own, issuers = extensions.key_identifier, extensions.issuer_key_identifier
    return own is None or issuers is None or own == issuers


def _verify(key: object, certificate: Certificate, signature: bytes, signed: bytes) -> None:
    """Raise InvalidSignature or another error unless a key has signed a certificate."""
    parameters = certificate.parsed.signature_algorithm_parameters
    algorithm = certificate.parsed.signature_hash_algorithm
    match key, parameters:
        case ec.EllipticCurvePublicKey() as ec_key, ec.ECDSA() as ecdsa:
            ec_key.verify(signature, signed, ecdsa)
        case ed448.Ed448PublicKey() | ed25519.Ed25519PublicKey() as ed_key, None:
            ed_key.verify(signature, signed)
        case rsa.RSAPublicKey() as rsa_key, padding.PKCS1v15() | padding.PSS() as how if algorithm:
            rsa_key.verify(signature, signed, how, algorithm)
        case _:
            raise InvalidSignature
