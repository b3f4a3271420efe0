"""The kinds of trust anchors that a pool's folder had, in a file beside the database."""

from ccp.clients.last_good import LastGood, NothingKept
from ccp.config.settings import AnchorsUnusable, Settings
from ccp.trust.folder import KINDS, Trust

_MAX_BYTES = 1024


class KnownKinds:
    """
    The file. A start compares with it, so that a volume that is not mounted does not make a pool
    that verifies into one that does not.

    Args:
        settings: Name database and folder; what another folder had is not looked at.
    """

    def __init__(self, settings: Settings) -> None:
        self._path = settings.beside_database("anchors")
        self._folder = settings.trust_dir
        self._file = LastGood(self._path, self._folder, max_bytes=_MAX_BYTES)

    def load(self) -> list[str]:
        """Return the kinds, in the order of KINDS; none where there is no such file."""
        try:
            known = self._file.load().decode(errors="replace").split()
        except NothingKept:
            return []
        return [kind for kind in KINDS if kind in known]

    def require(self, trust: Trust) -> None:
        """
        Check that no kind has gone since the last start.

        Args:
            trust: The pool's anchors, of files and of a root pool.
        Raises:
            AnchorsUnusable: One has; the text says which, and what to do.
        """
        gone = [kind for kind in self.load() if not getattr(trust, kind).configured]
        if gone:
            raise AnchorsUnusable(
                f"CCP_TRUST_DIR: {self._folder} had {' and '.join(gone)} anchors when the pool last"
                f" started, and has none now. Mount it or put them back; if the pool is to do"
                f" without, remove the file {self._path}."
            )

    def forget(self, kind: str) -> None:
        """Do without a kind from now on, since an operator has removed its last anchor."""
        self._save([one for one in self.load() if one != kind])

    def save(self, files: Trust) -> None:
        """Store the kinds that files have; a pool that never had any gets no file."""
        self._save([kind for kind in KINDS if getattr(files, kind).configured])

    def _save(self, kinds: list[str]) -> None:
        if kinds != self.load():
            self._file.save(" ".join(kinds).encode())
