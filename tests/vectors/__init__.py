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
def shapes() -> list[Vector]:
    """Valid messages in many shapes."""
    return [
        Vector(
            item["name"],
            b64decode(item["exi"]),
            item["xml"],
            {name: b64decode(exi) for name, exi in item["fragments"].items()},
        )
        for item in _load("shapes.json")
    ]


@cache
def departures() -> list[Vector]:
    """Messages with something in them that ISO 15118 does not use, as EXIficient encodes it."""
    return [
        Vector(item["name"], b64decode(item["exi"]), item["xml"])
        for item in _load("departures.json")
    ]


@cache
def requests() -> dict[str, Vector]:
    """Signed CertificateInstallationReqs with a provisioning certificate in them, by PCID."""
    return {
        item["pcid"]: Vector(item["pcid"], b64decode(item["exi"]), item["xml"])
        for item in _load("requests.json")
    }
