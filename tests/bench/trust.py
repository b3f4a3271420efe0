"""What trust costs: signatures and chains, next to one bare P-256 verification."""

import timeit
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from ccp.iso15118 import (
    decode,
    iso2,
)
from ccp.message_signatures import verify_message
from ccp.pki.certificates import read_certificate, read_chain
from ccp.pki.chains import ChainCache, verify_chain
from ccp.pki.signatures import ISO_15118_2_SUITES
from ccp.pki.trust import load_trust
from tests.builders import NOW
from tests.trusted import contract_draft, request_draft, trust_folder


def main() -> None:
    """Print milliseconds of each check, and how many bare verifications it costs."""
    with TemporaryDirectory() as folder:
        trust = load_trust(trust_folder(Path(folder) / "pki"), at=NOW)
    res_exi, req_exi = contract_draft().exi(), request_draft().exi()
    res, req = decode(res_exi), decode(req_exi)
    assert isinstance(res.body, iso2.CertificateInstallationRes)
    chain = res.body.sa_provisioning_certificate_chain
    cps = read_chain([chain.certificate, *chain.sub_certificates], "CPS certificate")
    car = read_certificate(request_draft().car.leaf.der, "provisioning certificate")
    cache = ChainCache(trust.oem, name="provisioning certificate")

    def verify_cps_chain() -> None:
        verify_chain(cps, trust.v2g, name="CPS", at=NOW, suites=ISO_15118_2_SUITES)

    def verify_new_car() -> None:
        verify_chain([car], trust.oem, name="car", at=NOW, suites=ISO_15118_2_SUITES)

    bare = _milliseconds(_bare_verification())
    print(f"{'ms':42}{'best':>8}{'median':>9}{'x bare':>9}")
    for name, check in (
        ("one bare P-256 verification", _bare_verification()),
        (
            "PUT: signature, four digests",
            lambda: verify_message(res_exi, res, cps[0].public_key, ISO_15118_2_SUITES),
        ),
        ("PUT: one chain of four certificates", verify_cps_chain),
        (
            "POST: signature, one digest",
            lambda: verify_message(req_exi, req, car.public_key, ISO_15118_2_SUITES),
        ),
        ("POST: chain of a car that asks first", verify_new_car),
        (
            "POST: chain of a car that asks again",
            lambda: cache.verify([car], at=NOW, suites=ISO_15118_2_SUITES),
        ),
    ):
        times = _milliseconds(check)
        ratio = min(times) / min(bare)
        print(f"{name:42}{min(times):8.3f}{median(times):9.3f}{ratio:9.1f}")


def _bare_verification() -> Callable[[], None]:
    key = ec.generate_private_key(ec.SECP256R1())
    signature = key.sign(b"data", ec.ECDSA(hashes.SHA256()))
    public_key = key.public_key()
    return lambda: public_key.verify(signature, b"data", ec.ECDSA(hashes.SHA256()))


def _milliseconds(check: Callable[[], None]) -> list[float]:
    return [1000 * seconds / 20 for seconds in timeit.repeat(check, number=20, repeat=15)]


if __name__ == "__main__":
    main()
