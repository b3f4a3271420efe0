"""Last known good answer of a service, on disk, for a worker that starts during an outage."""

import tempfile
from contextlib import suppress
from pathlib import Path

import structlog

log = structlog.get_logger()


class NothingKept(Exception):
    """There is no stored answer of this URL. The text is the reason."""


class LastGood:
    """
    A file with the last answer of a URL; its first line is the URL.

    The answers are keys and trust anchors. The file is therefore kept beside the database, in a
    folder that only the pool can write.

    Args:
        path: Path of the file.
        url: The URL. A file with the answer of another URL is ignored.
        max_bytes: Limit on the size of an answer. One byte more is read, so that the caller can
            see that the limit is exceeded.
    """

    def __init__(self, path: Path, url: str, *, max_bytes: int) -> None:
        self._path = path
        self._head = url.encode() + b"\n"
        self._max_bytes = max_bytes

    def load(self) -> bytes:
        """
        Return the stored answer.

        Raises:
            NothingKept: The file cannot be read, or has the answer of another URL.
        """
        try:
            with self._path.open("rb") as file:
                content = file.read(len(self._head) + self._max_bytes + 1)
        except OSError as error:
            raise NothingKept(error.strerror or "it cannot be read") from None
        if not content.startswith(self._head):
            raise NothingKept("it is of another URL")
        return content.removeprefix(self._head)

    def save(self, answer: bytes) -> None:
        """Replace the stored answer atomically; log an error and continue if that fails."""
        draft = None
        try:
            descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
            draft = Path(name)
            with open(descriptor, "wb") as file:
                file.write(self._head + answer)
            draft.replace(self._path)
        except OSError as error:
            log.warning(
                "an answer cannot be saved on disk",
                file=self._path.name,
                error=error.strerror,
            )
            if draft is not None:
                with suppress(OSError):
                    draft.unlink()
