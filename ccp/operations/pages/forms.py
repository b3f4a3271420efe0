"""What a browser sends by a form."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request

_URL_ENCODED = b"application/x-www-form-urlencoded"
_LONGEST_URL_ENCODED = 8192  # a token has room, and a message of ISO 15118-2


@asynccontextmanager
async def form_of(
    request: Request, *, most_files: int, most_fields: int
) -> AsyncIterator[FormData]:
    """
    Read the form of a request, for the block; it is empty where none was sent.

    Starlette reads it on the event loop, where all callers of the worker wait: with whichever of
    Python's codecs its Content-Type names, some of which take seconds for 64 KiB, or fail, or give
    lone surrogates. Browsers name none, and send what their page is written in. For percent signs
    alone, which cost the most, it takes some 50 ms.

    Raises:
        HTTPException: 415, it names another charset than UTF-8; 413, it is URL-encoded and long;
            400, it is no form, or has more in it.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if options.get(b"charset", b"utf-8").lower() != b"utf-8":
        raise HTTPException(415, "A form is written in UTF-8.")
    if kind == _URL_ENCODED and len(await request.body()) > _LONGEST_URL_ENCODED:
        raise HTTPException(413, "A form of this size has to be sent as multipart/form-data.")
    async with request.form(max_files=most_files, max_fields=most_fields) as form:
        yield form
