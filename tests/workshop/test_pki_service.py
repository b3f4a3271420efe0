"""What the workshop's PKI service tells of certificates, as OpenSSL asks and judges it."""

import base64
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ccp.workshop import ED448, EDITION_2, EDITION_20, P256, P521, Pki, make_contract, make_pki
from ccp.workshop.certificates import Chain, Identity
from ccp.workshop.folder import save_pkis
from ccp.workshop.pki import make_car
from ccp.workshop.pki_service import make_server
from ccp.workshop.revocation import Revoker
from tests.running import SECONDS, free_port
from tests.workshop.openssl import needs_openssl, openssl

NOW = datetime.now(UTC)
MADE_AT = NOW - timedelta(days=1)
KINDS = [(EDITION_2, P256), (EDITION_20, P521), (EDITION_20, ED448)]


class Service:
    """A running service, and the PKI that it answers for."""

    def __init__(self, folder: Path, url: str, pki: Pki) -> None:
        self.folder = folder
        self.url = url
        self.pki = pki
        self.revoker = Revoker(folder / "workshop", lambda: datetime.now(UTC))

    def save(self, name: str, one: Identity) -> str:
        """Write a certificate for OpenSSL; its path."""
        path = self.folder / f"{name}.pem"
        path.write_bytes(one.certificate.public_bytes(Encoding.PEM))
        return str(path)

    def ask(self, leaf: Identity, issuer: Identity) -> str:
        """What `openssl ocsp` says of a certificate when it asks where that says."""
        ca = self.save("issuer", issuer)
        ran = openssl(
            *("ocsp", "-issuer", ca, "-cert", self.save("leaf", leaf), "-url", self.ocsp_url(leaf)),
            *("-CAfile", ca, "-partial_chain", "-no_nonce"),
        )
        assert b"Response verify OK" in ran.stderr, ran.stderr
        return ran.stdout.decode()

    def ocsp_url(self, leaf: Identity) -> str:
        """Where OpenSSL reads in a certificate that OCSP is answered."""
        path = self.save("leaf", leaf)
        return openssl("x509", "-in", path, "-noout", "-ocsp_uri").stdout.decode().strip()


@pytest.fixture(params=KINDS, ids=lambda kind: kind[1].slug)
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """A service on loopback, whose URL its certificates name."""
    edition, profile = request.param
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    pki = make_pki(edition, at=MADE_AT, profile=profile, pki_url=url)
    other = make_pki(EDITION_20 if edition is EDITION_2 else EDITION_2, at=MADE_AT)
    save_pkis(tmp_path / "workshop", [pki, other])
    running = Service(tmp_path, url, pki)
    with make_server(running.revoker, port, lambda _: None) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield running
        server.shutdown()


def leaves(pki: Pki) -> list[tuple[Identity, Identity]]:
    """A certificate of each kind, and who has issued it."""
    chains: list[Chain] = [
        make_contract(pki.emsp, "DEWRKC00000001", at=MADE_AT),
        make_car(pki.oem, pki.edition.pcid, at=MADE_AT),
        *pki.cps.values(),
    ]
    emsp = pki.emsp
    return [
        *((chain.leaf, chain.authority.sub_2) for chain in chains),
        (emsp.sub_2, emsp.sub_1),
        (emsp.sub_1, emsp.root),
    ]


@needs_openssl
def test_openssl_is_told_what_is_revoked(service: Service) -> None:
    """By OCSP, of leaves and sub-CAs, where the certificates themselves say; before and after."""
    for leaf, issuer in leaves(service.pki):
        assert service.ocsp_url(leaf) == f"{service.url}/ocsp"
        assert ".pem: good" in service.ask(leaf, issuer)
        assert service.revoker.revoke(leaf.certificate, x509.ReasonFlags.key_compromise)
        told = service.ask(leaf, issuer)
        assert ".pem: revoked" in told
        assert "Reason: keyCompromise" in told


@needs_openssl
def test_openssl_finds_it_in_the_crl(service: Service) -> None:
    """That of its own distribution point, which is there before anything is revoked."""
    leaf, issuer = leaves(service.pki)[0]
    points = leaf.certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    (url,) = (name.value for point in points for name in point.full_name or ())
    ca, path = service.save("ca", issuer), service.save("leaf", leaf)

    def verified() -> bytes:
        answer = httpx2.get(url, trust_env=False, timeout=SECONDS)
        assert answer.headers["content-type"] == "application/pkix-crl"
        (service.folder / "it.crl").write_bytes(answer.content)
        crl = str(service.folder / "it.crl")
        verify = ("verify", "-partial_chain", "-trusted", ca, "-CRLfile", crl, "-crl_check", path)
        ran = openssl(*verify)
        return ran.stdout + ran.stderr

    assert b"leaf.pem: OK" in verified()
    service.revoker.revoke(leaf.certificate, x509.ReasonFlags.superseded)
    assert b"certificate revoked" in verified()


@needs_openssl
def test_a_request_may_be_in_the_path(service: Service) -> None:
    """RFC 6960, A.1: the same answer to a GET, but for its moment and its signature."""
    leaf, issuer = leaves(service.pki)[0]
    files = ("-issuer", service.save("ca", issuer), "-cert", service.save("leaf", leaf))
    path = service.folder / "request.der"
    openssl("ocsp", *files, "-no_nonce", "-reqout", str(path))
    encoded = quote(base64.b64encode(path.read_bytes()).decode(), safe="")
    answer = httpx2.get(f"{service.url}/ocsp/{encoded}", trust_env=False, timeout=SECONDS)
    assert answer.headers["content-type"] == "application/ocsp-response"
    (service.folder / "response.der").write_bytes(answer.content)
    given = ("-respin", str(service.folder / "response.der"), "-CAfile", files[1], "-partial_chain")
    ran = openssl("ocsp", *files, "-no_nonce", *given)
    assert b"Response verify OK" in ran.stderr
    assert b"leaf.pem: good" in ran.stdout


@needs_openssl
def test_what_it_does_not_answer_is_told(service: Service) -> None:
    """Of another PKI's certificates, of what is no request, and of no such path."""
    stranger = make_pki(at=MADE_AT).emsp
    leaf = make_contract(stranger, "DEWRKC00000001", at=MADE_AT).leaf
    files = ("-issuer", service.save("ca", stranger.sub_2), "-cert", service.save("leaf", leaf))
    ran = openssl("ocsp", *files, "-url", f"{service.url}/ocsp")
    assert b"unauthorized (6)" in ran.stdout + ran.stderr
    url = f"{service.url}/ocsp"
    answer = httpx2.post(url, content=b"nonsense", trust_env=False, timeout=SECONDS)
    assert answer.content == bytes.fromhex("30030a0101")  # malformedRequest
    for path, status in (("/ocsp/!", 400), ("/crl/00.crl", 404), ("/", 404)):
        answer = httpx2.get(service.url + path, trust_env=False, timeout=SECONDS)
        assert answer.status_code == status


@pytest.mark.parametrize(("edition", "profile"), KINDS)
def test_certificates_that_name_it_still_fit(edition, profile) -> None:
    """Into messages, which leave a certificate no more than so many bytes."""
    pki = make_pki(edition, at=MADE_AT, profile=profile, pki_url="http://127.0.0.1:8090")
    contract = make_contract(pki.emsp, "DEWRKC00000001", at=MADE_AT)
    chains = [contract, make_car(pki.oem, edition.pcid, at=MADE_AT), *pki.cps.values()]
    largest = max(len(der) for chain in chains for der in (chain.leaf.der, *chain.der().sub_cas))
    assert largest <= profile.largest_der
