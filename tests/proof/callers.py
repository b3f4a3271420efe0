"""Clients that never rest, and note how each of their requests ended."""

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import cycle
from typing import Any

from tests.builders import BASE, put_body
from tests.proof.machine import EMAIDS, PCIDS, message
from tests.running import SECONDS

ANSWERED = "answered"
REFUSED = "refused"
TURNED_AWAY = "turned away"
_SEEN = {200, 201}


class Callers:
    """
    What several clients have met: half of them keep their connections, half make new ones.

    Attributes:
        met: How often each outcome was. TURNED_AWAY are connections that were reset before they
            had any answer: perhaps before the server knew of them. Anything but these, ANSWERED
            and REFUSED is a request that was lost.
    """

    def __init__(self, port: int) -> None:
        self.met: Counter[str] = Counter()
        self._port = port
        self._ended = threading.Event()
        self._lock = threading.Lock()

    def call(self, number: int) -> None:
        """Call until the pool refuses connections, or it is enough."""
        requests = cycle(_requests(number // 2))
        while not self._ended.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=SECONDS)
            with closing(connection):
                try:
                    connection.connect()
                except ConnectionRefusedError:
                    self._note(REFUSED)
                    return
                except ConnectionError:
                    self._note(TURNED_AWAY)
                else:
                    self._call_on(connection, requests, keeps=number % 2 == 0)

    def end(self) -> None:
        """It is enough."""
        self._ended.set()

    def _call_on(
        self,
        connection: http.client.HTTPConnection,
        requests: Iterator[tuple[str, str, str | None]],
        *,
        keeps: bool,
    ) -> None:
        """Call as long as the connection is good for more."""
        headers = {"Content-Type": "application/json"} | ({} if keeps else {"Connection": "close"})
        for number, (method, path, body) in enumerate(requests):
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                is_first = number == 0 and isinstance(error, ConnectionError)
                self._note(TURNED_AWAY if is_first else f"{method}, {keeps=}: {error!r}")
                return
            self._note(ANSWERED if answer.status in _SEEN else f"{method} {answer.status}")
            if answer.will_close or self._ended.is_set():
                return

    def _note(self, outcome: str) -> None:
        with self._lock:
            self.met[outcome] += 1


@contextmanager
def calling(port: int, callers: int) -> Iterator[Callers]:
    """So many clients, calling; they have ended afterwards."""
    calls = Callers(port)
    threads = [threading.Thread(target=calls.call, args=[number]) for number in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield calls
    finally:
        calls.end()
        for thread in threads:
            thread.join()


def _requests(number: int) -> list[tuple[str, str, str | None]]:
    """A write and two reads of what was written."""
    emaid, pcid = EMAIDS[number % len(EMAIDS)], PCIDS[0]
    body: dict[str, Any] = put_body(
        emaid=emaid, pcid=pcid, certificateInstallationRes=message(emaid, 0)
    )
    return [
        ("PUT", f"{BASE}/signedcontractdata", json.dumps(body)),
        ("GET", f"{BASE}/contractData/pcid/{pcid}", None),
        ("GET", f"{BASE}/signedcontractdata/{emaid}/{pcid}", None),
    ]
