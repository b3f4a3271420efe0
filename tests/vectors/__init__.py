"""The vectors, read: what each is, and where it comes from, is in README.md."""

import json
from base64 import b64decode
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Vector:
    """A message, what EXIficient says it means, and its fragments by name."""

    name: str
    exi: bytes
    xml: str
    fragments: dict[str, bytes] = field(default_factory=dict)


def _load(file: str) -> Any:
    return json.loads((FOLDER / file).read_text())


@cache
def genuine_res() -> bytes:
    """The CertificateInstallationRes that the OPNC documentation publishes."""
    return b64decode(_load("opnc-signed-contract-data.json")["certificateInstallationRes"])


@cache
def josev_req_20() -> bytes:
    """A CertificateInstallationReq of ISO 15118-20 with the algorithms of ISO 15118-2."""
    return (FOLDER / "josev-20-request-sha256.exi").read_bytes()


@cache
def everest_req() -> bytes:
    """A CertificateInstallationReq of ISO 15118-2 whose common name, OEMProvCert, is no PCID."""
    return (FOLDER / "everest-request-cn-no-pcid.exi").read_bytes()


@cache
def shapes() -> list[Vector]:
    """Valid messages of ISO 15118-2 in many shapes."""
    return _shapes("shapes.json")


@cache
def iso20_shapes() -> list[Vector]:
    """Valid messages of ISO 15118-20 in many shapes."""
    return _shapes("shapes-20.json")


@cache
def departures() -> list[Vector]:
    """Messages with something in them that ISO 15118-2 does not use, as EXIficient encodes it."""
    return _departures("departures.json")


@cache
def iso20_departures() -> list[Vector]:
    """The same of ISO 15118-20."""
    return _departures("departures-20.json")


@cache
def requests() -> dict[str, Vector]:
    """Signed requests of ISO 15118-2 with a provisioning certificate in them, by PCID."""
    return _requests("requests.json")


@cache
def iso20_requests() -> dict[str, Vector]:
    """The same of ISO 15118-20, each with a chain of three provisioning certificates in it."""
    return _requests("requests-20.json")


def _shapes(file: str) -> list[Vector]:
    return [
        Vector(
            item["name"],
            b64decode(item["exi"]),
            item["xml"],
            {name: b64decode(exi) for name, exi in item["fragments"].items()},
        )
        for item in _load(file)
    ]


def _departures(file: str) -> list[Vector]:
    return [Vector(item["name"], b64decode(item["exi"]), item["xml"]) for item in _load(file)]


def _requests(file: str) -> dict[str, Vector]:
    return {
        item["pcid"]: Vector(item["pcid"], b64decode(item["exi"]), item["xml"])
        for item in _load(file)
    }
