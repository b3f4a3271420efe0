"""OpenSSL's command line as a CA: it answers OCSP requests and signs CRLs, from its own index."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ccp.workshop.certificates import Identity
from tests.workshop.openssl import openssl

_CONFIG = """
[ca]
default_ca = it
[it]
database = index.txt
crlnumber = crlnumber
default_md = sha512
"""


class OpensslCa:
    """
    A CA whose index knows some certificates.

    Args:
        folder: Of its own.
        identity: Its certificate and key.
    """

    def __init__(self, folder: Path, identity: Identity) -> None:
        self.folder = folder
        folder.mkdir()
        self._save("ca", identity)
        (folder / "index.txt").touch()
        (folder / "index.txt.attr").write_text("unique_subject = no\n")
        (folder / "crlnumber").write_text("01\n")
        (folder / "config").write_text(_CONFIG)

    def know(
        self, certificate: x509.Certificate, *, revoked: datetime | None = None, reason: str = ""
    ) -> None:
        """Write a certificate into the index, as revoked for a reason where a moment is given."""
        serial = f"{certificate.serial_number:X}"
        serial = serial.zfill(len(serial) + len(serial) % 2)
        ended = certificate.not_valid_after_utc
        when = f"{revoked:%y%m%d%H%M%SZ},{reason}" if revoked else ""
        line = ["R" if revoked else "V", f"{ended:%y%m%d%H%M%SZ}", when, serial, "unknown", "/CN=x"]
        with (self.folder / "index.txt").open("a") as index:
            index.write("\t".join(line) + "\n")

    def answer(self, request: bytes, *options: str, signer: Identity | None = None) -> bytes:
        """Answer an OCSP request, signed by the CA, or by somebody else."""
        name = "ca"
        if signer:
            name = "signer"
            self._save(name, signer)
        (self.folder / "request.der").write_bytes(request)
        ran = openssl(
            *("ocsp", "-index", "index.txt", "-CA", "ca.pem", "-reqin", "request.der"),
            *("-rsigner", f"{name}.pem", "-rkey", f"{name}.key", "-respout", "response.der"),
            *(options or ("-nmin", "10")),
            folder=self.folder,
        )
        assert ran.returncode == 0, ran.stderr
        return (self.folder / "response.der").read_bytes()

    @contextmanager
    def serving(self, port: int) -> Iterator[None]:
        """Answer OCSP requests on loopback for the block, signed by the CA."""
        command = ["openssl", "ocsp", "-index", "index.txt", "-CA", "ca.pem", "-nmin", "10"]
        signer = ["-rsigner", "ca.pem", "-rkey", "ca.key", "-port", str(port)]
        with subprocess.Popen(
            [*command, *signer],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as server:
            try:
                assert server.stdout
                assert server.stdout.readline().startswith(b"ACCEPT")
                yield
            finally:
                server.kill()

    def crl(self, *options: str) -> bytes:
        """Sign a CRL, PEM."""
        ran = openssl(
            *("ca", "-gencrl", "-config", "config", "-cert", "ca.pem", "-keyfile", "ca.key"),
            *(options or ("-crldays", "1")),
            folder=self.folder,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def request(self, certificate: x509.Certificate, *options: str) -> bytes:
        """The request that OpenSSL would send."""
        (self.folder / "leaf.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        files = ("-issuer", "ca.pem", "-cert", "leaf.pem", "-reqout", "asked.der")
        ran = openssl("ocsp", *files, *options, folder=self.folder)
        assert ran.returncode == 0, ran.stderr
        return (self.folder / "asked.der").read_bytes()

    def _save(self, name: str, identity: Identity) -> None:
        pem = identity.certificate.public_bytes(Encoding.PEM)
        (self.folder / f"{name}.pem").write_bytes(pem)
        key = identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / f"{name}.key").write_bytes(key)
