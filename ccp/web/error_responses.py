"""Any exception -> an error body of the spec. Nothing else writes one."""

from http import HTTPStatus

import orjson
import structlog
from connexion.exceptions import ProblemException
from connexion.lifecycle import ConnexionRequest, ConnexionResponse
from starlette.exceptions import HTTPException

from ccp import measures
from ccp.errors import CcpError, InternalError
from ccp.web.trace import current_trace_id

log = structlog.get_logger()

ERROR_KINDS = (Exception, HTTPException, ProblemException)
"""What `error_response` has to be registered for: Connexion has a handler for each of these."""


async def error_response(_request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    """
    Answer an exception as ErrorV1: its messages, and the trace id that the log has too.

    What the caller did not cause is told in general words; the log has the exception.
    """
    if isinstance(error, CcpError):
        status, messages, headers, body = error.status, error.messages, error.headers, error.body
    elif isinstance(error, HTTPException) and error.status_code < 500:
        # Raised by Starlette or Connexion; their own words may tell of what is inside.
        status, messages = error.status_code, [HTTPStatus(error.status_code).phrase]
        headers, body = dict(error.headers or {}), {}
    else:
        status, messages, headers, body = InternalError.status, [InternalError.message], {}, {}
    if status == InternalError.status:
        measures.now.refusal(InternalError.__name__)
        log.error("failed", exc_info=error)
    else:
        measures.now.refusal(type(error).__name__)
        log.info("refused", status=status, messages=messages)
    content = {"errorMessages": messages, "traceId": current_trace_id(), **body}
    return ConnexionResponse(
        status, mimetype="application/json", body=orjson.dumps(content), headers=headers
    )
