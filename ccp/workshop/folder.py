"""
The workshop on disk: ordinary PEM, DER and JSON files; private keys are for their owner alone.

    trust/v2g, trust/emsp, trust/oem   what a pool has to trust, as CCP_TRUST_DIR wants it
    cps-a, cps-b, emsp, oem            CAs and CPS: NAME.pem and NAME.key
    cars/PCID                          provisioning certificate and key, last session;
                                       installed/EMAID.pem has a contract and its sub-CAs
    contracts/EMAID                    contract certificate and key
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ccp.workshop.certificates import Authority, Chain, Identity
from ccp.workshop.errors import WorkshopError
from ccp.workshop.install import Installed
from ccp.workshop.pki import V2G_ROOTS, Pki

_CAS = ("root", "sub-1", "sub-2")


class Folder:
    """A folder with one test PKI, and the cars and contracts made with it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save_pki(self, pki: Pki) -> None:
        """
        Write a new PKI.

        Raises:
            WorkshopError: There is something in the folder; nothing was written.
        """
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise WorkshopError(f"{self.path} is there already; nothing in it was changed")
        for letter, cps in pki.cps.items():
            folder = self.path / f"cps-{letter.lower()}"
            _save_authority(folder, cps.authority)
            _save(folder, "cps", cps.leaf)
            self._trust("v2g", f"root-{letter.lower()}", cps.authority.root)
        _save_authority(self.path / "emsp", pki.emsp)
        self._trust("emsp", "root", pki.emsp.root)
        _save_authority(self.path / "oem", pki.oem)
        # A request brings its leaf alone, so a pool has to have the sub-CAs.
        for name, ca in zip(_CAS, _members(pki.oem), strict=True):
            self._trust("oem", name, ca)

    def load_pki(self) -> Pki:
        """
        Read the PKI.

        Raises:
            WorkshopError: There is none, or it cannot be read.
        """
        if not (self.path / "trust").is_dir():
            raise WorkshopError(f"{self.path} has no PKI; `ccp workshop pki` makes one")
        cps = {}
        for letter in V2G_ROOTS:
            folder = self.path / f"cps-{letter.lower()}"
            cps[letter] = Chain(_load(folder, "cps"), _load_authority(folder))
        return Pki(cps, _load_authority(self.path / "emsp"), _load_authority(self.path / "oem"))

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

    def save_session(self, pcid: str, session_id: bytes, roots: Iterable[str]) -> None:
        """Write what the car has to remember until the answer to its request comes."""
        session = {"sessionId": session_id.hex(), "v2gRoots": list(roots)}
        (self._car(pcid) / "session.json").write_text(json.dumps(session) + "\n")

    def load_session(self, pcid: str) -> tuple[bytes, list[str]]:
        """
        Read the session id of the car's last request, and the V2G roots that it listed.

        Raises:
            WorkshopError: The car has not asked yet, or its file was spoilt.
        """
        try:
            session = json.loads((self._car(pcid) / "session.json").read_text())
            session_id, roots = bytes.fromhex(session["sessionId"]), session["v2gRoots"]
            if not set(roots) <= set(V2G_ROOTS):
                raise ValueError
            return session_id, roots
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
            if _load(folder, installed.emaid).key.private_numbers() != (
                installed.contract.key.private_numbers()
            ):
                raise WorkshopError(f"{folder} has another key of {installed.emaid}")
        else:
            _save(folder, installed.emaid, installed.contract, installed.sub_certificates)
        return folder / f"{installed.emaid}.pem"

    def _trust(self, kind: str, name: str, identity: Identity) -> None:
        folder = self.path / "trust" / kind
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.pem").write_bytes(identity.certificate.public_bytes(Encoding.PEM))

    def _car(self, pcid: str) -> Path:
        return self.path / "cars" / pcid

    def _contract(self, emaid: str) -> Path:
        return self.path / "contracts" / emaid


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
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise WorkshopError(f"{folder / name}.key is not a key of an elliptic curve")
    return Identity(certificate, key)
