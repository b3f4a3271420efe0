"""`ccp roots`: whom a pool trusts, what depends on it, and how to change it."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from ssl import DER_cert_to_PEM_cert
from typing import Any

import click
from OpenSSL import crypto

from ccp.commands.anchors import Anchor, all_anchors, anchors_in_files, stored_under
from ccp.commands.database import told_in_a_sentence
from ccp.commands.groups import CommandGroup
from ccp.commands.output import ask, json_lines_option, json_option, say, tell
from ccp.config.settings import server_settings
from ccp.domain.errors import CertificateUnreadable
from ccp.pki.anchors import load_x509
from ccp.pki.certificates import UNREADABLE, Certificate, read_certificate
from ccp.pki.extensions import ExtensionProblem, require_known_extensions
from ccp.store.queries import RecordsOfRoot
from ccp.trust.folder import KINDS, read_file
from ccp.trust.known_kinds import KnownKinds

_RELOAD = "A pool that is running sees that at SIGHUP."
_RESTART = "A pool that is running keeps its last anchor of a type until it is restarted."
# Those of contracts may end in V2G roots too.
_WHOSE = {"v2g": "CPS", "oem": "cars"}
_PREFIX = re.compile(r"[0-9a-f]{4,64}")

Described = dict[str, Any]
"""An anchor as JSON has it."""


class _Commands(CommandGroup):
    """Commands whose errors are one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        with told_in_a_sentence():
            return super().invoke(ctx)


@click.group(cls=_Commands)
def roots() -> None:
    """
    List, add and remove trust anchors.

    They are those in the folder CCP_TRUST_DIR, and with CCP_RCP_URL those that the root pool has
    given besides; these are removed there, not here.
    """


@roots.command(name="list")
@json_lines_option
def list_command(as_json: bool) -> None:
    """
    List the trust anchors, and the V2G roots that records are under and that are none.

    Each has what it is for, its subject, fingerprint (SHA-256), serial number, validity and curve,
    where it is from, and of a V2G root how many records are stored under it.
    """
    settings = server_settings()
    now = datetime.now(UTC)
    anchors = all_anchors(settings, _note, at=now)
    for one in _described(anchors, stored_under(settings), at=now):
        tell(*_block(one), as_json=as_json, **one)


@roots.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--type", "kind", type=click.Choice(KINDS), required=True, help="What it is for.")
@json_option
def add(file: Path, kind: str, as_json: bool) -> None:
    """Add the CA certificate in FILE (PEM or DER) to CCP_TRUST_DIR."""
    settings = server_settings()
    certificate = _read_ca(file)
    anchor = Anchor(kind, certificate)
    for other in anchors_in_files(settings, _note):
        if (other.kind, other.root.fingerprint) == (kind, anchor.root.fingerprint):
            raise click.ClickException(f"It is there already, in {other.file}.")
    folder = Path(settings.trust_dir) / kind
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_slug(certificate)}-{anchor.root.fingerprint[:8]}.pem"
    draft = path.with_name(f".{path.name}")  # a pool does not look at hidden files
    draft.write_text(DER_cert_to_PEM_cert(certificate.der))
    draft.replace(path)
    if certificate.not_before > datetime.now(UTC):
        _note(f"It counts from {certificate.not_before:%FT%TZ} on.")
    tell(f"Added {path}", _RELOAD, as_json=as_json, added=str(path))


@roots.command()
@click.argument("fingerprint")
@click.option("--type", "kind", type=click.Choice(KINDS), help="Of this type alone.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def remove(fingerprint: str, kind: str | None, yes: bool, as_json: bool) -> None:
    """
    Remove the anchor with this FINGERPRINT (SHA-256) from CCP_TRUST_DIR.

    Its first digits are enough if no other anchor has them. What is stored under it stays.
    """
    settings = server_settings()
    found = _find(all_anchors(settings, _note, at=datetime.now(UTC)), fingerprint, kind)
    files = _files_of(found)
    anchor = found[0]
    others = [one for one in anchors_in_files(settings, lambda _: None) if one not in found]
    _note(f"{anchor.kind} {anchor.root.distinguished_name}")
    if anchor.kind == "v2g":
        stored = stored_under(settings).get(anchor.root.fingerprint)
        _note(f"Stored under it: {_records(stored.records if stored else 0)}.")
    is_last = not settings.rcp_url and anchor.kind not in {one.kind for one in others}
    if is_last and anchor.kind in _WHOSE:
        _note(f"It is the last one: without any, chains of {_WHOSE[anchor.kind]} always hold.")
    if not yes:
        ask("Remove it?")
    for file in files:
        file.unlink()
    if is_last:
        KnownKinds(settings).forget(anchor.kind)
    if settings.rcp_url:
        _note("If the root pool has it, it stays trusted.")
    removed = [str(file) for file in files]
    lines = [f"Removed {file}" for file in removed]
    tell(*lines, _RESTART if is_last else _RELOAD, as_json=as_json, removed=removed)


def _described(
    anchors: list[Anchor], stored: Mapping[str | None, RecordsOfRoot], *, at: datetime
) -> Iterator[Described]:
    """Describe the anchors, then the roots of records that are none."""
    from ccp.inspection import hexadecimal  # its codec takes a while to import

    for anchor in anchors:
        certificate, root = anchor.certificate, anchor.root
        under = stored.get(root.fingerprint)
        yield {
            "type": anchor.kind,
            "subject": root.distinguished_name,
            "fingerprint": root.fingerprint,
            "serial_number": hexadecimal(root.serial_number),
            "valid_from": f"{certificate.not_before:%FT%TZ}",
            "valid_to": f"{certificate.not_after:%FT%TZ}",
            "curve": certificate.curve or None,
            "source": str(anchor.file) if anchor.file else "root pool",
            "trusted": certificate.is_valid_at(at),
            "records": (under.records if under else 0) if anchor.kind == "v2g" else None,
        }
    known = {anchor.root.fingerprint for anchor in anchors if anchor.kind == "v2g"}
    for other in stored.values():
        if other.fingerprint not in known:
            yield {
                "type": "v2g",
                "subject": other.distinguished_name,
                "fingerprint": other.fingerprint,
                **dict.fromkeys(("serial_number", "valid_from", "valid_to", "curve", "source")),
                "trusted": False,
                "records": other.records,
            }


def _block(one: Described) -> Iterator[str]:
    """Give the lines about an anchor for people."""
    lines = []
    if one["fingerprint"]:
        lines.append(f"fingerprint {one['fingerprint']}")
    if one["source"]:
        lines.append(f"serial      {one['serial_number']}")
        lines.append(
            f"valid       {one['valid_from'][:10]} to {one['valid_to'][:10]}"
            f"{'' if one['trusted'] else ', so not now'}"
        )
        lines.append(f"curve       {one['curve'] or 'unknown'}")
        lines.append(f"from        {one['source']}")
    elif one["fingerprint"]:
        lines.append("from        nowhere: it is not trusted")
    else:
        lines.append("            none was trusted when these were stored")
    if one["records"] is not None:
        lines.append(f"records     {one['records']}")
    yield f"{one['type']:5}{one['subject']}"
    yield from (f"     {line}" for line in lines)


def _read_ca(file: Path) -> Certificate:
    """Read the one certificate in a file, and see that it can be an anchor."""
    try:
        ders = read_file(file)
        certificates = [read_certificate(der, file.name) for der in ders]
        for certificate in certificates:
            load_x509(certificate)
        are_cas = [require_known_extensions(der).role.is_ca for der in ders]
    except ExtensionProblem as problem:
        raise click.ClickException(f"The certificate in {file} {problem}.") from None
    except (CertificateUnreadable, crypto.Error, *UNREADABLE):
        raise click.ClickException(f"{file} is no certificate in PEM or DER.") from None
    if len(certificates) != 1:
        raise click.ClickException(
            f"{file} has {len(certificates)} certificates: add each by itself."
        )
    (certificate,) = certificates
    if not all(are_cas):
        raise click.ClickException(f"{file} is not the certificate of a CA.")
    if certificate.not_after < datetime.now(UTC):
        raise click.ClickException(
            f"{file} is valid from {certificate.not_before:%F} to {certificate.not_after:%F} only."
        )
    return certificate


def _slug(certificate: Certificate) -> str:
    """What a CA is called, as a part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", certificate.common_name.lower()).strip("-")[:64] or "root"


def _find(anchors: list[Anchor], prefix: str, kind: str | None) -> list[Anchor]:
    """Find the one anchor that a prefix of its fingerprint means, in all files that have it."""
    prefix = prefix.lower().replace(":", "")
    if not _PREFIX.fullmatch(prefix):
        raise click.ClickException("A fingerprint is given with at least 4 of its 64 hex digits.")
    found = [
        one
        for one in anchors
        if one.root.fingerprint.startswith(prefix) and kind in (None, one.kind)
    ]
    if not found:
        raise click.ClickException("There is no anchor with this fingerprint.")
    if len({one.root.fingerprint for one in found}) > 1:
        raise click.ClickException("Several anchors have a fingerprint that begins so.")
    kinds = sorted({one.kind for one in found})
    if len(kinds) > 1:
        raise click.ClickException(f"It is there for {' and '.join(kinds)}: say --type.")
    return found


def _files_of(anchors: list[Anchor]) -> list[Path]:
    """Give the files to remove so that an anchor is gone."""
    files = []
    for anchor in anchors:
        if anchor.file is None:
            raise click.ClickException("The root pool has given it, so it is removed there.")
        if not anchor.is_alone:
            raise click.ClickException(
                f"{anchor.file} has other certificates too: take it out there by hand."
            )
        files.append(anchor.file)
    return files


def _records(number: int) -> str:
    return f"{number} record{'' if number == 1 else 's'}"


def _note(text: str) -> None:
    say(text, err=True)
