"""The workshop's root pool: what it says of a root is what OpenSSL says of it."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner

from ccp.cli import cli
from ccp.workshop import EDITIONS, make_pki
from ccp.workshop.folder import save_pkis
from tests.root_pools import serving_roots
from tests.waiting import SECONDS
from tests.workshop.openssl import needs_openssl, openssl

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workshop with both PKIs."""
    folder = tmp_path_factory.mktemp("roots") / "workshop"
    save_pkis(folder, [make_pki(edition, at=NOW - timedelta(1)) for edition in EDITIONS])
    return folder


@pytest.fixture(scope="module")
def url(workshop: Path) -> Iterator[str]:
    """Where its root pool is."""
    with serving_roots(workshop) as url:
        yield url


def get(url: str) -> httpx2.Response:
    """Ask it."""
    return httpx2.get(url, trust_env=False, timeout=SECONDS)


@pytest.mark.parametrize(
    ("pki_type", "roots"),
    [
        ("v2g", ["iso2-root-a", "iso2-root-b", "iso20-root-a", "iso20-root-b"]),
        ("emsp", ["iso2-root", "iso20-root"]),
        ("oem", ["iso2-root", "iso20-root"]),
        ("pe", []),
    ],
)
def test_each_type_has_its_roots(workshop: Path, url: str, pki_type: str, roots: list[str]) -> None:
    """And none of the OEMs' sub-CAs, which a pool's folder has too."""
    found = get(f"{url}/rootcertificates?pkiType={pki_type}").json()["rootCertificateCollection"]
    files = [workshop / "trust" / pki_type / f"{name}.pem" for name in roots]
    expected = [openssl("x509", "-in", str(file), "-outform", "DER").stdout for file in files]
    assert [base64.b64decode(one["caCertificate"]) for one in found] == expected
    shown = {"v2g": "V2G", "emsp": "eMSP", "oem": "OEM"}
    assert all(one["rootTypeList"] == [shown[pki_type]] for one in found)


@needs_openssl
def test_what_is_informative_is_right(url: str) -> None:
    """Serial number, fingerprint and validity, as OpenSSL reads them in the certificate."""
    every = get(f"{url}/rootcertificates").json()["rootCertificateCollection"]
    assert len(every) == 8
    for one in every:
        der = base64.b64decode(one["caCertificate"])
        said = openssl(
            *("x509", "-inform", "DER", "-noout", "-serial", "-fingerprint", "-sha256"),
            *("-dates", "-dateopt", "iso_8601", "-subject"),
            stdin=der,
        ).stdout.decode()
        lines = dict(line.split("=", 1) for line in said.splitlines())
        assert int(lines["serial"], 16) == int(one["rootIssuerSerialNumber"], 16)
        assert lines["sha256 Fingerprint"].replace(":", "").lower() == one["fingerprint"]
        assert lines["notBefore"].replace(" ", "T") == one["validFrom"]
        assert lines["notAfter"].replace(" ", "T") == one["validTo"]
        assert one["commonName"] in lines["subject"]


def test_one_root_may_be_of_several_types(tmp_path: Path) -> None:
    """It is there once, and found under each."""
    workshop = tmp_path / "workshop"
    save_pkis(workshop, [make_pki(at=NOW - timedelta(1))])
    root = workshop / "trust" / "v2g" / "iso2-root-a.pem"
    (workshop / "trust" / "oem" / "shared.pem").write_bytes(root.read_bytes())
    with serving_roots(workshop) as url:
        answers = {
            kind: get(f"{url}/rootcertificates?pkiType={kind}").json()["rootCertificateCollection"]
            for kind in ("v2g", "oem")
        }
    shared = [one for one in answers["v2g"] if one in answers["oem"]]
    assert [one["rootTypeList"] for one in shared] == [["V2G", "OEM"]]


def test_it_serves_what_is_in_the_folder_now(tmp_path: Path) -> None:
    """A root that is taken away is gone."""
    workshop = tmp_path / "workshop"
    save_pkis(workshop, [make_pki(at=NOW - timedelta(1))])
    with serving_roots(workshop) as url:
        before = get(f"{url}/rootcertificates?pkiType=v2g").json()
        (workshop / "trust" / "v2g" / "iso2-root-b.pem").unlink()
        after = get(f"{url}/rootcertificates?pkiType=v2g").json()
    numbers = [len(one["rootCertificateCollection"]) for one in (before, after)]
    assert numbers == [2, 1]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/rootcertificates?pkiType=nonsense", 400), ("/", 404), ("/rootcertificates/7", 404)],
)
def test_what_it_has_not_is_an_error_of_the_api(url: str, path: str, status: int) -> None:
    """With a sentence and a trace id."""
    answer = get(url + path)
    assert answer.status_code == status
    assert len(answer.json()["errorMessages"]) == 1
    assert answer.json()["traceId"]


def test_without_a_workshop_there_is_no_root_pool(tmp_path: Path) -> None:
    """Told in a sentence."""
    result = CliRunner().invoke(cli, ["workshop", "root-pool", "--folder", str(tmp_path / "no")])
    assert result.exit_code == 1
    assert result.stderr == f"Error: {tmp_path}/no has no PKI; `ccp workshop pki` makes one\n"
