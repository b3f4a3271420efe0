"""The spec is served as it is written, at no cost for others."""

import re
from pathlib import Path

import pytest
import yaml
from connexion.spec import Specification

from ccp.app import create_app
from ccp.web.documents import DocumentsMiddleware
from ccp.web.spec import load_spec
from tests.builders import BASE, EMAID_TEXT
from tests.conftest import make_settings
from tests.web.asgi import call, scope

SPEC = Path(__file__).parents[2] / "spec" / "opnc-ccp.yaml"


def test_yaml_is_the_file(empty_client):
    """`/openapi.yaml` is the spec byte for byte: comments, examples and references included."""
    response = empty_client.get(f"{BASE}/openapi.yaml")
    assert response.headers["content-type"] == "application/yaml"
    assert response.content == SPEC.read_bytes()


def test_json_is_the_same(empty_client):
    """`/openapi.json` says what the file says."""
    response = empty_client.get(f"{BASE}/openapi.json")
    assert response.headers["content-type"] == "application/json"
    assert response.json() == yaml.safe_load(SPEC.read_bytes())


@pytest.mark.parametrize("page", ["openapi.json", "openapi.yaml", "ui/"])
def test_no_document_is_made_for_a_request(empty_client, monkeypatch, page):
    """Nobody can keep a worker busy by asking for the spec: it is not built anew."""
    monkeypatch.setattr(Specification, "with_base_path", None)
    assert empty_client.get(f"{BASE}/{page}").status_code == 200


def test_swagger_ui_shows_the_spec_offline(empty_client):
    """Swagger UI loads the pool's own document, and nothing from elsewhere."""
    page = empty_client.get(f"{BASE}/ui/").text
    assert f'url: "{BASE}/openapi.json"' in page
    assert "http://" not in page
    assert "https://" not in page


def test_other_requests_keep_their_headers():
    """What is not below Swagger UI is passed on as it is, at no cost."""

    async def app(given, _receive, _send):
        seen.append(given)

    seen: list[dict] = []
    documents = DocumentsMiddleware(app)
    documents.add_api(Specification.load(load_spec()), text=b"")
    other = scope(
        path=f"{BASE}/contractData/emaid/{EMAID_TEXT}", headers=[(b"range", b"bytes=0-3")]
    )
    call(documents, other)
    assert seen == [other]
    assert seen[0] is other


@pytest.mark.parametrize("unit", ["bytes=zz", "bytes=99999999-", "bytes=0-3"])
def test_a_range_of_a_file_is_the_whole_file(empty_client, unit):
    """Answers to a Range could be errors in plain text; a server may ignore it (RFC 9110, 14.2)."""
    response = empty_client.get(f"{BASE}/ui/swagger-ui.css", headers={"Range": unit})
    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/", BASE, f"{BASE}/"])
def test_root_page_links_to_the_documents(empty_client, path):
    """A newcomer finds Swagger UI and the specification from the address alone."""
    page = empty_client.get(path, follow_redirects=False)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    links = re.findall('href="([^"]*)"', page.text)
    assert links == [f"{BASE}/ui/", f"{BASE}/openapi.yaml", f"{BASE}/openapi.json"]
    for link in links:
        assert empty_client.get(link).status_code == 200
    assert empty_client.head(path).content == b""
    assert empty_client.post(path).status_code == 405


def test_root_page_lists_the_facade_where_it_is_served(tmp_path):
    """The facade for OPCP has documents of its own."""
    with create_app(make_settings(tmp_path, opcp="on")).test_client() as client:
        for path in ("/", "/v1/ccp", BASE):
            assert 'href="/v1/ccp/ui/"' in client.get(path).text
