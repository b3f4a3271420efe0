"""EXIficient, as the `iso15118` package drives it from Python: over a gateway to a Java process."""

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Codec(Protocol):
    """What `iso15118` has messages decoded and encoded by; its messages are JSON."""

    def decode(self, stream: bytes, namespace: str) -> str:
        """EXI to JSON."""

    def encode(self, message: str, namespace: str) -> bytes:
        """JSON to EXI."""


def why_no_exificient() -> str:
    """Say why EXIficient cannot be run; nothing where it can."""
    return "" if shutil.which("java") else "there is no java"


@contextmanager
def exificient() -> Iterator[Codec]:
    """Run the Java process until the block ends."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package is written for an older pydantic
        from iso15118.shared.exificient_exi_codec import ExificientEXICodec
    codec = ExificientEXICodec()
    process = codec.gateway.java_process
    try:
        yield codec
    finally:
        codec.gateway.shutdown()
        for stream in (process.stdin, process.stdout):
            stream.close()
        process.wait(10)
