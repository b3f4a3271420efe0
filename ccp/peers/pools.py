"""The peer pools: asked all at once for a car that this one does not know."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import orjson
import structlog

from ccp.errors import CcpError
from ccp.outbound import Unanswered
from ccp.peers.breaker import Breaker
from ccp.peers.service import Service

log = structlog.get_logger()

_MAX_BYTES = 256 * 1024  # of an answer; a contract in it has some 10 kB

Answer = dict[str, Any]
"""What GetSignedContractDataResV1 describes."""


class AnswerUnfit(Exception):
    """What a peer has answered is nothing for the car; the text says why."""


_FAILURES = (Unanswered, AnswerUnfit, CcpError, TimeoutError)


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
        try:
            async with asyncio.timeout(seconds):
                answer = await self._answer(content, judge, seconds)
        except Exception as error:  # whatever it is, other pools may have an answer
            log.warning(
                "a peer pool has failed",
                peer=self.service.name,
                reason=str(error) or type(error).__name__,
                left_alone=self.breaker.failed(),
                exc_info=None if isinstance(error, _FAILURES) else error,
            )
            return None
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
            max_bytes=_MAX_BYTES,
        )
        if reply.status in (400, 404):  # it does not know the car, or does not trust its maker
            return None
        if reply.status != 200:
            raise AnswerUnfit(f"it answered {reply.status}")
        if len(reply.body) > _MAX_BYTES:
            raise AnswerUnfit(f"its answer is larger than {_MAX_BYTES // 1024} KiB")
        return await asyncio.to_thread(self._read, reply.body, judge)

    def _read(self, body: bytes, judge: Callable[[Answer], None]) -> Answer:
        try:
            items = orjson.loads(body)["signedContractDataCollection"]
        except (ValueError, LookupError, TypeError):
            raise AnswerUnfit("its answer is not what the spec describes") from None
        # Of the answer what the spec knows; of each item all that is there.
        answer = {"signedContractDataCollection": items}
        if not self._conforms(answer):
            raise AnswerUnfit("its answer is not what the spec describes")
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
