"""Any exception -> an error body of the spec. Nothing else writes one."""

from http import HTTPStatus

import orjson
import structlog
from connexion.exceptions import ProblemException
from connexion.lifecycle import ConnexionRequest, ConnexionResponse
from starlette.exceptions import HTTPException

from ccp.domain.errors import CcpError, InternalError
from ccp.observability import measures
from ccp.observability.measures import Refusal
from ccp.observability.owners import current_owners
from ccp.web.context import log_of, operation_of
from ccp.web.trace import current_trace_id

log = structlog.get_logger()

ERROR_KINDS = (Exception, HTTPException, ProblemException)
"""What `error_response` has to be registered for: Connexion has a handler for each of these."""


async def error_response(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    """
    Answer an exception as ErrorV1: its messages, and the trace id that the log has too.

    What the caller did not cause is told in general words; the log has the exception.
    """
    for_log: list[str] | None = None
    if isinstance(error, CcpError):
        status, messages, headers, body = error.status, error.messages, error.headers, error.body
        for_log = error.messages_for_log
    elif isinstance(error, HTTPException) and error.status_code < 500:
        # Raised by Starlette or Connexion; their own words may tell of what is inside.
        status, messages = error.status_code, [HTTPStatus(error.status_code).phrase]
        headers, body = dict(error.headers or {}), {}
    else:
        status, messages, headers, body = InternalError.status, [InternalError.message], {}, {}
    kind = InternalError if status == InternalError.status else type(error)
    refusal = Refusal(
        reason=kind.__name__,
        operation=operation_of(request.scope),
        status=status,
        messages=for_log or messages,
        caller={**log_of(request.scope), **current_owners()},
        trace_id=current_trace_id(),
    )
    measures.now.refusal(refusal)
    if kind is InternalError:
        log.error("failed", exc_info=error)
    else:
        log.info("refused", status=status, messages=refusal.messages)
    content = {"errorMessages": messages, "traceId": refusal.trace_id, **body}
    return ConnexionResponse(
        status, mimetype="application/json", body=orjson.dumps(content), headers=headers
    )
