"""
The workshop on disk: ordinary PEM, DER and JSON files; private keys are for their owner alone.

    trust/v2g, trust/emsp, trust/oem   what a pool has to trust, as CCP_TRUST_DIR wants it
    cas                                the CAs that issue contracts, as CCP_OPERATOR_CAS wants them

and for each edition in a folder of its own, iso2 or iso20,

    cps-a, cps-b, emsp, oem            CAs and CPS: NAME.pem and NAME.key
    cars/PCID                          provisioning certificate and key, last session;
                                       installed/EMAID.pem has a contract and its sub-CAs
    contracts/EMAID                    contract certificate and key
    emsp/sub-2.crl                     the contracts that are revoked; other CAs have such files too
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ccp.workshop.car import Session
from ccp.workshop.certificates import Authority, Chain, Identity
from ccp.workshop.edition import Edition, TimeUnit
from ccp.workshop.editions import EDITION_2
from ccp.workshop.errors import WorkshopError
from ccp.workshop.install import Installed
from ccp.workshop.pki import V2G_ROOTS, Pki
from ccp.workshop.profiles import PrivateKey

_CAS = ("root", "sub-1", "sub-2")


class Folder:
    """
    The part of the workshop that is of one edition: a test PKI, cars and contracts made with it.

    Args:
        workshop: The folder with all of it.
    """

    def __init__(self, workshop: Path, edition: Edition = EDITION_2) -> None:
        self.edition = edition
        self.trust = workshop / "trust"
        self._cas = workshop / "cas"
        self.path = workshop / edition.profile.slug

    def save_pki(self, pki: Pki) -> None:
        """
        Write a new PKI.

        Raises:
            WorkshopError: There is something in the folder; nothing was written.
        """
        _check_empty(self.path)
        for letter, cps in pki.cps.items():
            folder = self._cps(letter)
            _save_authority(folder, cps.authority)
            _save(folder, "cps", cps.leaf)
        _save_authority(self.path / "emsp", pki.emsp)
        _save_authority(self.path / "oem", pki.oem)
        save_trust(self.trust, pki)
        self._cas.mkdir(exist_ok=True)
        issuer = self._cas / f"{self.edition.profile.slug}.pem"
        issuer.write_bytes(pki.emsp.sub_2.certificate.public_bytes(Encoding.PEM))

    def load_pki(self) -> Pki:
        """
        Read the PKI.

        Raises:
            WorkshopError: There is none, or it cannot be read.
        """
        if not self.path.is_dir():
            raise WorkshopError(f"{self.path.parent} has no PKI; `ccp workshop pki` makes one")
        cps = {}
        for letter in V2G_ROOTS:
            folder = self._cps(letter)
            cps[letter] = Chain(_load(folder, "cps"), _load_authority(folder))
        emsp, oem = (_load_authority(self.path / name) for name in ("emsp", "oem"))
        return Pki(self.edition, cps, emsp, oem)

    def save_car(self, pcid: str, car: Chain) -> Path:
        """
        Write a car's provisioning certificate and key.

        Returns: The car's folder.
        Raises:
            WorkshopError: The car is there already.
        """
        folder = self._car(pcid)
        if folder.exists():
            raise WorkshopError(f"{folder} is there already; nothing in it was changed")
        _save(folder, "provisioning", car.leaf)
        (folder / "provisioning.der").write_bytes(car.leaf.der)
        return folder

    def load_car(self, pcid: str, pki: Pki) -> Chain:
        """
        Read a car.

        Raises:
            WorkshopError: There is none of this PCID.
        """
        if not self._car(pcid).exists():
            raise WorkshopError(f"there is no car {pcid}; `ccp workshop car` makes one")
        return Chain(_load(self._car(pcid), "provisioning"), pki.oem)

    def save_contract(self, emaid: str, contract: Chain) -> None:
        """Write a contract certificate and its key."""
        _save(self._contract(emaid), "contract", contract.leaf)

    def find_contract(self, emaid: str, pki: Pki) -> Chain | None:
        """Read a contract certificate; None if there is none of this EMAID."""
        folder = self._contract(emaid)
        return Chain(_load(folder, "contract"), pki.emsp) if folder.exists() else None

    def contract_certificates(self) -> Iterator[x509.Certificate]:
        """Give the certificates of all contracts that were made here."""
        for path in sorted((self.path / "contracts").glob("*/contract.pem")):
            yield x509.load_pem_x509_certificate(path.read_bytes())

    def cas(self) -> Iterator[tuple[str, Identity]]:
        """Give all CAs, each with its name here, such as `emsp/sub-2`."""
        pki = self.load_pki()
        authorities = {self._cps(letter).name: cps.authority for letter, cps in pki.cps.items()}
        for folder, authority in (*authorities.items(), ("emsp", pki.emsp), ("oem", pki.oem)):
            for name, ca in zip(_CAS, _members(authority), strict=True):
                yield f"{folder}/{name}", ca

    def find_crl(self, ca: str = "emsp/sub-2") -> x509.CertificateRevocationList | None:
        """Read what a CA has revoked, that of contracts by default; None if that is nothing."""
        path = self._crl(ca)
        return x509.load_pem_x509_crl(path.read_bytes()) if path.exists() else None

    def save_crl(self, ca: str, pem: bytes) -> None:
        """Write a CA's new revocation list in place of the last one, at once and as a whole."""
        draft = self._crl(ca).with_suffix(".new")
        draft.write_bytes(pem)
        draft.replace(self._crl(ca))

    def save_session(self, pcid: str, session: Session, roots: Iterable[str]) -> None:
        """
        Write what the car has to remember until the answer to its request comes.

        Args:
            roots: The letters of the V2G roots that it has installed.
        """
        values = {
            "sessionId": session.session_id.hex(),
            "v2gRoots": list(roots),
            "timeUnit": session.time_unit.name,
            "maximum": session.maximum,
        }
        (self._car(pcid) / "session.json").write_text(json.dumps(values) + "\n")

    def load_session(self, pcid: str, pki: Pki) -> Session:
        """
        Read what the car remembers of its last request.

        Raises:
            WorkshopError: The car has not asked yet, or its file was spoilt.
        """
        try:
            values = json.loads((self._car(pcid) / "session.json").read_text())
            return Session(
                edition=self.edition,
                session_id=bytes.fromhex(values["sessionId"]),
                roots=[pki.v2g_root(letter).certificate for letter in values["v2gRoots"]],
                time_unit=TimeUnit[values["timeUnit"]],
                maximum=int(values["maximum"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            raise WorkshopError(
                f"the car {pcid} has not asked for a contract; `ccp workshop request` does"
            ) from None

    def save_installed(self, pcid: str, installed: Installed) -> Path:
        """
        Write a contract into its car; once more if it is the same.

        Returns: The file of its chain, leaf first; the key lies beside it.
        Raises:
            WorkshopError: The car has another key for this EMAID.
        """
        folder = self._car(pcid) / "installed"
        if (folder / f"{installed.emaid}.key").exists():
            there = _load(folder, installed.emaid).key.public_key()
            if there != installed.contract.key.public_key():
                raise WorkshopError(f"{folder} has another key of {installed.emaid}")
        else:
            _save(folder, installed.emaid, installed.contract, installed.sub_certificates)
        return folder / f"{installed.emaid}.pem"

    def _crl(self, ca: str) -> Path:
        return self.path / f"{ca}.crl"

    def _cps(self, letter: str) -> Path:
        return self.path / f"cps-{letter.lower()}"

    def _car(self, pcid: str) -> Path:
        return self.path / "cars" / pcid

    def _contract(self, emaid: str) -> Path:
        return self.path / "contracts" / emaid


def save_pkis(workshop: Path, pkis: Iterable[Pki]) -> None:
    """
    Write a new workshop, with the PKIs of several editions.

    Raises:
        WorkshopError: There is something in the folder; nothing was written.
    """
    _check_empty(workshop)
    for pki in pkis:
        Folder(workshop, pki.edition).save_pki(pki)


def save_trust(trust: Path, pki: Pki) -> None:
    """Write what a pool has to trust to verify what was signed with a PKI; add it to what is."""
    anchors = {("v2g", f"root-{letter.lower()}"): pki.v2g_root(letter) for letter in pki.cps}
    anchors["emsp", "root"] = pki.emsp.root
    for name, ca in zip(_CAS, _members(pki.oem), strict=True):
        if name == "root" or not pki.edition.requests_bring_sub_cas:
            anchors["oem", name] = ca
    for (kind, name), ca in anchors.items():
        (trust / kind).mkdir(parents=True, exist_ok=True)
        path = trust / kind / f"{pki.oem.profile.slug}-{name}.pem"
        path.write_bytes(ca.certificate.public_bytes(Encoding.PEM))


def _check_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WorkshopError(f"{folder} is there already; nothing in it was changed")


def _members(authority: Authority) -> tuple[Identity, Identity, Identity]:
    return authority.root, authority.sub_1, authority.sub_2


def _save_authority(folder: Path, authority: Authority) -> None:
    for name, identity in zip(_CAS, _members(authority), strict=True):
        _save(folder, name, identity)


def _load_authority(folder: Path) -> Authority:
    return Authority(*(_load(folder, name) for name in _CAS))


def _save(
    folder: Path, name: str, identity: Identity, above: Iterable[x509.Certificate] = ()
) -> None:
    """
    Write a key that nobody else can read at any time, and never over another; then the rest.

    Args:
        above: Certificates to stand after that of *identity* in its file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pem = identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(folder / f"{name}.key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise WorkshopError(f"{folder / name}.key is there already") from None
    with open(descriptor, "wb") as file:
        file.write(pem)
    chain = (identity.certificate, *above)
    (folder / f"{name}.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in chain))


def _load(folder: Path, name: str) -> Identity:
    try:
        key = load_pem_private_key((folder / f"{name}.key").read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
    except (OSError, ValueError, TypeError):
        raise WorkshopError(f"{folder / name}: the certificate or its key cannot be read") from None
    if not isinstance(key, PrivateKey):
        raise WorkshopError(f"{folder / name}.key is not a key of an elliptic curve")
    return Identity(certificate, key)
