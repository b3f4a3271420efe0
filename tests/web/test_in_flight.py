"""A worker takes on so much at once, and no more."""

import asyncio

import pytest

from ccp.domain.errors import TooManyAtOnce
from ccp.web.in_flight import InFlightMiddleware
from tests.web.asgi import scope


class Slow:
    """An application that answers when it is told to, and ends when it is told to."""

    def __init__(self):
        self.answers, self.ends = asyncio.Event(), asyncio.Event()
        self.began = 0

    async def __call__(self, _scope, _receive, send):
        self.began += 1
        await self.answers.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await self.ends.wait()


async def nothing(*_):
    """Send or receive nothing."""


async def begin(middleware, count):
    """So many requests that have got to the application."""
    tasks = [asyncio.create_task(middleware(scope(), nothing, nothing)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


def test_one_too_many_is_refused_at_once():
    """With all places taken the next is 503, with Retry-After; those before are served."""

    async def main():
        app = Slow()
        middleware = InFlightMiddleware(app, most=2)
        tasks = await begin(middleware, 2)
        with pytest.raises(TooManyAtOnce) as refused:
            await middleware(scope(), nothing, nothing)
        assert refused.value.headers == {"Retry-After": "1"}
        app.answers.set()
        app.ends.set()
        await asyncio.gather(*tasks)
        assert app.began == 2
        await middleware(scope(), nothing, nothing)

    asyncio.run(main())


def test_an_answer_on_its_way_takes_no_place():
    """A client that takes long to read its answer keeps nobody out."""

    async def main():
        app = Slow()
        middleware = InFlightMiddleware(app, most=1)
        tasks = await begin(middleware, 1)
        app.answers.set()
        await asyncio.sleep(0)
        tasks += await begin(middleware, 1)
        app.ends.set()
        await asyncio.gather(*tasks)
        assert app.began == 2

    asyncio.run(main())


@pytest.mark.parametrize("end", [RuntimeError, asyncio.CancelledError])
def test_a_place_is_left_whatever_happens(end):
    """A crash, or a client that has gone, leaves its place to the next."""

    async def failing(*_):
        raise end

    async def main():
        middleware = InFlightMiddleware(failing, most=1)
        for _ in range(3):
            with pytest.raises(end):
                await middleware(scope(), nothing, nothing)

    asyncio.run(main())


def test_what_is_no_request_is_not_counted():
    """The lifespan of the server takes no place."""

    async def main():
        app = Slow()
        middleware = InFlightMiddleware(app, most=1)
        lifespan = asyncio.create_task(middleware({"type": "lifespan"}, nothing, nothing))
        tasks = await begin(middleware, 1)
        app.answers.set()
        app.ends.set()
        await asyncio.gather(lifespan, *tasks)

    asyncio.run(main())
