"""A parser for the extensions of a certificate, and the checks on them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from ccp.config.addresses import is_web_url
from ccp.pki.der import (
    OCTET_STRING,
    SEQUENCE,
    content_of,
    encode,
    items_of,
    oid_text,
)
from ccp.pki.extension_values import (
    URI,
    read_access,
    read_basic_constraints,
    read_distribution_points,
    read_general_names,
    read_key_usages,
    read_name_constraints,
    read_natural_number,
    read_oids,
    read_optional_fields,
    read_policies,
    read_policy_constraints,
    read_policy_mappings,
)
from ccp.pki.structure import read_structure

BASIC_CONSTRAINTS = "2.5.29.19"
NAME_CONSTRAINTS = "2.5.29.30"
POLICY_CONSTRAINTS = "2.5.29.36"
_SUBJECT_KEY_IDENTIFIER, _AUTHORITY_KEY_IDENTIFIER = "2.5.29.14", "2.5.29.35"
_KEY_IDENTIFIER = 0x80
_KEY_USAGE = "2.5.29.15"
_EXTENDED_KEY_USAGE = "2.5.29.37"
_CRL_DISTRIBUTION_POINTS = "2.5.29.31"
_AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1"
_OCSP = "1.3.6.1.5.5.7.48.1"

_MOST_URLS = 4
_EMPTY = encode(SEQUENCE)  # the value of an extension that is left out


class _Known(NamedTuple):
    """
    An extension that the pool knows.

    Attributes:
        name: In RFC 5280.
        read: Parses a value; raises ValueError if it is malformed. None if OpenSSL alone reads it.
    """

    name: str
    read: Callable[[bytes], object] | None = None


# Each of these may be critical: OpenSSL or the pool enforces it, or it restricts nothing. The
# certificate profiles of ISO 15118-20 have critical ones that RFC 5280 wants to be non-critical,
# such as authorityInfoAccess.
_KNOWN: Mapping[str, _Known] = {
    BASIC_CONSTRAINTS: _Known("basicConstraints", read_basic_constraints),
    NAME_CONSTRAINTS: _Known("nameConstraints", read_name_constraints),
    _KEY_USAGE: _Known("keyUsage", read_key_usages),
    _EXTENDED_KEY_USAGE: _Known("extKeyUsage", read_oids),
    _CRL_DISTRIBUTION_POINTS: _Known("cRLDistributionPoints", read_distribution_points),
    _AUTHORITY_INFO_ACCESS: _Known("authorityInfoAccess", read_access),
    "1.3.6.1.5.5.7.1.11": _Known("subjectInfoAccess", read_access),
    _SUBJECT_KEY_IDENTIFIER: _Known(
        "subjectKeyIdentifier", lambda value: content_of(value, OCTET_STRING)
    ),
    _AUTHORITY_KEY_IDENTIFIER: _Known(
        "authorityKeyIdentifier", lambda value: read_optional_fields(value, 0x80, 0xA1, 0x82)
    ),
    "2.5.29.17": _Known("subjectAltName", read_general_names),
    "2.5.29.18": _Known("issuerAltName", read_general_names),
    "2.5.29.32": _Known("certificatePolicies", read_policies),
    "2.5.29.33": _Known("policyMappings", read_policy_mappings),
    POLICY_CONSTRAINTS: _Known("policyConstraints", read_policy_constraints),
    "2.5.29.54": _Known("inhibitAnyPolicy", read_natural_number),
    "1.3.6.1.5.5.7.48.1.5": _Known("id-pkix-ocsp-nocheck"),
    "1.3.6.1.5.5.7.1.7": _Known("id-pe-ipAddrBlocks"),
    "1.3.6.1.5.5.7.1.8": _Known("id-pe-autonomousSysIds"),
    "1.3.6.1.5.5.7.1.14": _Known("id-pe-proxyCertInfo"),
    "2.16.840.1.113730.1.1": _Known("netscape-cert-type"),
}


class ExtensionProblem(ValueError):
    """
    A certificate cannot be accepted because of an extension.

    Its text continues a sentence that begins with the certificate: "has an extension …".
    """


class Role(NamedTuple):
    """
    The role of a certificate.

    Attributes:
        is_ca: Whether basicConstraints say that it is a CA.
        may_sign: Whether keyUsage allows digital signatures, or is left out.
        may_sign_crls: Whether keyUsage allows to sign revocation lists, or is left out.
    """

    is_ca: bool
    may_sign: bool
    may_sign_crls: bool


class StatusUrls(NamedTuple):
    """
    The http and https URLs that tell the status of a certificate, in the order of its CA.

    Attributes:
        ocsp: URLs of OCSP responders.
        crl: URLs of complete revocation lists.
    """

    ocsp: tuple[str, ...]
    crl: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Extensions:
    """
    The extensions of one certificate; those that the pool knows are well-formed.

    Attributes:
        values: By object identifier, with dots.
        unknown_critical: Object identifiers of critical extensions that the pool does not know.
    """

    values: Mapping[str, bytes]
    unknown_critical: tuple[str, ...]

    @property
    def role(self) -> Role:
        """The role of the certificate; without keyUsage, its key may be used for everything."""
        usages = self.key_usages
        return Role(
            is_ca=self.basic_constraints[0],
            may_sign=usages is None or "digitalSignature" in usages,
            may_sign_crls=usages is None or "cRLSign" in usages,
        )

    @property
    def basic_constraints(self) -> tuple[bool, int | None]:
        """Whether the subject is a CA, and how many CAs may follow; None for any number."""
        return read_basic_constraints(self.values.get(BASIC_CONSTRAINTS, _EMPTY))

    @property
    def key_usages(self) -> list[str] | None:
        """The names that keyUsage has, in the order of RFC 5280; None without keyUsage."""
        value = self.values.get(_KEY_USAGE)
        return None if value is None else read_key_usages(value)

    @property
    def extended_key_usages(self) -> list[str]:
        """The object identifiers of extKeyUsage, with dots; empty without it."""
        return read_oids(self.values.get(_EXTENDED_KEY_USAGE, _EMPTY))

    @property
    def key_identifier(self) -> bytes | None:
        """The value of subjectKeyIdentifier."""
        value = self.values.get(_SUBJECT_KEY_IDENTIFIER)
        return None if value is None else content_of(value, OCTET_STRING)

    @property
    def issuer_key_identifier(self) -> bytes | None:
        """The keyIdentifier of authorityKeyIdentifier."""
        fields = items_of(self.values.get(_AUTHORITY_KEY_IDENTIFIER, _EMPTY))
        return next((one.content for one in fields if one.tag == _KEY_IDENTIFIER), None)

    @property
    def ocsp_uris(self) -> list[bytes]:
        """The URIs of OCSP responders, as they stand there."""
        access = read_access(self.values.get(_AUTHORITY_INFO_ACCESS, _EMPTY))
        return [place.content for method, place in access if (method, place.tag) == (_OCSP, URI)]

    def crl_uris(self, *, complete_lists_only: bool) -> list[bytes]:
        """
        Return the URIs of revocation lists, as they stand there.

        Args:
            complete_lists_only: Leave out lists of some reasons alone, or of another issuer.
        """
        points = read_distribution_points(self.values.get(_CRL_DISTRIBUTION_POINTS, _EMPTY))
        return [
            name.content
            for names, is_complete in points
            if is_complete or not complete_lists_only
            for name in names
            if name.tag == URI
        ]


@lru_cache(maxsize=1024)  # the same CAs come with every message
def read_extensions(der: bytes) -> Extensions:
    """
    Parse the extensions of a certificate, and the values of those that the pool knows.

    Args:
        der: X.509.
    Raises:
        ExtensionProblem: An extension is malformed, or is there twice.
        DerError: The certificate itself cannot be taken apart.
    Source: RFC 5280, 4.2.
    """
    values: dict[str, bytes] = {}
    unknown_critical = []
    seen = set()
    for one in read_structure(der).extensions or ():
        oid = oid_text(one.oid)
        if one.oid in seen:
            raise ExtensionProblem(f"has an extension twice: {extension_name(oid)}")
        seen.add(one.oid)
        known = _KNOWN.get(oid)
        if known is None and one.is_critical:
            unknown_critical.append(oid)
        if known is not None and known.read is not None:
            try:
                known.read(one.value)
            except ValueError:  # a DerError, or the wrong number of elements
                raise ExtensionProblem(
                    f"has an extension that cannot be read: {known.name}"
                ) from None
        values[oid] = one.value
    return Extensions(values, tuple(unknown_critical))


def require_known_extensions(der: bytes) -> Extensions:
    """
    Return the extensions of a certificate that may be part of a chain with them.

    Raises:
        ExtensionProblem: See `read_extensions`; or a critical extension is not known.
        DerError: The certificate itself cannot be taken apart.
    Source: RFC 5280, 4.2: an unknown critical extension makes a certificate unusable.
    """
    extensions = read_extensions(der)
    if extensions.unknown_critical:
        names = ", ".join(extensions.unknown_critical)
        raise ExtensionProblem(f"has a critical extension that this pool does not know: {names}")
    return extensions


def extension_name(oid: str) -> str:
    """Return the name of an extension, such as keyUsage; its object identifier if it is unknown."""
    known = _KNOWN.get(oid)
    return known.name if known else oid


def read_role(der: bytes) -> Role:
    """
    Return the role of a certificate.

    Args:
        der: X.509.
    Raises:
        ValueError: Its extensions cannot be read.
    Source: RFC 5280, 4.2.1.3 and 4.2.1.9.
    """
    return read_extensions(der).role


def read_status_urls(der: bytes) -> StatusUrls:
    """
    Return the OCSP responders and CRL distribution points of a certificate, a few of each.

    Args:
        der: X.509.
    Raises:
        ValueError: Its extensions cannot be read.
    Source: RFC 5280, 4.2.1.13 and 4.2.2.1.
    """
    extensions = read_extensions(der)
    return StatusUrls(
        ocsp=_web_urls(extensions.ocsp_uris),
        crl=_web_urls(extensions.crl_uris(complete_lists_only=True)),
    )


def _web_urls(uris: Iterable[bytes]) -> tuple[str, ...]:
    """Select the URLs that the pool asks, each once."""
    urls = (uri.decode("latin-1") for uri in uris)
    return tuple(dict.fromkeys(url for url in urls if is_web_url(url)))[:_MOST_URLS]
