"""What a browser sends by a form."""

from contextlib import AbstractAsyncContextManager

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request


def form_of(
    request: Request, *, most_files: int, most_fields: int
) -> AbstractAsyncContextManager[FormData]:
    """
    Read the form of a request; it is empty where none was sent.

    Starlette would read it with whichever of Python's codecs its Content-Type names: some of them
    take seconds for 64 KiB, on the event loop, and some fail or give lone surrogates. Browsers
    name none, and send what their page is written in.

    Raises:
        HTTPException: 415, it names another charset than UTF-8; 400, it is no form, or has more in
            it.
    """
    _, options = parse_options_header(request.headers.get("content-type"))
    if options.get(b"charset", b"utf-8").lower() != b"utf-8":
        raise HTTPException(415, "A form is written in UTF-8.")
    return request.form(max_files=most_files, max_fields=most_fields)
