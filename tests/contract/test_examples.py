"""The examples that Swagger UI fills in succeed on a pool as `make run` starts it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from ccp.app import create_app
from tests.conftest import make_settings
from tests.contract.conformance import conforming_client
from tests.running import ROOT

# The present of this version, and the end of the certificates in the examples.
DAYS = [datetime(2026, 1, 1, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC)]


class Spec:
    """A spec, and the requests that Swagger UI makes of its examples."""

    def __init__(self, name: str) -> None:
        self.document = yaml.safe_load((ROOT / "spec" / f"{name}.yaml").read_text())

    def requests(self) -> list[dict[str, Any]]:
        """One for each operation: what puts the contract first, what deletes it last."""
        made = [
            self._request(path, method, item.get("parameters", []), operation)
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
            if method != "parameters"
        ]
        puts = [one for one in made if one["method"] == "put" and one["json"]]
        deletes = [one for one in made if one["method"] == "delete"]
        assert (len(puts), len(deletes)) == (1, 1)
        return [*puts, *(one for one in made if one not in puts + deletes), *deletes]

    def _request(
        self, path: str, method: str, shared: list[Any], operation: dict[str, Any]
    ) -> dict[str, Any]:
        named: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}}
        for reference in shared + operation.get("parameters", []):
            parameter = self._find(reference)
            value = parameter["example"]
            value = str(value).lower() if isinstance(value, bool) else value
            named[parameter["in"]][parameter["name"]] = value
        media = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        bodies = [self._find(one)["value"] for one in media.get("examples", {}).values()]
        return {
            "method": method,
            "url": self.document["servers"][0]["url"] + path.format(**named["path"]),
            "params": named["query"],
            "headers": named["header"],
            "json": bodies[0] if bodies else None,
        }

    def _find(self, node: dict[str, Any]) -> dict[str, Any]:
        for name in node.get("$ref", "").split("/")[1:]:
            node = node[name] if "$ref" not in node else self.document[name]
        return node


@pytest.mark.parametrize("day", DAYS, ids=lambda day: str(day.year))
@pytest.mark.parametrize("name", ["opnc-ccp", "opcp-ccp"])
def test_examples_in_their_order_succeed(tmp_path: Path, name: str, day: datetime) -> None:
    """Strict, without anchors and tokens; the description says that PUT comes first."""
    app = create_app(make_settings(tmp_path, opcp="on"), clock=lambda: day)
    with conforming_client(app) as client:
        for request in Spec(name).requests():
            answer = client.request(**request)
            assert answer.status_code in (200, 201), (
                request["method"],
                request["url"],
                answer.text,
            )
