"""The specs as Connexion is given them."""

import pytest

from ccp.web import spec
from ccp.web.spec import DuplicateKey, load_spec

ORDER = """
paths:
  /o/{id}: {get: {}}
  /o/admin: {get: {}}
  /o/{id}/x: {get: {}}
"""


def test_most_specific_path_is_first(monkeypatch):
    """The router that picks the checks meets a literal path before a pattern that fits it too."""
    monkeypatch.setattr(spec, "spec_text", lambda _name, **_: ORDER)
    paths = list(load_spec()["paths"])
    assert paths.index("/o/admin") < paths.index("/o/{id}")
    assert set(paths) == {"/o/{id}", "/o/admin", "/o/{id}/x"}


@pytest.mark.parametrize(
    "text",
    [
        "paths: {/a: {get: {}}, /a: {put: {}}}",
        "paths: {/a: {get: {x: 1}, get: {x: 2}}}",
        "paths: {}\ncomponents: {schemas: {A: {}, A: {}}}",
        "paths: {}\npaths: {}",
    ],
)
def test_what_is_there_twice_stops_the_start(monkeypatch, text):
    """A path, method or schema that is written twice is an error, not the last one's victory."""
    monkeypatch.setattr(spec, "spec_text", lambda _name, **_: text)
    with pytest.raises(DuplicateKey):
        load_spec()


def test_spec_is_no_template(monkeypatch):
    """Braces in the document stay what they are, where Connexion would run them through Jinja."""
    text = "paths: {}\ninfo: {description: '{{ 1 + 1 }}'}"
    monkeypatch.setattr(spec, "spec_text", lambda _name, **_: text)
    assert load_spec()["info"]["description"] == "{{ 1 + 1 }}"
