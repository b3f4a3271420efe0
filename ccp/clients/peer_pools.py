"""The peer pools: asked all at once for a car that this one does not know."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import orjson
import structlog

from ccp.clients.circuit_breaker import Breaker
from ccp.clients.http import RequestFailed
from ccp.clients.service import MAX_BYTES, Service
from ccp.domain.errors import CcpError
from ccp.observability import measures

log = structlog.get_logger()

Answer = dict[str, Any]
"""What GetSignedContractDataResV1 describes."""


class AnswerUnfit(Exception):
    """What a peer has answered is nothing for the car; the text says why."""


# What tells of the peer, and not of what it was asked: that it does not want us, or is not well.
_UNWELL = {401, 403, 407, 429}


class Pool:
    """
    One peer pool.

    Args:
        conforms: Tells whether JSON is what GetSignedContractDataResV1 describes.
    """

    def __init__(
        self, service: Service, breaker: Breaker, *, conforms: Callable[[Any], bool]
    ) -> None:
        self.service = service
        self.breaker = breaker
        self._conforms = conforms

    async def ask(
        self, content: bytes, judge: Callable[[Answer], None], *, seconds: float
    ) -> Answer | None:
        """
        Ask for the contracts of a car; whatever fails is in the log, and for the breaker.

        Returns: What `judge` had nothing against; None where there is no such answer in time.
        """
        outcome, begun = "failed", time.perf_counter()
        try:
            async with asyncio.timeout(seconds):
                answer = await self._answer(content, judge, seconds)
            outcome = "nothing" if answer is None else "answered"
        except (AnswerUnfit, CcpError) as error:
            outcome = "unfit"
            # Whoever has put it in there may be to blame; the peer is well.
            log.warning(
                "a peer pool's answer is not passed on", peer=self.service.name, reason=str(error)
            )
            answer = None
        except asyncio.CancelledError:  # another one was faster
            outcome = "overtaken"
            self.breaker.left()
            raise
        except Exception as error:  # whatever it is, other pools may have an answer
            log.warning(
                "a peer pool has failed",
                peer=self.service.name,
                reason=str(error) or type(error).__name__,
                left_alone=self.breaker.failed(),
                exc_info=None if isinstance(error, RequestFailed | TimeoutError) else error,
            )
            return None
        finally:
            seconds = time.perf_counter() - begun
            measures.now.call("peer", self.service.name, outcome, seconds)
        self.breaker.succeeded()
        return answer

    async def _answer(
        self, content: bytes, judge: Callable[[Answer], None], seconds: float
    ) -> Answer | None:
        reply = await self.service.post(
            "/signedcontractdata",
            content,
            # Its own failing message is of no use: the car gets ours.
            headers={"broadcast": "false", "alwaysReturnEXI": "false"},
            seconds=seconds,
        )
        if 400 <= reply.status < 500 and reply.status not in _UNWELL:
            return None  # it does not know the car, or does not like the request
        if reply.status != 200:
            raise RequestFailed(f"it answered {reply.status}")
        if len(reply.body) > MAX_BYTES:
            raise AnswerUnfit(f"it is larger than {MAX_BYTES // 1024} KiB")
        return await asyncio.to_thread(self._read, reply.body, judge)

    def _read(self, body: bytes, judge: Callable[[Answer], None]) -> Answer:
        try:
            # Of the answer what the spec knows; of each item all that is there.
            items = orjson.loads(body)["signedContractDataCollection"]
            answer = {"signedContractDataCollection": items}
            orjson.dumps(answer)  # which goes less deep than it reads
        except (ValueError, LookupError, TypeError):
            raise RequestFailed("what it answers is not of the spec") from None
        if not self._conforms(answer):
            raise RequestFailed("what it answers is not of the spec")
        judge(answer)
        return answer


class Pools:
    """
    All peer pools, as one worker asks them.

    Args:
        seconds: So long a car waits for all of them together.
        most: So many requests wait at a time; more are not passed on, for a worker has other
            things to do than to wait.
    """

    def __init__(self, pools: Sequence[Pool], *, seconds: float, most: int) -> None:
        self._pools = pools
        self._seconds = seconds
        self._most = most
        self._waiting = 0

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Keep connections for the block; without it nobody can be asked."""
        async with AsyncExitStack() as stack:
            for pool in self._pools:
                await stack.enter_async_context(pool.service.connected())
            yield

    async def ask(self, request: dict[str, Any], judge: Callable[[Answer], None]) -> Answer | None:
        """
        Ask all pools at once; the first good answer wins, and the others need not answer any more.

        Args:
            request: What GetSignedContractDataReqV1 describes.
            judge: Raises AnswerUnfit or CcpError where an answer is nothing for the car; called in
                a thread.
        Returns: None where no pool has an answer in time.
        """
        if self._waiting >= self._most:
            log.warning("no peer pool is asked: too many requests wait for them")
            return None
        content = orjson.dumps(request)
        tasks = [
            asyncio.create_task(pool.ask(content, judge, seconds=self._seconds))
            for pool in self._pools
            if pool.breaker.admits()
        ]
        self._waiting += 1
        try:
            for task in asyncio.as_completed(tasks):
                if (answer := await task) is not None:
                    return answer
            return None
        finally:
            self._waiting -= 1
            for one in tasks:
                one.cancel()
