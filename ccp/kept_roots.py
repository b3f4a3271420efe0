"""The last good roots of the root pool, in a file beside the database."""

import base64
from collections.abc import Mapping, Sequence

import orjson

from ccp.last_good import LastGood, NothingKept
from ccp.pki.trust import KINDS
from ccp.settings import Settings

_MAX_BYTES = 8 * 2**20  # more than a root pool may answer for all kinds together


class KeptRoots:
    """
    The file; roots are X.509 in DER, by the names of KINDS.

    Args:
        settings: Name database and root pool; what another one gave is not looked at.
    """

    def __init__(self, settings: Settings) -> None:
        database = settings.database_path
        file = database.with_name(f"{database.name}.roots")
        self._file = LastGood(file, settings.rcp_url, max_bytes=_MAX_BYTES)

    def load(self) -> Mapping[str, Sequence[bytes]]:
        """
        Return what should be roots, of all kinds.

        Raises:
            NothingKept: There are none of this root pool.
        """
        kept = self._file.load()
        try:
            texts = orjson.loads(kept)
            return {kind: [base64.b64decode(text) for text in texts[kind]] for kind in KINDS}
        except (ValueError, LookupError, TypeError):
            raise NothingKept("it has been changed") from None

    def save(self, roots: Mapping[str, Sequence[bytes]]) -> None:
        """Keep roots in place of the last ones; see `LastGood.save`."""
        texts = {kind: [base64.b64encode(der).decode() for der in roots[kind]] for kind in KINDS}
        self._file.save(orjson.dumps(texts))
