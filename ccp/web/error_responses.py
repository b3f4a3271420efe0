"""Any exception -> an error body of the contract. Nothing else writes one."""

from http import HTTPStatus

import orjson
import structlog
from connexion.lifecycle import ConnexionRequest, ConnexionResponse
from starlette.exceptions import HTTPException

from ccp.errors import CcpError, InternalError
from ccp.web.trace import current_trace_id

log = structlog.get_logger()


async def error_response(_request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    """
    Answer an exception as ErrorV1: its messages, and the trace id that the log has too.

    What the caller did not cause is told in general words; the log has the exception.
    """
    if isinstance(error, CcpError):
        status, messages, headers, body = error.status, error.messages, error.headers, error.body
    elif isinstance(error, HTTPException) and error.status_code < 500:
        status, messages = error.status_code, [HTTPStatus(error.status_code).phrase]
        headers, body = dict(error.headers or {}), {}
    else:
        status, messages, headers, body = InternalError.status, [InternalError.message], {}, {}
    if status >= 500:
        log.error("failed", status=status, exc_info=error)
    else:
        log.info("refused", status=status, messages=messages)
    content = {"errorMessages": messages, "traceId": current_trace_id(), **body}
    return ConnexionResponse(
        status, mimetype="application/json", body=orjson.dumps(content), headers=headers
    )
