"""Requests against the spec: every violation told, every bypass closed."""

import gzip
import json
from types import SimpleNamespace

import pytest

import ccp.app
from ccp.app import create_app
from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20
from ccp.web.spec import load_spec
from ccp.web.validation import OperationValidation
from tests.builders import BASE, EMAID_TEXT, PCID_TEXT, post_body, put_body
from tests.conftest import make_settings
from tests.contract.conformance import SPECS, assert_error, operations_of, request_fields
from tests.web.asgi import call, scope

URL = f"{BASE}/signedcontractdata"
BY_EMAID = f"{BASE}/contractData/emaid/{EMAID_TEXT}"
PAIR = f"{URL}/{EMAID_TEXT}/{PCID_TEXT}"
JSON = {"Content-Type": "application/json"}
NOT_FOUND = "The contract for the given EMAID not found."
NO_JSON = "The request body is not valid JSON."
EMAID = 'emaid : must match "^[A-Za-z]{2}[-]?\\w{3}[-]?\\w{9,28}[-]?(\\w{1})?$"'
PCID = 'pcid : must match "^[a-zA-Z0-9]{17,18}$"'
SESSION_ID = (
    "Invalid SessionID format, make sure the length is maximum 8 characters"
    " and it is represented in HEX binary"
)


# Everything at once


def test_all_violations_of_parameters_are_told(empty_client):
    """Path, query and header: each has its message, all come together."""
    response = empty_client.get(
        f"{URL}/DE!ICECOPNCCERT/WAUZZZ4B0CC01234!",
        params={
            "sessionID": "xyz",
            "cpsV2GRootCertificateFingerprint": "ab",
            "unknown": "1",
        },
        headers={"OPNC-from-party-type": "nobody"},
    )
    assert_error(
        response,
        400,
        EMAID,
        PCID,
        SESSION_ID,
        'cpsV2GRootCertificateFingerprint : must match "^[0-9a-fA-F]{64}$"',
        "OPNC-from-party-type : must be one of emsp, cpo, oem, pki, cps, pcp, ccp",
        "The query may have no other parameters than: sessionID, xsdMsgDefNamespace, "
        "cpsV2GRootCertificateFingerprint.",
    )


def test_violations_of_header_and_body_are_told_together(empty_client):
    """A wrong header does not hide what is wrong in the body."""
    response = empty_client.post(URL, json={}, headers={"broadcast": "perhaps"})
    assert_error(
        response,
        400,
        "broadcast : must be true or false",
        "certificateInstallationReq : must not be null",
        "xsdMsgDefNamespace : must not be null",
    )


def test_all_violations_of_a_body_are_told(empty_client):
    """Each field of a body has its message, all come together."""
    response = empty_client.put(URL, json={"emaid": "x" * 14 + "\n", "pcid": 5, "metaData": None})
    assert_error(
        response,
        400,
        EMAID,
        "pcid : must be of type string",
        "metaData : must be of type string",
        "certificateInstallationRes : must not be null",
        "xsdMsgDefNamespace : must not be null",
    )


def test_body_that_is_no_base64_is_told_like_any_violation(empty_client):
    """What only its reader finds wrong is told beside what the schema finds wrong."""
    response = empty_client.post(
        URL, json=post_body() | {"certificateInstallationReq": "-"}, headers={"broadcast": "-"}
    )
    assert_error(
        response,
        400,
        "broadcast : must be true or false",
        "EXI format is invalid!",
        "The message is not base64.",
    )


# Patterns


@pytest.mark.parametrize(
    "emaid", ["DEICECOPNCCER%C3%9F", "DEICECOPNCCER%D9%A1", "%EF%BC%A4EICECOPNCCERT"]
)
def test_letters_and_digits_are_ascii(empty_client, emaid):
    """An EMAID with a sharp s, an Arabic digit or a full-width letter is malformed."""
    assert_error(empty_client.get(f"{BASE}/contractData/emaid/{emaid}"), 400, EMAID)


@pytest.mark.parametrize("field", ["emaid", "pcid"])
def test_line_feed_at_the_end_is_seen(empty_client, field):
    """A line feed behind an identifier in a body is not overlooked."""
    response = empty_client.put(URL, json=put_body() | {field: put_body()[field] + "\n"})
    assert response.status_code == 400
    assert {"emaid": EMAID, "pcid": PCID}[field] in response.json()["errorMessages"]


# Headers


@pytest.mark.parametrize("text", ["true", "True", "TRUE", "false", "False"])
@pytest.mark.parametrize(
    ("method", "url", "header"),
    [
        ("POST", URL, "alwaysReturnEXI"),
        ("POST", URL, "broadcast"),
        ("DELETE", f"{URL}/{EMAID_TEXT}", "X-Skip-Revocation"),
    ],
)
def test_boolean_header_is_understood(empty_client, method, url, header, text):
    """A header of type boolean is read from its text, in any case."""
    body = post_body() if method == "POST" else None
    response = empty_client.request(method, url, json=body, headers={header: text})
    assert response.status_code == 404


@pytest.mark.parametrize("text", ["", "1", "0", "yes", "null", "tru", "true,true", " ", "t\xefue"])
@pytest.mark.parametrize(
    ("method", "url", "header"),
    [
        ("POST", URL, "alwaysReturnEXI"),
        ("POST", URL, "broadcast"),
        ("DELETE", f"{URL}/{EMAID_TEXT}", "X-Skip-Revocation"),
    ],
)
def test_header_that_is_no_boolean_is_told(empty_client, method, url, header, text):
    """Anything but true and false is refused, not taken for one of them."""
    body = post_body() if method == "POST" else None
    headers = [(header, text.encode("latin1"))]
    response = empty_client.request(method, url, json=body, headers=headers)
    assert_error(response, 400, f"{header} : must be true or false")


def test_boolean_header_reaches_the_handler(empty_client):
    """`alwaysReturnEXI` decides what a failure carries; left out, it is true."""

    def carries_exi(**headers):
        response = empty_client.post(URL, json=post_body(), headers=headers)
        return "signedContractDataCollection" in response.json()

    assert carries_exi()
    assert carries_exi(alwaysReturnEXI="true")
    assert not carries_exi(alwaysReturnEXI="false")


def test_header_name_has_no_case(empty_client):
    """A header is found however its name is written."""
    for name in ("OPNC-FROM-PARTY-TYPE", "opnc-from-party-type"):
        assert empty_client.get(BY_EMAID, headers={name: "zzz"}).status_code == 400


def test_header_with_underscores_is_another(empty_client):
    """`OPNC_from_party_type` does not stand for the header with hyphens."""
    response = empty_client.get(BY_EMAID, headers={"OPNC_from_party_type": "zzz"})
    assert_error(response, 404, NOT_FOUND)


@pytest.mark.parametrize("values", [("emsp", "emsp"), ("emsp", "oem"), ("emsp", "zzz")])
def test_header_given_twice_is_told(empty_client, values):
    """Of two headers of a name none wins."""
    headers = [("OPNC-from-party-type", value) for value in values]
    response = empty_client.get(BY_EMAID, headers=headers)
    assert_error(response, 400, "OPNC-from-party-type : must be given only once")


def test_header_outside_ascii_is_text(empty_client):
    """Bytes of a header that are no ASCII do no harm."""
    response = empty_client.get(BY_EMAID, headers=[("OPNC-from-party-id", b"\xff\xc3\x9f")])
    assert_error(response, 404, NOT_FOUND)


# Query


def test_namespace_is_iso_15118_2_unless_said_otherwise(client):
    """The default of a query parameter reaches the handler."""
    client.put(URL, json=put_body())
    assert client.get(PAIR).status_code == 200
    assert client.get(PAIR, params={"xsdMsgDefNamespace": ISO_15118_2}).status_code == 200
    assert client.get(PAIR, params={"xsdMsgDefNamespace": ISO_15118_20}).status_code == 404


@pytest.mark.parametrize("second", [ISO_15118_2, ISO_15118_20])
def test_query_parameter_given_twice_is_told(empty_client, second):
    """Of two query parameters of a name none wins."""
    query = [("xsdMsgDefNamespace", ISO_15118_2), ("xsdMsgDefNamespace", second)]
    response = empty_client.get(BY_EMAID, params=query)
    assert_error(response, 400, "xsdMsgDefNamespace : must be given only once")


@pytest.mark.parametrize(
    "query", ["sessionid=00", "sessionID%20=00", "=", "x", "a=1&b=2&c=3", "sessionID[]=00"]
)
def test_query_parameter_that_nobody_knows_is_told_once(empty_client, query):
    """A misspelt query parameter is refused; its name, which may be anything, is not repeated."""
    response = empty_client.get(f"{PAIR}?{query}")
    assert_error(
        response,
        400,
        "The query may have no other parameters than: sessionID, xsdMsgDefNamespace, "
        "cpsV2GRootCertificateFingerprint.",
    )


def test_operation_without_query_parameters_takes_none(empty_client):
    """Where no query parameter exists, any is refused."""
    response = empty_client.put(f"{URL}?x=1", json=put_body())
    assert_error(response, 400, "The query may have no other parameters than: none.")


@pytest.mark.parametrize("query", ["", "?", "?&&", "?sessionID=", "?sessionID"])
def test_empty_query_is_none(empty_client, query):
    """An empty query, or an empty session id, is as good as none."""
    assert_error(empty_client.get(f"{PAIR}{query}"), 404, NOT_FOUND)


@pytest.mark.parametrize("text", ["%FF", "%00", "%0A", "null", "None", "%D9%A1"])
def test_odd_text_in_a_query_is_text(empty_client, text):
    """Free text of a query may be anything, and means nothing but itself."""
    assert_error(empty_client.get(f"{PAIR}?xsdMsgDefNamespace={text}"), 404, NOT_FOUND)


@pytest.mark.parametrize("text", ["%D9%A1%D9%A1", "0_0", "%2000", "00%0A", "0x", "0" * 18, "0"])
def test_session_id_is_hex_and_nothing_else(empty_client, text):
    """Digits that only Python takes for digits are refused."""
    assert_error(empty_client.get(f"{PAIR}?sessionID={text}"), 400, SESSION_ID)


# Content-Type


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json ; charset=bogus",
        'application/json; charset="utf-16"',
        "application/json;",
    ],
)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_json_is_validated_however_it_is_announced(empty_client, method, content_type):
    """Neither case nor parameters of the Content-Type lead past the checks."""
    response = empty_client.request(
        method, URL, content=b'{"emaid": 5}', headers={"Content-Type": content_type}
    )
    assert response.status_code == 400
    assert "xsdMsgDefNamespace : must not be null" in response.json()["errorMessages"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": ""},
        {"Content-Type": "foo"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "text/json"},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": "application/problem+json"},
        {"Content-Type": "application/json, text/plain"},
        {"Content-Type": "text/plain; application/json"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "\u212aSON"},
        [("Content-Type", "application/json"), ("Content-Type", "text/plain")],
    ],
)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_other_types_are_not_read(empty_client, method, headers):
    """A body of another type, or of none, is 415 even if it is JSON."""
    if isinstance(headers, dict):
        headers = {name: value.encode() for name, value in headers.items()}
    content = json.dumps(put_body()).encode()
    response = empty_client.request(method, URL, content=content, headers=headers)
    assert_error(response, 415, "The Content-Type must be application/json.")


# JSON


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff",
        b'{"emaid": "\xff"}',
        b'{"emaid": "\xed\xa0\x80"}',
        b'{"emaid": "\\ud800"}',
        b'{"emaid": NaN}',
        b'{"emaid": Infinity}',
        b'{"emaid": 1e999}',
        b"{'emaid': 1}",
        b'{"emaid": 1,}',
        b"{} {}",
        '{"emaid": "x"}'.encode("utf-16"),
        b"[" * 1025,
        b"[" * 30000 + b"]" * 30000,
        b'{"a":' * 10000 + b"1" + b"}" * 10000,
        b" ",
        b"\0",
    ],
    ids=lambda content: repr(content[:20]),
)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_what_is_no_json_is_told(empty_client, method, content):
    """Malformed JSON, JSON in another encoding or nested too deeply is 400."""
    response = empty_client.request(method, URL, content=content, headers=JSON)
    assert_error(response, 400, NO_JSON)


@pytest.mark.parametrize("content", [b"[]", b'"x"', b"5", b"null", b"true", b"[" * 32 + b"]" * 32])
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_json_that_is_no_object_is_told(empty_client, method, content):
    """JSON that is something else than an object is 400."""
    response = empty_client.request(method, URL, content=content, headers=JSON)
    assert_error(response, 400, "body : must be of type object")


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("chunked", [False, True])
def test_missing_body_is_told(empty_client, method, chunked):
    """No body is 400, chunked or not."""
    content = (part for part in ()) if chunked else b""
    response = empty_client.request(method, URL, content=content, headers=JSON)
    assert_error(response, 400, "The request body must not be empty.")


@pytest.mark.parametrize("number", ["9" * 18, "9" * 5000, "-" + "9" * 5000, "1." + "0" * 5000])
def test_huge_number_is_only_of_the_wrong_type(empty_client, number):
    """A number of thousands of digits takes no longer than any, and is no EMAID."""
    body = json.dumps(put_body()).replace(f'"{EMAID_TEXT}"', number, 1).encode()
    response = empty_client.put(URL, content=body, headers=JSON)
    assert response.status_code == 400
    assert response.json()["errorMessages"] in (["emaid : must be of type string"], [NO_JSON])


def test_unknown_field_is_ignored(client):
    """A body may have fields that the spec does not know, of any kind."""
    body = put_body(unknown={"deep": [[[1]]]}, Emaid=5)
    assert client.put(URL, json=body).status_code == 201


def test_parameter_that_connexion_lists_twice_is_one():
    """Connexion repeats the parameters of a path; one that is given is not missing in the copy."""

    async def app(given, _receive, _send):
        seen.append(given["extensions"]["connexion_context"]["arguments"])

    seen: list[dict] = []
    header = {"name": "broadcast", "in": "header", "required": True, "schema": {"type": "boolean"}}
    operation = SimpleNamespace(parameters=[header, dict(header)], request_body=None)
    request = scope(headers=[(b"broadcast", b"true")], path_params={}, extensions={})
    call(OperationValidation(app, operation), request)
    assert seen == [{"broadcast": True}]


# What stops the start


def started_with(monkeypatch, tmp_path, document):
    """Make a pool whose spec is *document*."""
    monkeypatch.setattr(ccp.app, "load_spec", lambda _name, **_: document)
    create_app(make_settings(tmp_path))


def test_published_spec_starts(monkeypatch, tmp_path):
    """The spec as it is starts, so the tests below fail for the reason they name."""
    started_with(monkeypatch, tmp_path, load_spec())


def test_parameter_that_nobody_reads_stops_the_start(monkeypatch, tmp_path):
    """A parameter without an entry in the table of names is told at the start."""
    document = load_spec()
    document["components"]["parameters"]["broadcastParamV1"]["name"] = "multicast"
    with pytest.raises(Exception, match="multicast"):
        started_with(monkeypatch, tmp_path, document)


def test_body_field_that_nobody_reads_stops_the_start(monkeypatch, tmp_path):
    """A field of a request body without an entry in the table of names is told at the start."""
    document = load_spec()
    fields = document["components"]["schemas"]["SignedContractDataV1"]["properties"]
    fields["newField"] = {"type": "string"}
    with pytest.raises(Exception, match="newField"):
        started_with(monkeypatch, tmp_path, document)


def test_operation_without_handler_stops_the_start(monkeypatch, tmp_path):
    """An operationId without a module is told at the start, not at the first request."""
    document = load_spec()
    document["paths"]["/signedcontractdata"]["put"]["operationId"] = "flyToTheMoonV1"
    with pytest.raises(Exception, match="flyToTheMoonV1"):
        started_with(monkeypatch, tmp_path, document)


def test_operation_id_that_is_there_twice_stops_the_start(monkeypatch, tmp_path):
    """Two operations of one name, of which one would get the other's checks, are told."""
    document = load_spec()
    both = document["paths"]["/signedcontractdata"]
    both["put"]["operationId"] = both["post"]["operationId"]
    with pytest.raises(AssertionError, match="overwriting"):
        started_with(monkeypatch, tmp_path, document)


def test_security_scheme_that_is_not_there_stops_the_start(monkeypatch, tmp_path):
    """A security requirement that names no scheme is told at the start."""
    document = load_spec()
    document["paths"]["/signedcontractdata"]["put"]["security"] = [{"nowhere": []}]
    with pytest.raises(Exception, match="nowhere"):
        started_with(monkeypatch, tmp_path, document)


def test_spec_that_is_no_openapi_stops_the_start(monkeypatch, tmp_path):
    """A document that breaks OpenAPI's own rules is told at the start."""
    document = load_spec()
    del document["info"]
    with pytest.raises(Exception, match="info"):
        started_with(monkeypatch, tmp_path, document)


# What the checks rely on


@pytest.mark.parametrize("spec", SPECS)
def test_request_schemas_use_only_what_is_checked(spec):
    """No parameter or field asks for something that no check looks at, such as a format."""
    checked = {"type", "minLength", "maxLength", "pattern", "enum", "default"}
    for name, schema in request_fields(spec):
        assert set(schema) <= checked | {"description", "example", "x-opnc-name"}, name
        assert schema["type"] in ("string", "boolean"), name
        dollar = schema.get("pattern", "$").find("$")
        assert dollar in (-1, len(schema.get("pattern", "$")) - 1), name


@pytest.mark.parametrize("spec", SPECS)
def test_parameters_are_single_texts(spec):
    """No parameter is a cookie, a list or an object, which no check would take apart."""
    for parameter in SPECS[spec]["components"]["parameters"].values():
        assert parameter["in"] in ("path", "query", "header")
        assert not {"style", "explode", "content", "allowReserved"} & set(parameter)


@pytest.mark.parametrize("spec", SPECS)
def test_request_bodies_are_required_json(spec):
    """Every request body is JSON and required: no other kind has to be checked."""
    for operation in operations_of(SPECS[spec]):
        if "requestBody" in operation:
            assert operation["requestBody"]["required"]
            assert set(operation["requestBody"]["content"]) == {"application/json"}


# Content-Encoding


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate, gzip", "br", "x"])
@pytest.mark.parametrize(("method", "body"), [("PUT", put_body), ("POST", post_body)])
def test_compressed_body_is_415_and_names_the_header(empty_client, method, body, encoding):
    """The caller learns which header is wrong, and what the pool takes (RFC 9110, 15.5.16)."""
    content = gzip.compress(json.dumps(body()).encode())
    headers = JSON | {"Content-Encoding": encoding}
    response = empty_client.request(method, URL, content=content, headers=headers)
    assert_error(
        response,
        415,
        "The request body must not be compressed: send it without Content-Encoding.",
    )
    assert response.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
def test_body_with_an_encoding_that_changes_nothing_is_read(empty_client, encoding):
    """`identity` is no encoding."""
    headers = {"Content-Encoding": encoding}
    assert empty_client.post(URL, json={}, headers=headers).status_code == 400
