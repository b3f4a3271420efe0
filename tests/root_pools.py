"""Root Certificate Pools on loopback, and what they answer."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ccp.workshop.certificates import Identity
from ccp.workshop.root_pool import RootPool, make_server

KINDS = ("v2g", "emsp", "oem")
TYPES = {"v2g": "V2G", "emsp": "eMSP", "oem": "OEM"}
"""Each kind of PKI as a request names it (pkiType), and as an answer does (rootTypeList)."""


def entry(der: bytes, *types: str, **changes: Any) -> dict[str, Any]:
    """A root as the RCP API has it, with no more than has to be; without types, of none."""
    listed = {"rootTypeList": [TYPES[kind] for kind in types]} if types else {}
    return {"caCertificate": base64.b64encode(der).decode()} | listed | changes


def collection(*entries: Any) -> dict[str, Any]:
    """An answer with these entries."""
    return {"rootCertificateCollection": list(entries)}


def answer(*roots: Identity) -> bytes:
    """An answer with these roots, as bytes."""
    return json.dumps(collection(*(entry(root.der) for root in roots))).encode()


@contextmanager
def serving_roots(workshop: Path) -> Iterator[str]:
    """The workshop's own RCP, for the roots in its folder; gives its URL."""
    with make_server(RootPool(workshop), 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
