"""Peer pools: other contract certificate pools, asked in parallel for a car unknown to this one."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import structlog

from ccp.clients.circuit_breaker import Breaker, RequestNotSent
from ccp.clients.http import RequestFailed
from ccp.clients.service import MAX_BYTES, Service
from ccp.domain.errors import CcpError
from ccp.observability import measures

log = structlog.get_logger()

PeerAnswer = dict[str, Any]
"""JSON of the schema GetSignedContractDataResV1."""


class AnswerUnfit(Exception):
    """The answer of a peer pool must not be sent to the car. The text is the reason."""


# These statuses mean that the peer rejects this pool or is overloaded, so they count as failures.
# Other 4xx statuses are about the request, such as 404 for an unknown car.
_FAILURE_STATUSES = {401, 403, 407, 429}


class PeerPool:
    """
    One peer pool.

    Args:
        conforms: Returns whether JSON conforms to the schema GetSignedContractDataResV1.
    """

    def __init__(self, service: Service, *, conforms: Callable[[Any], bool]) -> None:
        self._service = service
        self._breaker = Breaker(service.name)
        self._conforms = conforms

    async def ask(
        self, content: bytes, validate: Callable[[PeerAnswer], None], *, seconds: float
    ) -> PeerAnswer | None:
        """
        Request the contracts of a car; log a failure and record it in the circuit breaker.

        Args:
            content: JSON of the schema GetSignedContractDataReqV1.
            validate: See `PeerPools.ask`.
            seconds: Time limit.
        Returns: None if there is no valid answer in time, or the circuit breaker is open.
        """
        try:
            with self._breaker.guard():
                return await self._measured(content, validate, seconds)
        except RequestNotSent:
            return None
        except Exception as error:  # other peer pools may have an answer
            is_expected = isinstance(error, RequestFailed | TimeoutError)
            log.warning(
                "a peer pool has failed",
                peer=self._service.name,
                error=str(error) or type(error).__name__,
                exc_info=None if is_expected else error,
            )
            return None

    async def _measured(
        self, content: bytes, validate: Callable[[PeerAnswer], None], seconds: float
    ) -> PeerAnswer | None:
        outcome, started = "failed", time.perf_counter()
        try:
            async with asyncio.timeout(seconds):
                answer = await self._request(content, validate, seconds)
            outcome = "nothing" if answer is None else "answered"
            return answer
        except (AnswerUnfit, CcpError) as error:
            # The fault may be the eMSP's, so it is not a failure of the peer.
            outcome = "unfit"
            log.warning(
                "a peer pool's answer is not passed on", peer=self._service.name, error=str(error)
            )
            return None
        except asyncio.CancelledError:  # another peer pool was faster
            outcome = "overtaken"
            raise
        finally:
            duration = time.perf_counter() - started
            measures.now.call("peer", self._service.name, outcome, duration)

    async def _request(
        self, content: bytes, validate: Callable[[PeerAnswer], None], seconds: float
    ) -> PeerAnswer | None:
        reply = await self._service.request(
            "POST",
            "/signedcontractdata",
            seconds=seconds,
            # A failure message made by the peer is not needed: the car gets this pool's.
            headers={"broadcast": "false", "alwaysReturnEXI": "false"},
            content=content,
        )
        if 400 <= reply.status < 500 and reply.status not in _FAILURE_STATUSES:
            return None
        if reply.status != 200:
            raise RequestFailed(f"status {reply.status}")
        if len(reply.body) > MAX_BYTES:
            raise AnswerUnfit(f"the answer is larger than {MAX_BYTES // 1024} KiB")
        return await asyncio.to_thread(self._parse, reply.body, validate)

    def _parse(self, body: bytes, validate: Callable[[PeerAnswer], None]) -> PeerAnswer:
        try:
            # Unknown members of the answer are dropped, unknown members of its items are kept.
            items = orjson.loads(body)["signedContractDataCollection"]
            answer = {"signedContractDataCollection": items}
            orjson.dumps(answer)  # its limit of nesting is lower than that of orjson.loads
        except (ValueError, LookupError, TypeError):
            raise RequestFailed("the answer does not conform to the spec") from None
        if not self._conforms(answer):
            raise RequestFailed("the answer does not conform to the spec")
        validate(answer)
        return answer


class PeerPools:
    """
    All peer pools, as one worker asks them.

    Args:
        seconds: Time limit for all of them together.
        max_waiting: Maximum number of requests that wait for peer pools. Further requests are not
            forwarded, so that the worker can serve other requests.
    """

    def __init__(self, pools: Sequence[PeerPool], *, seconds: float, max_waiting: int) -> None:
        self._pools = pools
        self._seconds = seconds
        self._slots = asyncio.Semaphore(max_waiting)

    async def ask(
        self, request: dict[str, Any], validate: Callable[[PeerAnswer], None]
    ) -> PeerAnswer | None:
        """
        Ask all peer pools in parallel; return the first valid answer and cancel the other requests.

        Args:
            request: JSON of the schema GetSignedContractDataReqV1.
            validate: Called with an answer, in a thread. Raises AnswerUnfit or CcpError if the
                answer must not be sent to the car.
        Returns: None if no peer pool gives a valid answer in time.
        """
        if self._slots.locked():
            log.warning("peer pools are not asked: too many requests wait for them")
            return None
        content = orjson.dumps(request)
        async with self._slots:
            tasks = [
                asyncio.create_task(pool.ask(content, validate, seconds=self._seconds))
                for pool in self._pools
            ]
            try:
                for task in asyncio.as_completed(tasks):
                    if (answer := await task) is not None:
                        return answer
                return None
            finally:
                for task in tasks:
                    task.cancel()
