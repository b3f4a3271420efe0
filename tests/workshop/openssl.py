"""OpenSSL's command line as a judge of certificates, signatures and ciphers."""

import shutil
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ccp.workshop.certificates import Chain
from tests.waiting import SECONDS

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the judge is the openssl command"
)


def openssl(
    *arguments: str, stdin: bytes = b"", folder: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a command of OpenSSL, in *folder* if one is given."""
    command = ["openssl", *arguments]
    return subprocess.run(command, input=stdin, cwd=folder, capture_output=True, timeout=SECONDS)


def verify(chain: Chain, folder: Path, *, at: datetime, roots: Sequence[x509.Certificate]) -> str:
    """What `openssl verify` says of a chain, by the letter of RFC 5280; empty if it holds."""
    authority = chain.authority
    _write(folder / "roots.pem", roots)
    _write(folder / "subs.pem", [authority.sub_1.certificate, authority.sub_2.certificate])
    _write(folder / "leaf.pem", [chain.leaf.certificate])
    instant = str(int(at.timestamp()))
    ran = openssl(
        *("verify", "-x509_strict", "-attime", instant, "-CAfile", f"{folder}/roots.pem"),
        *("-untrusted", f"{folder}/subs.pem", f"{folder}/leaf.pem"),
    )
    return "" if ran.returncode == 0 else (ran.stdout + ran.stderr).decode()


def _write(path: Path, certificates: Sequence[x509.Certificate]) -> None:
    path.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in certificates))
