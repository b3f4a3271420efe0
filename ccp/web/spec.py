"""The specs: the files of spec/, as Connexion is given them."""

from importlib.resources import files
from typing import Any

import yaml
from connexion.utils import sort_routes

OPNC = "opnc-ccp.yaml"
"""The spec of the pool, which its handlers are written for."""
OPCP = "opcp-ccp.yaml"
"""The spec of its facade, whose operations `ccp.web.opcp` translates."""


class DuplicateKey(yaml.YAMLError):
    """A mapping in the YAML has the same key twice; PyYAML would silently keep the last."""


class _Loader(yaml.CSafeLoader):
    """Safe YAML without duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(keys)) < len(keys):
            raise DuplicateKey(f"duplicate key {node.start_mark}")
        return super().construct_mapping(node, deep)


_PCID = b"""\
      minLength: 17
      maxLength: 18
      pattern: ^[a-zA-Z0-9]{17,18}$
"""
_PCID_IN_LAB = b"""\
      minLength: 1
      maxLength: 64
      pattern: '^[ -.0-~]+$'
"""


def spec_text(name: str = OPNC, *, lab: bool = False) -> bytes:
    """
    Return an OpenAPI document.

    Args:
        lab: As a pool in lab mode serves it: cars may have other names than PCIDs.
    """
    text = (files("ccp.spec") / name).read_bytes()
    return text.replace(_PCID, _PCID_IN_LAB) if lab else text


def load_spec(name: str = OPNC, *, lab: bool = False) -> dict[str, Any]:
    """
    Load an OpenAPI document, the most specific paths first.

    Whoever looks for the operation of a request takes the first path that fits.

    Args:
        lab: See `spec_text`.
    Raises:
        DuplicateKey: Something is there twice.
    """
    document: dict[str, Any] = _Loader(spec_text(name, lab=lab)).get_single_data()
    paths = document["paths"]
    document["paths"] = {path: paths[path] for path in sort_routes(list(paths))}
    return document
