"""What the extensions of a certificate say, also where their encoding breaks DER."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from asn1crypto import parser
from asn1crypto import x509 as asn1

from ccp.addresses import is_web_url

_BASIC_CONSTRAINTS = bytes.fromhex("551d13")  # 2.5.29.19
_KEY_USAGE = bytes.fromhex("551d0f")  # 2.5.29.15
_CRL_DISTRIBUTION_POINTS = bytes.fromhex("551d1f")  # 2.5.29.31
_AUTHORITY_INFORMATION_ACCESS = bytes.fromhex("2b06010505070101")  # 1.3.6.1.5.5.7.1.1
_MOST_URLS = 4
_BOOLEAN, _BIT_STRING, _OCTET_STRING, _SEQUENCE = 1, 3, 4, 16
_UNIVERSAL, _CONTEXT = 0, 2
_EXTENSIONS = 3  # [3] of a TBSCertificate
_DIGITAL_SIGNATURE, _CRL_SIGN = 0x80, 0x02


class Role(NamedTuple):
    """
    What a certificate is for.

    Attributes:
        is_ca: Whether it says that it is a CA.
        may_sign: Whether its key may make digital signatures: it says so, or says nothing.
        may_sign_crls: The same of revocation lists.
    """

    is_ca: bool
    may_sign: bool
    may_sign_crls: bool


def read_role(der: bytes) -> Role:
    """
    Read basicConstraints and keyUsage, and nothing else.

    pyca/cryptography refuses genuine leaves, whose booleans are not DER; asn1crypto reads them, but
    all extensions of a certificate take it longer than OpenSSL takes to verify the signature.

    Args:
        der: X.509, which others have read already.
    Raises:
        ValueError: Its extensions cannot be read, or one of the two is there twice.
    Source: RFC 5280, 4.1 and 4.2.
    """
    is_ca, usage = None, None
    for oid, value in _extensions(der):
        if oid == _BASIC_CONSTRAINTS:
            if is_ca is not None:
                raise ValueError("basicConstraints are there twice")
            is_ca = _is_ca(value)
        elif oid == _KEY_USAGE:
            if usage is not None:
                raise ValueError("keyUsage is there twice")
            usage = _content(value, _BIT_STRING)
    bits = 0xFF if usage is None else int.from_bytes(usage[1:2])
    return Role(bool(is_ca), bool(bits & _DIGITAL_SIGNATURE), bool(bits & _CRL_SIGN))


class StatusUrls(NamedTuple):
    """
    Where the status of a certificate can be asked, http and https alone, in the CA's order.

    Attributes:
        ocsp: Of its OCSP responders.
        crl: Of the lists of all that its CA has revoked.
    """

    ocsp: tuple[str, ...]
    crl: tuple[str, ...]


@lru_cache(maxsize=1024)  # those of CAs come with every message
def read_status_urls(der: bytes) -> StatusUrls:
    """
    Read the OCSP responders and CRL distribution points of a certificate, a few of each.

    Lists of some reasons alone, or of another issuer, are left out: they do not tell enough.

    Args:
        der: X.509, which others have read already.
    Raises:
        ValueError: Its extensions cannot be read.
    Source: RFC 5280, 4.2.1.13 and 4.2.2.1.
    """
    ocsp: list[str] = []
    crl: list[str] = []
    try:
        for oid, value in _extensions(der):
            if oid == _AUTHORITY_INFORMATION_ACCESS:
                for access in asn1.AuthorityInfoAccessSyntax.load(value):
                    if access["access_method"].native == "ocsp":
                        ocsp += _web_urls(access["access_location"])
            elif oid == _CRL_DISTRIBUTION_POINTS:
                for point in asn1.CRLDistributionPoints.load(value):
                    name = point["distribution_point"]
                    whole = not (point["reasons"].native or point["crl_issuer"].native)
                    if whole and name.native is not None and name.name == "full_name":
                        crl += [url for one in name.chosen for url in _web_urls(one)]
    except (ValueError, LookupError, TypeError) as error:  # what asn1crypto raises
        raise ValueError("the extensions cannot be read") from error
    return StatusUrls(*(tuple(dict.fromkeys(urls))[:_MOST_URLS] for urls in (ocsp, crl)))


def _web_urls(name: asn1.GeneralName) -> Iterator[str]:
    """The URL that a name is, if it is one that the pool asks."""
    if name.name == "uniform_resource_identifier":
        url = name.chosen.contents.decode("latin-1")
        if is_web_url(url):
            yield url


def _extensions(der: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give OID and value of each."""
    (_, _, tbs), *_ = _elements(_content(der, _SEQUENCE))
    for kind, tag, content in _elements(tbs):
        if (kind, tag) == (_CONTEXT, _EXTENSIONS):
            for _, _, extension in _elements(_content(content, _SEQUENCE)):
                (_, _, oid), *_, (_, last, value) = _elements(extension)
                if last != _OCTET_STRING:
                    raise ValueError("an extension has no value")
                yield oid, value


def _is_ca(value: bytes) -> bool:
    """The first element, where it is a boolean; it is FALSE by default."""
    for kind, tag, content in _elements(_content(value, _SEQUENCE)):
        return (kind, tag) == (_UNIVERSAL, _BOOLEAN) and content != b"\0"
    return False


def _content(data: bytes, wanted: int) -> bytes:
    """Take the one element that *data* is out of its tag and length."""
    ((kind, tag, content),) = _elements(data)
    if (kind, tag) != (_UNIVERSAL, wanted):
        raise ValueError("an element is of another type")
    return content


def _elements(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Give class, tag and content of each element."""
    while data:
        kind, _, tag, header, content, trailer = parser.parse(data)
        yield kind, tag, content
        data = data[len(header) + len(content) + len(trailer) :]
