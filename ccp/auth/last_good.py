"""The last good keys of a token issuer, on disk: for a worker that starts while it is down."""

import os
import tempfile
from pathlib import Path

import structlog

from ccp.auth.jwks import MAX_BYTES, KeysUnusable

log = structlog.get_logger()


class LastGood:
    """
    A file with the JWKS that a URL gave last, and that URL: keys of another issuer are none.

    Whoever can write the file can make tokens, so it lies where the database does.

    Args:
        path: Of the file.
        url: Where the keys come from.
    """

    def __init__(self, path: Path, url: str) -> None:
        self._path = path
        self._head = url.encode() + b"\n"

    def load(self) -> bytes:
        """
        Return the JWKS.

        Raises:
            KeysUnusable: There is none of this URL.
        """
        try:
            with self._path.open("rb") as file:
                content = file.read(len(self._head) + MAX_BYTES + 1)
        except OSError as error:
            raise KeysUnusable(error.strerror or "it cannot be read") from None
        if not content.startswith(self._head):
            raise KeysUnusable("it is of another issuer")
        return content.removeprefix(self._head)

    def save(self, document: bytes) -> None:
        """Keep a JWKS in place of the last one; where that cannot be, the log says so."""
        try:
            descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
            with open(descriptor, "wb") as file:
                file.write(self._head + document)
            os.replace(name, self._path)
        except OSError as error:
            log.warning("the token issuer's keys cannot be kept on disk", reason=error.strerror)
