"""The on-disk copy of a root pool's roots, and the anchors of a pool at its start."""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime

import orjson

from ccp.clients.last_good import LastGood, NothingKept
from ccp.config.settings import AnchorsUnusable, Settings
from ccp.trust.current import TrustSnapshot, TrustStore
from ccp.trust.folder import KINDS, load_trust
from ccp.trust.pool_roots import usable_roots

_MAX_BYTES = 8 * 2**20  # more than a root pool may answer for all kinds together


def trusted_at_start(settings: Settings, *, at: datetime) -> TrustStore:
    """
    Load the anchors of a pool at its start: those in files, and the root pool's from disk.

    Args:
        at: The present moment, aware UTC.
    Raises:
        AnchorsUnusable: CCP_TRUST_DIR is set and is not a folder, or cannot be read.
    """
    try:
        files = load_trust(settings.trust_folder(), at=at)
    except OSError as error:
        reason = f"{error.filename} cannot be read: {error.strerror}"
        raise AnchorsUnusable(f"CCP_TRUST_DIR: {reason}") from None
    if not settings.rcp_url:
        return TrustStore(TrustSnapshot.of(files), files)
    roots = KeptRoots(settings).usable(at=at)
    return TrustStore(TrustSnapshot.of(files.with_roots(roots)), files, roots)


class KeptRoots:
    """
    The file with the last good roots of the root pool, beside the database.

    Roots are X.509 in DER, by kind (see KINDS).

    Args:
        settings: Settings with database and root pool. Roots of another root pool are ignored.
    """

    def __init__(self, settings: Settings) -> None:
        file = settings.beside_database("roots")
        self._file = LastGood(file, settings.rcp_url, max_bytes=_MAX_BYTES)

    def load(self) -> Mapping[str, Sequence[bytes]]:
        """
        Return the roots of all kinds, unchecked.

        Raises:
            NothingKept: The file has no roots of this root pool.
        """
        kept = self._file.load()
        try:
            texts = orjson.loads(kept)
            return {kind: [base64.b64decode(text) for text in texts[kind]] for kind in KINDS}
        except (ValueError, LookupError, TypeError):
            raise NothingKept("it has been changed") from None

    def usable(self, *, at: datetime) -> Mapping[str, tuple[bytes, ...]]:
        """
        Return the usable roots of all kinds, valid now or not.

        Args:
            at: The present moment, aware UTC; see `usable_roots`.
        """
        try:
            kept = self.load()
        except NothingKept:
            return dict.fromkeys(KINDS, ())
        return {kind: usable_roots(kept[kind], kind=kind, at=at) for kind in KINDS}

    def save(self, roots: Mapping[str, Sequence[bytes]]) -> None:
        """Replace the stored roots; see `LastGood.save`."""
        texts = {kind: [base64.b64encode(der).decode() for der in roots[kind]] for kind in KINDS}
        self._file.save(orjson.dumps(texts))
