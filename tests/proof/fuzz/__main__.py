"""
One fuzzer: `python -m tests.proof.fuzz TARGET FOLDER POOLS [options of libFuzzer]`.

It ends when it has found something. What reaches something new is added to FOLDER/corpus; POOLS is
the folder of the pools that it asks.
"""

import logging
import resource
import sys
import time
from pathlib import Path
from random import Random

import atheris
import structlog

with atheris.instrument_imports(include=["ccp", "asn1crypto"]):
    from tests.proof.fuzz.corpus import read_corpus
    from tests.proof.fuzz.targets import Target, made_target

_MOST_SECONDS = 0.3  # ten requests, in instrumented code, which takes several times as long
_MOST_KILOBYTES = 16 * 1024
_WARM = 200  # inputs until caches and pools have what they keep


def main(name: str, folder: Path, pools: Path, options: list[str]) -> None:
    """Fuzz; libFuzzer ends the process itself, with a status other than 0 where it has found."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    (corpus := folder / "corpus").mkdir()
    with made_target(name, pools) as target:
        for number, seed in enumerate([*target.seeds(), *read_corpus(name)]):
            (corpus / f"begun-with-{number}").write_bytes(seed)

        def mutator(data: bytes, longest: int, seed: int) -> bytes:
            random = Random(seed)  # noqa: S311 - to be repeated
            # What atheris.Mutate is, is not known before it fuzzes.
            return target.mutate(data, longest, random, lambda *given: atheris.Mutate(*given))

        arguments = [sys.argv[0], str(corpus), f"-max_len={target.longest}", *options]
        atheris.Setup(arguments, _Bounded(target), custom_mutator=mutator)
        atheris.Fuzz()


class _Bounded:
    """A target that has to be quick, and content with little memory."""

    def __init__(self, target: Target) -> None:
        self._take = target.take
        self._inputs = 0

    def __call__(self, data: bytes) -> None:
        self._inputs += 1
        memory = _peak_kilobytes()
        seconds = self._seconds(data)
        if seconds > _MOST_SECONDS:  # was it the input, or something else?
            seconds = min(self._seconds(data) for _ in range(3))
            assert seconds < _MOST_SECONDS, f"took {seconds:.3f} s of processor time"
        grown = _peak_kilobytes() - memory
        assert grown < _MOST_KILOBYTES or self._inputs < _WARM, f"took {grown} KiB"

    def _seconds(self, data: bytes) -> float:
        start = time.process_time()
        self._take(data)
        return time.process_time() - start


def _peak_kilobytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
