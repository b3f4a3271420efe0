"""HEAD is GET without the body, for the server too."""

import pytest

from ccp.app import create_app
from tests.builders import BASE, EMAID_TEXT, PCID_TEXT, put_body
from tests.conftest import make_settings
from tests.web.asgi import call, scope

PAIR = f"{BASE}/signedcontractdata/{EMAID_TEXT}/{PCID_TEXT}"


def test_head_of_a_success(client):
    """HEAD has the status and headers of GET, length included."""
    client.put(f"{BASE}/signedcontractdata", json=put_body())
    assert client.head(PAIR).headers == client.get(PAIR).headers


@pytest.mark.parametrize("path", [PAIR, f"{BASE}/nowhere", f"{BASE}/openapi.json"])
def test_no_body_reaches_the_server(tmp_path, path):
    """No part of the pool hands the server a body that it would have to drop, errors included."""
    start, *rest = call(create_app(make_settings(tmp_path)), scope("HEAD", path))
    assert int(dict(start["headers"])[b"content-length"]) > 0
    assert not any(message["body"] for message in rest)
