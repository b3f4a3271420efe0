"""What a pool trusts, as its files and its root pool have it; and what is stored under it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ccp.clients.last_good import NothingKept
from ccp.config.settings import AnchorsUnusable, Settings
from ccp.domain.errors import CertificateUnreadable
from ccp.pki.anchors import Root, name_and_key
from ccp.pki.certificates import Certificate, read_certificate
from ccp.store.queries import RecordsOfRoot, records_by_root
from ccp.trust.folder import KINDS, AnchorFile, anchor_files
from ccp.trust.kept_roots import KeptRoots

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Anchor:
    """
    A trust anchor, whether it is valid now or not.

    Attributes:
        kind: What it is for; one of KINDS.
        file: That it is in; None if the root pool has given it.
        is_alone: Whether its file has nothing else.
    """

    kind: str
    certificate: Certificate
    file: Path | None = None
    is_alone: bool = True

    @property
    def root(self) -> Root:
        """What identifies it."""
        return Root.of(self.certificate.der)


def anchors_in_files(settings: Settings, note: Note) -> Iterator[Anchor]:
    """
    Give the anchors of CCP_TRUST_DIR.

    Args:
        note: Told of each file that is left out, and why.
    """
    for kind in KINDS:
        for file in _files(Path(settings.trust_dir) / kind):
            if file.problem:
                note(f"{file.path}: {file.problem}")
            is_alone = len(file.certificates) == 1
            for certificate in file.certificates:
                yield Anchor(kind, certificate, file.path, is_alone)


def _files(folder: Path) -> Iterator[AnchorFile]:
    try:
        yield from anchor_files(folder)
    except OSError as error:
        reason = f"{error.filename} cannot be read: {error.strerror}"
        raise AnchorsUnusable(f"CCP_TRUST_DIR: {reason}") from None


def all_anchors(settings: Settings, note: Note, *, at: datetime) -> list[Anchor]:
    """
    Give the anchors of CCP_TRUST_DIR, and those that the root pool has besides.

    Args:
        note: See `anchors_in_files`; told too where nothing is kept of the root pool.
        at: The present, aware UTC: a root in a file hides that of the root pool while it is valid.
    Raises:
        AnchorsUnusable: CCP_TRUST_DIR was said, and is no folder; or it cannot be read.
    """
    settings.trust_folder()
    anchors = list(anchors_in_files(settings, note))
    if settings.rcp_url:
        here = {
            kind: [
                name_and_key(one.certificate)
                for one in anchors
                if one.kind == kind and one.certificate.is_valid_at(at)
            ]
            for kind in KINDS
        }
        try:
            for kind, ders in KeptRoots(settings).load().items():
                roots = [read_certificate(der, "root") for der in ders]
                files = [one.certificate.der for one in anchors if one.kind == kind]
                anchors += [
                    Anchor(kind, one)
                    for one in roots
                    if one.der not in files and name_and_key(one) not in here[kind]
                ]
        except (NothingKept, CertificateUnreadable) as error:
            note(f"What the root pool has given cannot be read: {error}")
    return sorted(anchors, key=lambda one: (KINDS.index(one.kind), one.root.distinguished_name))


def stored_under(settings: Settings) -> dict[str | None, RecordsOfRoot]:
    """
    Count what is stored under each V2G root, by fingerprint; nothing before there is a database.

    Raises:
        StoreUnusable: See `records_by_root`.
    """
    path = settings.database_path
    found = records_by_root(path) if path.exists() else []
    return {root.fingerprint: root for root in found}
