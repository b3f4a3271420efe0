"""How long the EXI codec takes: ``python -m tests.bench.codec``."""

from collections.abc import Callable
from statistics import median
from time import perf_counter

from ccp.iso15118 import decode, encode, failure_res, sniff, with_session_id
from tests.vectors import genuine_res, requests

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
    req = requests()["WP0ZZZ99ZTS392124"].exi
    res = genuine_res()
    session_id = bytes(range(8))
    failure = failure_res(session_id, "FAILED_NoCertificateAvailable")
    req_message, res_message = decode(req), decode(res)
    calls: dict[str, Callable[[], object]] = {
        f"CertificateInstallationReq ({len(req)} bytes), sniff": lambda: sniff(req),
        f"CertificateInstallationReq ({len(req)} bytes), decode": lambda: decode(req),
        f"CertificateInstallationReq ({len(req)} bytes), encode": lambda: encode(req_message),
        f"CertificateInstallationRes ({len(res)} bytes), decode": lambda: decode(res),
        f"CertificateInstallationRes ({len(res)} bytes), encode": lambda: encode(res_message),
        f"failure ({len(failure)} bytes), decode": lambda: decode(failure),
        f"failure ({len(failure)} bytes), make": lambda: failure_res(session_id, "FAILED"),
        "session id splice": lambda: with_session_id(res, session_id),
    }
    print(f"{'µs':<52} {'best':>8} {'median':>8}")
    for name, call in calls.items():
        best, middle = measure(call)
        print(f"{name:<52} {best:>8.1f} {middle:>8.1f}")


if __name__ == "__main__":
    main()
