"""Search for all paths from a leaf up to a trusted root; OpenSSL tries one path alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from OpenSSL import crypto

from ccp.pki.certificates import Certificate, read_certificate
from ccp.pki.issuance import is_issuer
from ccp.pki.name_matching import NameKey, name_key

_MOST_CERTIFICATES = 8  # of a path; ISO 15118 has four
# Verified, and paths looked at, in one search, so that its time is bounded.
_MOST_SIGNATURES = 64
_MOST_STEPS = 256

Path = tuple[Certificate, ...]


def find_paths(
    leaf: Certificate, sub_cas: Sequence[Certificate], trusted: tuple[crypto.X509, ...]
) -> Iterator[Path]:
    """
    Find all paths from a leaf to a self-signed certificate among the trusted ones.

    Several CAs may have one name: a CA with a new key, a cross-certificate, a root that was issued
    again. A path follows names and signatures alone; nothing else is checked.

    Args:
        sub_cas: What came with the leaf, in any order.
        trusted: Roots, and sub-CAs that did not come with the leaf.
    Returns: Each path with the leaf first and the root last. The search stops at a limit, so among
        very many CAs of the same names some paths may be missing.
    """
    anchors = _anchors_by_name(trusted)
    return _Search(sub_cas, anchors).above((leaf,))


class _Search:
    """One search; each signature in it is verified once."""

    def __init__(
        self, sub_cas: Sequence[Certificate], anchors: Mapping[NameKey, Sequence[Certificate]]
    ) -> None:
        self._sub_cas = _by_name(sub_cas)
        self._anchors = anchors
        self._steps = 0
        self._verified: dict[tuple[bytes, bytes], bool] = {}

    def above(self, path: Path) -> Iterator[Path]:
        """Yield each way to go on from the last certificate of *path* to a root."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            return
        top = path[-1]
        wanted = name_key(top.issuer)
        anchors = self._anchors.get(wanted, ())
        brought = self._sub_cas.get(wanted, ())
        issuers = [
            one for one in (*anchors, *brought) if one not in path and self._has_issued(one, top)
        ]
        for issuer in issuers:
            if not self._has_issued(issuer, issuer):
                if len(path) < _MOST_CERTIFICATES:
                    yield from self.above((*path, issuer))
            elif issuer in anchors:
                yield (*path, issuer)

    def _has_issued(self, issuer: Certificate, certificate: Certificate) -> bool:
        pair = issuer.der, certificate.der
        if pair not in self._verified:
            if len(self._verified) >= _MOST_SIGNATURES:
                return False
            self._verified[pair] = is_issuer(issuer, certificate)
        return self._verified[pair]


@lru_cache(maxsize=16)
def _anchors_by_name(trusted: tuple[crypto.X509, ...]) -> Mapping[NameKey, Sequence[Certificate]]:
    ders = (crypto.dump_certificate(crypto.FILETYPE_ASN1, one) for one in trusted)
    return _by_name(read_certificate(der, "trust anchor") for der in ders)


def _by_name(certificates: Iterable[Certificate]) -> Mapping[NameKey, Sequence[Certificate]]:
    found: dict[NameKey, list[Certificate]] = {}
    for one in certificates:
        found.setdefault(name_key(one.subject), []).append(one)
    return found
