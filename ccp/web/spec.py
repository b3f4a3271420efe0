"""The spec: spec/opnc-ccp.yaml, as Connexion is given it."""

from importlib.resources import files
from typing import Any

import yaml
from connexion.utils import sort_routes


class DuplicateKey(yaml.YAMLError):
    """A mapping in the YAML has the same key twice; PyYAML would silently keep the last."""


class _Loader(yaml.CSafeLoader):
    """Safe YAML without duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(keys)) < len(keys):
            raise DuplicateKey(f"duplicate key {node.start_mark}")
        return super().construct_mapping(node, deep)


def spec_text() -> bytes:
    """Return the OpenAPI document as it is written."""
    return (files("ccp.spec") / "opnc-ccp.yaml").read_bytes()


def load_spec() -> dict[str, Any]:
    """
    Load the OpenAPI document, the most specific paths first.

    Starlette, which chooses the operation that is checked, takes the first path that fits;
    Flask, which chooses the one that runs, the most specific. In this order they agree.

    Raises:
        DuplicateKey: Something is there twice.
    """
    document: dict[str, Any] = _Loader(spec_text()).get_single_data()
    paths = document["paths"]
    document["paths"] = {path: paths[path] for path in sort_routes(list(paths))}
    return document
