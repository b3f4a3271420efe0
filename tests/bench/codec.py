"""
How long the EXI codec takes: ``python -m tests.bench.codec``.

Machines differ, and one machine from hour to hour: the column `x shifts` puts each time next to
that of shifting the Res by one to seven bits, which any decoder in Python has to do in some way.
"""

from collections.abc import Callable
from statistics import median
from time import perf_counter

from ccp.iso15118 import (
    decode,
    encode,
    iso2_failure,
    iso20_failure,
    sniff,
    with_session_id,
    with_time_stamp,
    with_value,
)
from tests.vectors import genuine_res, iso20_requests, iso20_shapes, requests

BATCHES = 1000
CALLS = 10  # a batch; short, so that some batches are not disturbed by other processes


def measure(call: Callable[[], object]) -> tuple[float, float]:
    """The best and the median duration of *call* over many batches, in microseconds."""
    durations = []
    for _ in range(BATCHES):
        start = perf_counter()
        for _ in range(CALLS):
            call()
        durations.append((perf_counter() - start) / CALLS * 1e6)
    return min(durations), median(durations)


def main() -> None:
    """Print microseconds of each call, and how many reference calls it costs."""
    req = requests()["WP0ZZZ99ZTS392124"].exi
    res = genuine_res()
    session_id = bytes(range(8))
    failure = iso2_failure(session_id, "FAILED_NoCertificateAvailable")
    req_message, res_message = decode(req), decode(res)
    req20 = iso20_requests()["HUBOpenProvCert020"].exi
    (res20,) = (vector.exi for vector in iso20_shapes() if vector.name == "res signed")
    req20_message, res20_message = decode(req20), decode(res20)
    now = 1_760_000_000
    failure20 = iso20_failure(session_id, "FAILED", time_stamp=now)
    bit, _ = res20_message.spans["ResponseCode"]
    calls: dict[str, Callable[[], object]] = {
        f"reference: {len(res)} bytes shifted seven times": lambda: shift_seven_times(res),
        f"-2 Req ({len(req)} bytes), sniff": lambda: sniff(req),
        f"-2 Req ({len(req)} bytes), decode": lambda: decode(req),
        f"-2 Req ({len(req)} bytes), encode": lambda: encode(req_message),
        f"-2 Res ({len(res)} bytes), decode": lambda: decode(res),
        f"-2 Res ({len(res)} bytes), encode": lambda: encode(res_message),
        f"-2 failure ({len(failure)} bytes), decode": lambda: decode(failure),
        f"-2 failure ({len(failure)} bytes), make": lambda: iso2_failure(session_id, "FAILED"),
        "session id of a -2 Res rewritten": lambda: with_session_id(res, session_id),
        f"-20 Req ({len(req20)} bytes), decode": lambda: decode(req20),
        f"-20 Req ({len(req20)} bytes), encode": lambda: encode(req20_message),
        f"-20 Res ({len(res20)} bytes), decode": lambda: decode(res20),
        f"-20 Res ({len(res20)} bytes), encode": lambda: encode(res20_message),
        f"-20 failure ({len(failure20)} bytes), decode": lambda: decode(failure20),
        f"-20 failure ({len(failure20)} bytes), make": lambda: iso20_failure(
            session_id, "FAILED", time_stamp=now
        ),
        "session id and TimeStamp of a -20 Res rewritten": lambda: with_time_stamp(
            with_session_id(res20, session_id), now
        ),
        "ResponseCode of a -20 Res rewritten": lambda: with_value(
            res20, "ResponseCode", bit, "OK_CertificateExpiresSoon"
        ),
    }
    print(f"{'µs':<52} {'best':>8} {'median':>8} {'x shifts':>9}")
    reference, _ = measure(lambda: shift_seven_times(res))
    for name, call in calls.items():
        best, middle = measure(call)
        print(f"{name:<52} {best:>8.1f} {middle:>8.1f} {best / reference:>9.2f}")


def shift_seven_times(data: bytes) -> list[bytes]:
    """Shift *data* by one to seven bits."""
    number = int.from_bytes(data, "big")
    return [(number << bits).to_bytes(len(data) + 1, "big") for bits in range(1, 8)]


if __name__ == "__main__":
    main()
