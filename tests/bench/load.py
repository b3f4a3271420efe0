"""The load: requests over keep-alive connections, made in a process of its own."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import uvloop

_PATIENCE_SECONDS = 30.0  # for one answer: a server that hangs shall not hang the benchmark


@dataclass(slots=True)
class Load:
    """
    What became of a series of requests.

    Attributes:
        latencies: Seconds from the first byte sent to the last one read, of each answer.
        errors: How many answers had another status than expected, or did not come.
        taken: How many requests were sent; always the first ones of the series.
        seconds: From the first request to the last answer.
        busy_seconds: Processor time of the load itself; near *seconds*, it measured itself.
        server_busy_seconds: Processor time of the server's workers; filled in by the caller.
    """

    latencies: list[float] = field(default_factory=list)
    errors: int = 0
    taken: int = 0
    seconds: float = 0.0
    busy_seconds: float = 0.0
    server_busy_seconds: float = 0.0


def run(
    port: int, requests: list[bytes], status: int, connections: int, most_seconds: float
) -> Load:
    """
    Send each request once, the next one on a connection as soon as it has its answer.

    Args:
        port: On 127.0.0.1.
        requests: HTTP/1.1, whole.
        status: That every answer should have.
        connections: How many are open at the same time.
        most_seconds: No request is begun after that, even if there are more.
    """
    return uvloop.run(_run(port, requests, status, connections, most_seconds))


async def _run(
    port: int, requests: list[bytes], status: int, connections: int, most_seconds: float
) -> Load:
    load = Load()
    streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(connections)]
    started, started_busy = time.perf_counter(), time.process_time()
    # One iterator for all: each request is taken by whichever connection is free.
    queue = _until(iter(requests), started + most_seconds)
    await asyncio.gather(*(_serve(stream, queue, status, load) for stream in streams))
    load.seconds = time.perf_counter() - started
    load.busy_seconds = time.process_time() - started_busy
    for _, writer in streams:
        writer.close()
    return load


def _until(requests: Iterator[bytes], deadline: float) -> Iterator[bytes]:
    for request in requests:
        if time.perf_counter() > deadline:
            return
        yield request


async def _serve(
    stream: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    queue: Iterable[bytes],
    status: int,
    load: Load,
) -> None:
    reader, writer = stream
    for request in queue:
        load.taken += 1
        started = time.perf_counter()
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                writer.write(request)
                got, _ = await read_answer(reader)
        except (OSError, EOFError, TimeoutError):
            load.errors += 1
            return  # the connection is of no more use
        load.latencies.append(time.perf_counter() - started)
        load.errors += got != status


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """
    Read one answer, which has to announce its length.

    Returns: Status and body.
    Raises:
        EOFError: The connection was closed before the answer was whole.
    """
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, found, length = head.partition(b"\r\ncontent-length:")
    body = await reader.readexactly(int(length.partition(b"\r\n")[0])) if found else b""
    return int(head[9:12]), body
