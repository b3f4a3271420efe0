"""Which eMSP roots may issue contracts of which providers: an optional file beside the anchors."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from ccp.domain.errors import CertificateChainBroken
from ccp.domain.identifiers import parse_fingerprint
from ccp.pki.certificates import Certificate
from ccp.trust.folder import Trust

FILE_NAME = "emsp.toml"
"""The name of the file, beside the folders of the anchors."""

_PROVIDER_ID = re.compile(r"[A-Z]{2}\w{3}\Z", re.ASCII)


class ProviderTableInvalid(Exception):
    """The file cannot be used; the text has a line for each problem."""


@dataclass(frozen=True, slots=True)
class ProviderTable:
    """
    The table; an empty one binds nothing.

    Attributes:
        providers: By the SHA-256 fingerprint of a CA certificate (64 lower-case hex digits), the
            provider ids that it may issue contracts for. The CA is a root, or a sub-CA below one.
    """

    providers: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def require(self, provider_id: str, above: Sequence[Certificate]) -> None:
        """
        Check that the CAs of a contract certificate may issue contracts of a provider.

        A CA in the table may issue for its providers alone, and a provider in the table is issued
        by its CAs alone. All others are free.

        Args:
            provider_id: The first five characters of the EMAID.
            above: The verified chain, from the issuer of the contract certificate to the root.
        Raises:
            CertificateChainBroken: They may not.
        """
        if not self.providers:
            return
        fingerprints = {sha256(one.der).hexdigest() for one in above}
        listed = [ids for one, ids in self.providers.items() if one in fingerprints]
        if not all(provider_id in ids for ids in listed):
            raise CertificateChainBroken(
                "The contract certificate was issued under a CA that may not issue contracts of"
                f" the provider {provider_id}."
            )
        if not listed and any(provider_id in ids for ids in self.providers.values()):
            raise CertificateChainBroken(
                "The contract certificate was not issued under a CA that may issue contracts of"
                f" the provider {provider_id}."
            )

    def warnings(self, trust: Trust) -> Iterator[str]:
        """Compare the table with the anchors: return a sentence for each thing that looks wrong."""
        if not self.providers:
            return
        anchors = {_fingerprint_of(one.digest("sha256")) for one in trust.contracts.certificates}
        emsp = {_fingerprint_of(one.digest("sha256")) for one in trust.emsp.certificates}
        for fingerprint in sorted(self.providers.keys() - anchors):
            yield (
                f"{FILE_NAME}: {fingerprint} is not the fingerprint of an anchor in emsp/ or v2g/;"
                " this is right only for a sub-CA that messages bring."
            )
        if free := sorted(emsp - self.providers.keys()):
            yield (
                f"{FILE_NAME}: {len(free)} of the anchors in emsp/ may issue contracts of every"
                f" provider that is not in the file: {', '.join(free)}."
            )


def load_provider_table(trust_folder: Path) -> ProviderTable:
    """
    Read the table.

    Args:
        trust_folder: The folder that has the file, if there is one.
    Returns: An empty table if there is no file.
    Raises:
        ProviderTableInvalid: The file cannot be read, or has something else than a table.
    """
    path = trust_folder / FILE_NAME
    try:
        content = path.read_bytes()
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not path.is_symlink():
            return ProviderTable()
        raise ProviderTableInvalid(f"{path} cannot be read: {error.strerror}") from None
    try:
        entries = tomllib.loads(content.decode())
    except ValueError as error:  # also of the encoding
        raise ProviderTableInvalid(f"{path} is not TOML: {error}") from None
    providers: dict[str, frozenset[str]] = {}
    problems: list[str] = []
    for key, value in entries.items():
        try:
            fingerprint = _fingerprint(key)
            if fingerprint in providers:
                raise ValueError("is there twice")
            providers[fingerprint] = frozenset(_provider_ids(value))
        except ValueError as error:
            problems.append(f"{path}: {key!r} {error}")
    if problems:
        raise ProviderTableInvalid("\n".join(problems))
    return ProviderTable(providers)


def _fingerprint(text: str) -> str:
    """Read a fingerprint, with or without colons."""
    try:
        return parse_fingerprint(text.replace(":", ""))
    except ValueError:
        raise ValueError("is not the SHA-256 fingerprint of a certificate, 64 hex digits") from None


def _provider_ids(value: object) -> Iterable[str]:
    if not isinstance(value, list):
        raise ValueError('has to have a list of provider ids, such as ["DEABC"]')
    for text in value:
        provider_id = str(text).replace("-", "").replace("*", "").upper()
        if not isinstance(text, str) or not _PROVIDER_ID.match(provider_id):
            raise ValueError(f"has {text!r}, which is not a provider id such as DEABC")
        yield provider_id


def _fingerprint_of(digest: bytes) -> str:
    """Convert a digest as OpenSSL writes it."""
    return digest.replace(b":", b"").decode().lower()
