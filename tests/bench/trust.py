"""What trust costs: signatures and chains, next to one bare P-256 verification."""

import timeit
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from ccp.messages import read_installation_req, read_installation_res, verify_message
from ccp.pki.certificates import read_chain
from ccp.pki.chains import verify_chain
from ccp.trust.chain_cache import ChainCache
from ccp.trust.folder import Trust, load_trust
from ccp.workshop import EDITIONS, Edition
from tests.bench.data import Data
from tests.bench.options import Options
from tests.bench.table import Report
from tests.builders import NOW
from tests.trusted import contract_draft, request_draft, trust_folder

Check = Callable[[], object]


def main(_options: Options, _data: Data, report: Report) -> None:
    """Print milliseconds of each check, and how many bare verifications it costs."""
    with TemporaryDirectory() as folder:
        trust = load_trust(trust_folder(Path(folder) / "pki", edition=None), at=NOW)
    bare = _milliseconds(_bare_verification())
    report.details["trust_ms"] = {}
    print(f"\n{'ms':58}{'best':>8}{'median':>9}{'x bare':>9}")
    rows = [("one bare P-256 verification", _bare_verification())]
    for edition in EDITIONS:
        rows += [(f"{edition}, {name}", check) for name, check in _checks(edition, trust)]
    for name, check in rows:
        times = _milliseconds(check)
        report.details["trust_ms"][name] = {"best": min(times), "median": median(times)}
        ratio = min(times) / min(bare)
        print(f"{name:58}{min(times):8.3f}{median(times):9.3f}{ratio:9.1f}")


def _checks(edition: Edition, trust: Trust) -> Iterator[tuple[str, Check]]:
    res_exi, req_exi = contract_draft(edition=edition).exi(), request_draft(edition=edition).exi()
    res = read_installation_res(res_exi, edition.namespace)
    req = read_installation_req(req_exi, edition.namespace)
    cps = read_chain(res.cps_chain, "CPS certificate")
    car = read_chain(req.certificates, "provisioning certificate")
    cps_known = ChainCache(trust.v2g, name="CPS", chains=1)
    issuer_known = ChainCache(trust.oem, name="car", chains=0)
    car_known = ChainCache(trust.oem, name="car", chains=1)
    at = {"at": NOW, "suites": res.suites}
    yield (
        "PUT: signature, all digests",
        lambda: verify_message(res_exi, res.message, cps[0].public_key, res.suites),
    )
    yield (
        "a chain of four, of which nothing is known",
        lambda: verify_chain(cps, trust.v2g, name="CPS", **at),
    )
    yield (
        "PUT: chain of a CPS that has signed before",
        lambda: cps_known.verify(cps, **at),
    )
    yield (
        "POST: signature, one digest",
        lambda: verify_message(req_exi, req.message, car[0].public_key, req.suites),
    )
    yield (
        "a chain whose CAs are known, of a new contract or car",
        lambda: issuer_known.verify(car, **at),
    )
    yield (
        "POST: chain of a car that asks again",
        lambda: car_known.verify(car, **at),
    )


def _bare_verification() -> Callable[[], None]:
    key = ec.generate_private_key(ec.SECP256R1())
    signature = key.sign(b"data", ec.ECDSA(hashes.SHA256()))
    public_key = key.public_key()
    return lambda: public_key.verify(signature, b"data", ec.ECDSA(hashes.SHA256()))


def _milliseconds(check: Check) -> list[float]:
    return [1000 * seconds / 20 for seconds in timeit.repeat(check, number=20, repeat=15)]
