"""Contract, CPS and provisioning chains up to a trusted root, judged by OpenSSL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice

from OpenSSL import crypto

from ccp.domain.errors import (
    CertificateChainBroken,
    CertificateChainExpired,
)
from ccp.pki.anchors import Anchors, Root, load_x509
from ccp.pki.certificates import Certificate, read_certificate
from ccp.pki.extensions import (
    NAME_CONSTRAINTS,
    POLICY_CONSTRAINTS,
    ExtensionProblem,
    Extensions,
    read_extensions,
    require_known_extensions,
)
from ccp.pki.openssl_errors import chain_failure
from ccp.pki.paths import find_paths
from ccp.pki.policies import has_required_policy
from ccp.pki.signatures import Suite

_MOST_PATHS = 16  # tried where the first one does not hold

# The whole path decides whether a certificate with one of these is valid, not its issuer alone
# (RFC 5280, 4.2.1.10 and 4.2.1.11; RFC 3779, 2.3 and 3.3).
_IP_ADDRESS_BLOCKS, _AS_IDENTIFIERS = "1.3.6.1.5.5.7.1.7", "1.3.6.1.5.5.7.1.8"
_DEPEND_ON_PATH = {NAME_CONSTRAINTS, POLICY_CONSTRAINTS, _IP_ADDRESS_BLOCKS, _AS_IDENTIFIERS}


@dataclass(frozen=True, slots=True)
class Issuer:
    """
    A CA that a chain up to a trusted root has been proved for.

    Attributes:
        certificate: Its own.
        root: That the chain ends in.
        path: Its own certificate and those above, up to the root.
        valid_from, valid_until: When all of these are valid, aware UTC, both included.
    """

    certificate: crypto.X509
    root: Root
    path: tuple[Certificate, ...]
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class VerifiedChain:
    """
    A chain that holds.

    Attributes:
        root: That it ends in.
        above: The certificates above the leaf, from its issuer's to the root.
        valid_from, valid_until: When all of its certificates are valid, aware UTC, both included.
        issuer: Of the leaf, if what holds above it holds for each leaf; None if not.
    """

    root: Root
    above: tuple[Certificate, ...]
    valid_from: datetime
    valid_until: datetime
    issuer: Issuer | None


def verify_chain(
    certificates: Sequence[Certificate],
    anchors: Anchors,
    *,
    name: str,
    at: datetime,
    suites: Sequence[Suite],
) -> VerifiedChain:
    """
    Prove that a chain ends in a trusted root.

    Args:
        certificates: The leaf first, then its sub-CAs in any order; no root.
        anchors: The roots to end in, and sub-CAs that messages do not bring.
        name: The leaf's name in an error, such as "CPS certificate".
        at: Instant at which every certificate has to be valid, aware UTC.
        suites: The suites that the message's edition allows. All keys have to be on one of their
            curves, and all certificates except the root signed with one of them.
    Raises:
        CertificateChainBroken: The chain does not end in a root of *anchors*, or a signature, basic
            constraint, path length, key usage, name constraint, policy or curve does not fit; the
            message says which.
        CertificateChainExpired, CertificateChainNotYetValid: *at* lies outside the validity of one
            of its certificates.
    Source: RFC 5280, 6.1; ISO 15118-2 checks by the shell model (all valid at one instant).
    """
    leaf, *sub_cas = certificates
    _require_signing_leaf(leaf, name)
    valid = anchors.valid_at(at)
    try:
        return _verify_path(leaf, sub_cas, valid, name=name, at=at, suites=suites)
    except (CertificateChainBroken, CertificateChainExpired) as error:
        failures = [error]
    # OpenSSL follows the first CA of a name alone; another one may have issued the certificate.
    # A path to an anchor that has expired cannot hold, but gives a better reason than no path.
    paths = find_paths(leaf, sub_cas, (*valid, *anchors.not_valid_at(at)))
    for _, *between, root in islice(paths, _MOST_PATHS):
        try:
            _require_ca_extensions((*between, root), name)
            return _verify_path(leaf, between, (load_x509(root),), name=name, at=at, suites=suites)
        except (CertificateChainBroken, CertificateChainExpired) as error:
            failures.append(error)
    # If there is a path by names and signatures, its fault says more than that of OpenSSL's path.
    raise failures[min(1, len(failures) - 1)]


def _verify_path(
    leaf: Certificate,
    sub_cas: Sequence[Certificate],
    trusted: tuple[crypto.X509, ...],
    *,
    name: str,
    at: datetime,
    suites: Sequence[Suite],
) -> VerifiedChain:
    """Verify the one path that OpenSSL finds through these certificates."""
    chain = _judge(leaf, sub_cas, trusted, name=name, at=at)
    ders = [crypto.dump_certificate(crypto.FILETYPE_ASN1, one) for one in chain[1:]]
    read = [leaf, *(read_certificate(der, f"chain of the {name}", cache=True) for der in ders)]
    _require_ca_extensions(read[1:], name)
    _require_policy([read_extensions(one.der) for one in read[:-1]], name)
    _require_suites(read[:-1], suites, name)
    _require_curve(read[-1], suites, name)  # a root is trusted for itself, not for its signature
    root = Root.of(read[-1].der)
    above = tuple(read[1:])
    issuer = None
    if above and not any(_depends_on_path(ca) for ca in above):
        issuer = Issuer(chain[1], root, above, *_validity(above))
    return VerifiedChain(root, above, *_validity(read), issuer)


def verify_leaf(
    leaf: Certificate, issuer: Issuer, *, name: str, at: datetime, suites: Sequence[Suite]
) -> VerifiedChain:
    """
    Prove that a CA, of which all else has been proved, has issued a leaf.

    Args:
        leaf, name, at, suites: As for `verify_chain`.
        issuer: Valid at *at*, and proved with the same *suites*.
    Raises: As `verify_chain`; also if the leaf has an extension that the whole path decides on.
    """
    _require_signing_leaf(leaf, name)
    if _depends_on_path(leaf):
        raise CertificateChainBroken(f"The {name} needs its whole chain to be verified.")
    partial = crypto.X509StoreFlags.PARTIAL_CHAIN
    _judge(leaf, [], (issuer.certificate,), name=name, at=at, flags=partial)
    _require_suites([leaf], suites, name)
    return VerifiedChain(
        issuer.root,
        issuer.path,
        max(leaf.not_before, issuer.valid_from),
        min(leaf.not_after, issuer.valid_until),
        issuer,
    )


def _judge(
    leaf: Certificate,
    sub_cas: Sequence[Certificate],
    trusted: tuple[crypto.X509, ...],
    *,
    name: str,
    at: datetime,
    flags: int = 0,
) -> list[crypto.X509]:
    """Find the chain from the leaf to a trusted certificate with OpenSSL."""
    store = _store(trusted, at.replace(microsecond=0), flags)
    try:
        context = crypto.X509StoreContext(
            store, load_x509(leaf), [load_x509(one) for one in sub_cas]
        )
        return context.get_verified_chain()
    except crypto.X509StoreContextError as error:
        raise chain_failure(error, name) from None
    except crypto.Error:
        raise CertificateChainBroken(f"The chain of the {name} cannot be read.") from None


@lru_cache(maxsize=64)  # OpenSSL counts seconds, and in one of them many leaves come
def _store(trusted: tuple[crypto.X509, ...], at: datetime, flags: int) -> crypto.X509Store:
    """Build an OpenSSL certificate store; its time can be set only once."""
    store = crypto.X509Store()
    for certificate in trusted:
        store.add_cert(certificate)
    store.set_time(at)
    # OpenSSL knows fewer extensions than ISO 15118-20 has; see `_require_extensions`.
    store.set_flags(flags | crypto.X509StoreFlags.IGNORE_CRITICAL)
    return store


def _validity(chain: Sequence[Certificate]) -> tuple[datetime, datetime]:
    return max(one.not_before for one in chain), min(one.not_after for one in chain)


def _depends_on_path(certificate: Certificate) -> bool:
    """Check whether a certificate has an extension that concerns more than one step of a path."""
    return not _DEPEND_ON_PATH.isdisjoint(read_extensions(certificate.der).values)


def _require_policy(path: Sequence[Extensions], name: str) -> None:
    """Check certificate policies, which OpenSSL ignores unless it gets a list of accepted ones."""
    if not has_required_policy(path):
        raise CertificateChainBroken(
            f"The chain of the {name} has no common certificate policy, which one of its"
            " certificates requires."
        )


def _require_suites(chain: Sequence[Certificate], suites: Sequence[Suite], name: str) -> None:
    """Keys and signatures are of the edition's algorithms."""
    for certificate in chain:
        _require_curve(certificate, suites, name)
    algorithms = [suite.certificate_algorithm for suite in suites]
    for certificate in chain:
        if certificate.signature_algorithm not in algorithms:
            allowed = " or ".join(suite.name for suite in suites)
            raise CertificateChainBroken(
                f"The chain of the {name} has a signature that is not {allowed}."
            )


def _require_curve(certificate: Certificate, suites: Sequence[Suite], name: str) -> None:
    if certificate.curve not in [suite.curve for suite in suites]:
        allowed = " or ".join(suite.curve for suite in suites)
        raise CertificateChainBroken(f"The chain of the {name} has a key that is not on {allowed}.")


def _require_signing_leaf(leaf: Certificate, name: str) -> None:
    """A leaf signs messages: it is no CA, and if its key usage is limited, then not to others."""
    role = _require_extensions(leaf, f"The {name}").role
    if role.is_ca:
        raise CertificateChainBroken(f"The {name} is a CA certificate.")
    if not role.may_sign:
        raise CertificateChainBroken(f"The {name} may not make digital signatures.")


def _require_ca_extensions(cas: Sequence[Certificate], name: str) -> None:
    for ca in cas:
        _require_extensions(ca, f"A CA certificate of the {name}")


def _require_extensions(certificate: Certificate, subject: str) -> Extensions:
    """Raise unless all extensions can be read, and the critical ones are known."""
    try:
        return require_known_extensions(certificate.der)
    except ExtensionProblem as problem:
        raise CertificateChainBroken(f"{subject} {problem}.") from None
    except ValueError:
        raise CertificateChainBroken(f"{subject} has extensions that cannot be read.") from None
