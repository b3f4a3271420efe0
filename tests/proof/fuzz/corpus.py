"""
What fuzzers have found worth keeping.

That is, inputs that reach what none of the seeds reaches (as `-merge=1` of libFuzzer told), and
everything that was ever found wrong. To keep one more, add its Base64 text as a line.
"""

from base64 import b64decode
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"


def read_corpus(target: str) -> list[bytes]:
    """Read the inputs that are kept for a target."""
    return [b64decode(line) for line in (FOLDER / f"{target}.txt").read_text().splitlines()]
