"""
How long the EXI codec takes, and how long EXIficient.

Machines differ, and one machine from hour to hour: the column `x shifts` puts each time next to
that of shifting the Res by one to seven bits, which any decoder in Python has to do in some way.
"""

import timeit
from collections.abc import Callable
from functools import partial
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
from tests.bench.data import Data
from tests.bench.exificient import exificient, why_no_exificient
from tests.bench.figures import ratios
from tests.bench.options import Options
from tests.bench.table import Goal, Report
from tests.vectors import genuine_res, iso20_requests, iso20_shapes, requests

_ISO_15118_2 = "urn:iso:15118:2:2013:MsgDef"
_ISO_15118_20 = "urn:iso:std:iso:15118:-20:CommonMessages"  # as `iso15118` spells it
_JAVA_WARM_UP = 30  # calls
_JAVA_CALLS = 25  # of a round
_REQ_GOAL = Goal(">=", 400)
_RES_GOAL = Goal(">=", 150)
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


def main(options: Options, _data: Data, report: Report) -> None:
    """Measure the codec alone, then next to EXIficient."""
    _print_calls(report)
    _compare(options.rounds, report)


def _print_calls(report: Report) -> None:
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
    print(f"\n{'µs':<52} {'best':>8} {'median':>8} {'x shifts':>9}")
    reference, _ = measure(lambda: shift_seven_times(res))
    report.details["codec_us"] = {}
    for name, call in calls.items():
        best, middle = measure(call)
        report.details["codec_us"][name] = {"best": best, "median": middle}
        print(f"{name:<52} {best:>8.1f} {middle:>8.1f} {best / reference:>9.2f}")


def _compare(rounds: int, report: Report) -> None:
    """Time decoding and encoding of both, next to each other in each round."""
    (res20,) = (vector.exi for vector in iso20_shapes() if vector.name == "res signed")
    messages = {
        "-2 Req": (requests()["WP0ZZZ99ZTS392124"].exi, _ISO_15118_2, _REQ_GOAL),
        "-2 Res": (genuine_res(), _ISO_15118_2, _RES_GOAL),
        "-20 Req": (iso20_requests()["HUBOpenProvCert020"].exi, _ISO_15118_20, None),
        "-20 Res": (res20, _ISO_15118_20, None),
    }
    if why := why_no_exificient():
        for name, (_, _, goal) in messages.items():
            report.skip(f"{name} decode: times as fast as EXIficient from Python", why, goal)
        return
    details = report.details["exificient_us"] = {}
    with exificient() as java:
        for name, (exi, namespace, goal) in messages.items():
            message, text = decode(exi), java.decode(exi, namespace)
            if bytes(java.encode(text, namespace)) != exi:
                raise RuntimeError(f"EXIficient encodes another {name}")
            pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
                "decode": (partial(decode, exi), partial(java.decode, exi, namespace)),
                "encode": (partial(encode, message), partial(java.encode, text, namespace)),
            }
            for what, (ours, theirs) in pairs.items():
                _median_us(theirs, _JAVA_WARM_UP)
                times = [(measure(ours)[1], _median_us(theirs, _JAVA_CALLS)) for _ in range(rounds)]
                our_times, their_times = zip(*times, strict=True)
                details[f"{name} {what}"] = {"ours": our_times, "exificient": their_times}
                report.add(
                    f"{name} {what}: times as fast as EXIficient from Python",
                    ratios(their_times, our_times),
                    goal if what == "decode" else None,
                )


def _median_us(call: Callable[[], object], calls: int) -> float:
    return 1e6 * median(timeit.repeat(call, number=1, repeat=calls))


def shift_seven_times(data: bytes) -> list[bytes]:
    """Shift *data* by one to seven bits."""
    number = int.from_bytes(data, "big")
    return [(number << bits).to_bytes(len(data) + 1, "big") for bits in range(1, 8)]
