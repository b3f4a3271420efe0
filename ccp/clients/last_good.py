"""The last good answer of a service, on disk: for a worker that starts while it is down."""

import tempfile
from contextlib import suppress
from pathlib import Path

import structlog

log = structlog.get_logger()


class NothingKept(Exception):
    """There is no answer of this service; the text says why."""


class LastGood:
    """
    A file with what a URL has answered last, and that URL: the answer of another one is none.

    Whoever can write the file decides whom the pool believes, so it lies where the database does.

    Args:
        path: Of the file.
        url: Where the answer comes from.
        max_bytes: No more is read of the answer, but for a byte that shows that it is too large.
    """

    def __init__(self, path: Path, url: str, *, max_bytes: int) -> None:
        self._path = path
        self._head = url.encode() + b"\n"
        self._max_bytes = max_bytes

    def load(self) -> bytes:
        """
        Return the answer.

        Raises:
            NothingKept: There is none of this URL.
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
        """Keep an answer in place of the last one; where that cannot be, the log says so."""
        draft = None
        try:
            descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
            draft = Path(name)
            with open(descriptor, "wb") as file:
                file.write(self._head + answer)
            draft.replace(self._path)
        except OSError as error:
            log.warning(
                "what a service has answered cannot be kept on disk",
                file=self._path.name,
                reason=error.strerror,
            )
            if draft is not None:
                with suppress(OSError):
                    draft.unlink()
