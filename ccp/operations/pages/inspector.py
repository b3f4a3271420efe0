"""The inspector: all that can be said of a message that somebody has at hand."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response

from ccp.inspection import (
    Inspection,
    NoMessage,
    UnreadableMessage,
    inspect_message,
    read_messages,
)
from ccp.operations.pages.rendering import render
from ccp.policy.preview import Preview, preview
from ccp.policy.services import Services

_MOST_MESSAGES = 5  # of a JSON document; each may cost some milliseconds, and a long page


@dataclass(frozen=True, slots=True)
class MessageView:
    """
    One message, as the inspector shows it.

    Attributes:
        exi: Its bytes.
        preview: What this pool would answer to it.
    """

    exi: bytes
    message: Inspection | UnreadableMessage
    preview: Preview


class Inspector:
    """The page that takes messages apart; nothing is stored, and nobody answered."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def ask(self, request: Request, _form: FormData) -> Response:
        """Show the form alone."""
        return render(request, "inspector.html", {"given": "", "problem": "", "messages": []})

    def inspect(self, request: Request, form: FormData) -> Response:
        """Show what was sent in the form, and all that is to be said of it."""
        given = _given(form)
        try:
            found = _messages(given)
        except NoMessage as error:
            view = {"given": _as_text(given), "problem": f"There is no message: {error}."}
            return render(request, "inspector.html", {**view, "messages": []}, status=400)
        at = self._services.clock()
        messages = [self._look_into(exi, at) for exi in found[:_MOST_MESSAGES]]
        more = len(found) - len(messages)
        problem = f"{more} more messages of this document are not shown." if more else ""
        view = {"given": _as_text(given), "problem": problem}
        return render(request, "inspector.html", {**view, "messages": messages})

    def _look_into(self, exi: bytes, at: datetime) -> MessageView:
        message = inspect_message(exi, at=at, trust=self._services.trusted.current.trust)
        return MessageView(exi, message, preview(self._services, exi, at=at))


def _given(form: FormData) -> bytes:
    """Take what was pasted, or else the file, in whichever field it is."""
    text = form.get("message")
    if isinstance(text, str) and text.strip():
        return text.encode()
    files = (one for one in form.values() if isinstance(one, UploadFile))
    return next((file.file.read() for file in files), b"")


def _messages(given: bytes) -> list[bytes]:
    if not given.strip():
        raise NoMessage("nothing was pasted, and no file was chosen")
    return read_messages(given)


def _as_text(given: bytes) -> str:
    """Write what was sent so that it can be sent again from a text field."""
    text = given.decode("ascii", "replace").strip()
    is_text = text.isascii() and "".join(text.split()).isprintable()
    return text if is_text else b64encode(given).decode()
