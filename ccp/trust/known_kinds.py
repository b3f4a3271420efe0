"""The kinds of trust anchors that the folder had at the last start."""

from ccp.clients.last_good import LastGood, NothingKept
from ccp.config.settings import AnchorsUnusable, Settings
from ccp.trust.folder import KINDS, Trust

_MAX_BYTES = 1024


class KnownKinds:
    """
    A file beside the database with the kinds of anchors. The start compares with it, so that a
    volume that is not mounted does not silently switch verification off.

    Args:
        settings: Settings with database and folder. Kinds of another folder are ignored.
    """

    def __init__(self, settings: Settings) -> None:
        self._path = settings.beside_database("anchors")
        self._folder = settings.trust_dir
        self._file = LastGood(self._path, self._folder, max_bytes=_MAX_BYTES)

    def load(self) -> list[str]:
        """Return the kinds, in the order of KINDS; none if there is no file."""
        try:
            known = self._file.load().decode(errors="replace").split()
        except NothingKept:
            return []
        return [kind for kind in KINDS if kind in known]

    def require(self, trust: Trust) -> None:
        """
        Check that no kind is missing since the last start.

        Args:
            trust: The pool's anchors, of files and of a root pool.
        Raises:
            AnchorsUnusable: A kind is missing; the text says which, and what to do.
        """
        gone = [kind for kind in self.load() if not getattr(trust, kind).configured]
        if gone:
            raise AnchorsUnusable(
                f"CCP_TRUST_DIR: {self._folder} had {' and '.join(gone)} anchors when the pool last"
                f" started, and has none now. Mount it or put them back; if the pool is to do"
                f" without, remove the file {self._path}."
            )

    def forget(self, kind: str) -> None:
        """Remove a kind, as an operator has removed its last anchor."""
        self._save([one for one in self.load() if one != kind])

    def save(self, files: Trust) -> None:
        """Store the kinds of the files; without any kind no file is created."""
        self._save([kind for kind in KINDS if getattr(files, kind).configured])

    def _save(self, kinds: list[str]) -> None:
        if kinds != self.load():
            self._file.save(" ".join(kinds).encode())
