"""`make proof`: the proofs at full strength, in minutes; the tests do a handful of each."""

import random
import tempfile
from functools import partial
from pathlib import Path

from tests.proof.crash import kill_over_and_over

KILLS = 200


def main() -> None:
    """Prove it, and tell what was done."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"{KILLS} kills, seed {seed}")  # to be repeated
    note = partial(print, flush=True)
    with tempfile.TemporaryDirectory(prefix="ccp-proof-") as folder:
        written = kill_over_and_over(Path(folder), KILLS, seed, note)
    print(f"{KILLS} kills: none of {written} acknowledged writes was lost.")


if __name__ == "__main__":
    main()
