"""Who is let in, what a refusal says, and what the log has of the caller."""

from contextlib import asynccontextmanager

import pytest
import structlog

from ccp.app import create_app
from ccp.auth.keys import Keys
from ccp.store.connections import Connections
from tests.builders import BASE, EMAID_TEXT, NOW, PCID_TEXT, post_body, put_body
from tests.conftest import make_settings
from tests.contract.conformance import assert_error, conforming_client
from tests.issuer import bearer, ec_key, hs256, jwt_settings, valid_claims

SIGNED = f"{BASE}/signedcontractdata"
PAIR = f"{SIGNED}/{EMAID_TEXT}/{PCID_TEXT}"
BY_EMAID = f"{BASE}/contractData/emaid/{EMAID_TEXT}"
ALL = [
    ("PUT", SIGNED, put_body()),
    ("GET", BY_EMAID, None),
    ("HEAD", BY_EMAID, None),
    ("GET", f"{BASE}/contractData/pcid/{PCID_TEXT}", None),
    ("GET", PAIR, None),
    ("POST", f"{PAIR}/setdefault", None),
    ("POST", SIGNED, post_body()),
    ("DELETE", f"{SIGNED}/{EMAID_TEXT}", None),
]
REQUIRED = "A valid access token is required."
OPERATOR = ec_key().token()


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    """A pool that asks for tokens; every answer is held against the spec."""
    folder = tmp_path_factory.mktemp("pool")
    app = create_app(make_settings(folder, **jwt_settings(folder, ec_key())), clock=lambda: NOW)
    with conforming_client(app) as client:
        yield client


@pytest.fixture
def log():
    """The lines that are logged."""
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.mark.parametrize(("method", "path", "body"), ALL)
def test_every_operation_asks_for_a_token(pool, method, path, body):
    """Without a token nobody gets further, and is told how; with one an operator does."""
    answer = pool.request(method, path, json=body)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert pool.request(method, path, json=body, headers=bearer(OPERATOR)).status_code < 500
    pool.delete(f"{SIGNED}/{EMAID_TEXT}", headers=bearer(OPERATOR))  # other tests find nothing


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "bearer  ", "Bearer x", "Bearer a b", f"BEARER {OPERATOR} ", ""],
)
def test_the_header_is_read_as_rfc_6750_says(pool, header):
    """One scheme in any case, one space or more, one token."""
    answer = pool.get(BY_EMAID, headers={"Authorization": header})
    if OPERATOR in header:
        assert answer.status_code == 404
    else:
        assert_error(answer, 401, REQUIRED)
        wanted = 'Bearer error="invalid_token"' if header else "Bearer"
        assert answer.headers["WWW-Authenticate"] == wanted


@pytest.mark.parametrize("header", ["Basic eDp5", f"Token {OPERATOR}", OPERATOR, "BearerX y"])
def test_other_schemes_are_no_token(pool, header):
    """Whoever comes with a password is told what is wanted."""
    answer = pool.get(BY_EMAID, headers={"Authorization": header})
    assert_error(answer, 401, REQUIRED)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_two_tokens_are_none(pool):
    """Nobody can tell which of two headers counts, so neither does."""
    two = [("Authorization", f"Bearer {OPERATOR}")] * 2
    assert pool.get(BY_EMAID, headers=two).status_code == 401
    assert pool.get(f"{BY_EMAID}?access_token={OPERATOR}").status_code == 401


@pytest.mark.parametrize(
    ("token", "details"),
    [
        (ec_key().token(at=NOW.replace(year=2024)), ["The access token has expired."]),
        (ec_key().token(at=NOW.replace(year=2026)), []),
        (ec_key().token(aud="another"), []),
        (hs256(ec_key().published("PEM"), "ec"), []),
        (hs256(ec_key().published("DER"), "ec"), []),
        (hs256(ec_key().published("JWK"), "ec"), []),
        (f"{OPERATOR}x", []),
        ("x" * 100_000, []),
    ],
    ids=["expired", "early", "audience", "PEM", "DER", "JWK", "spoilt", "long"],
)
def test_a_refusal_says_little(pool, token, details):
    """A stranger is told that the token has expired; of what else is wrong only the log has it."""
    answer = pool.get(BY_EMAID, headers=bearer(token))
    assert_error(answer, 401, REQUIRED, *details)
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_documents_and_errors_of_routing_ask_nobody(pool):
    """The spec, Swagger UI, unknown paths and methods are the same for everybody."""
    for path in ("openapi.json", "openapi.yaml", "ui/"):
        assert pool.get(f"{BASE}/{path}").status_code == 200
    assert pool.get(f"{BASE}/nothing").status_code == 404
    assert pool.patch(SIGNED).status_code == 405


def test_token_goes_before_contract_and_contract_before_right(pool):
    """A stranger learns nothing of our patterns; who may do nothing, what is malformed."""
    malformed = f"{BASE}/contractData/emaid/DE-X"
    assert pool.get(malformed).status_code == 401
    cpo = bearer(ec_key().token(role="cpo"))
    assert pool.get(malformed, headers=cpo).status_code == 400
    assert_error(
        pool.get(BY_EMAID, headers=cpo), 403, "The caller's role does not allow this operation."
    )


@pytest.mark.parametrize(("method", "path", "body"), ALL)
def test_the_store_is_not_asked_for_those_who_may_not(pool, monkeypatch, method, path, body):
    """Nothing is looked up for a foreign id: no status, text or time can tell what is there."""

    def fail(_self):
        raise AssertionError("the store was asked")

    monkeypatch.setattr(Connections, "read", fail)
    monkeypatch.setattr(Connections, "transaction", fail)
    for role in ("emsp", "oem", "none of them"):
        token = ec_key().token(role=role, ids=["FRXYZ", "WBA"])
        answer = pool.request(method, path, json=body, headers=bearer(token))
        assert answer.status_code == 403


def test_headers_that_contradict_the_token(pool):
    """The request says that it comes from another party: 403; an operator may be of any type."""
    operator = bearer(ec_key().token(ids=["DEICE"]))
    emsp = bearer(ec_key().token(role="emsp", ids=["DEICE"]))
    for party in ({"OPNC-from-party-type": "oem"}, {"OPNC-from-party-id": "FRXYZ"}):
        assert_error(
            pool.get(BY_EMAID, headers=emsp | party),
            403,
            "The OPNC-from-party headers contradict the access token.",
        )
        assert pool.get(BY_EMAID, headers=bearer(OPERATOR) | party).status_code == 404
        of_an_id = "OPNC-from-party-id" in party
        status = pool.get(BY_EMAID, headers=operator | party).status_code
        assert status == (403 if of_an_id else 404)
    true = {"OPNC-from-party-type": "emsp", "OPNC-from-party-id": "de-ice"}
    assert pool.get(BY_EMAID, headers=emsp | true).status_code == 404


def test_the_log_has_roles_and_ids(pool, log):
    """The line of a request tells who it was, but no token, subject, EMAID or PCID."""
    token = ec_key().token(
        role=["emsp", "cps"], ids=["DE-ICE", EMAID_TEXT, *map(str, range(100, 120))], sub="me@x"
    )
    pool.get(BY_EMAID, headers=bearer(token) | {"OPNC-from-party-id": "DEICE"})
    line = log[-1]
    assert (line["roles"], line["party_id"]) == (["cps", "emsp"], "DEICE")
    assert len(line["ids"]) == 8
    pool.get(BY_EMAID, headers=bearer(ec_key().token(role="emsp", ids=["DEICE", EMAID_TEXT])))
    assert log[-1]["ids"] == ["DEICE", "other"]
    for secret in (token[:30], token[-30:], "me@x", EMAID_TEXT):
        assert secret not in repr(log)


def test_the_log_says_why_a_token_is_refused(pool, log):
    """The operator can see that the audience is wrong; of the token there is nothing."""
    pool.get(BY_EMAID, headers=bearer(ec_key().token(aud="another")))
    assert log[0]["reason"] == "aud"
    assert "roles" not in log[-1]


@pytest.mark.parametrize(
    ("type_", "id_", "logged"),
    [
        ("emsp", "DE-ICE", {"party_type": "emsp", "party_id": "DE-ICE"}),
        ("cps", "4e05b892" * 8, {"party_type": "cps", "party_id": "4e05b892" * 8}),
        ("emsp", EMAID_TEXT, {"party_type": "emsp", "party_id": "other"}),
        ("emsp", PCID_TEXT, {"party_type": "emsp", "party_id": "other"}),
        ("emsp", "x" * 5000, {"party_type": "emsp", "party_id": "other"}),
        ("emsp", "a\x7fb\xff", {"party_type": "emsp", "party_id": "other"}),
        (EMAID_TEXT, "", {"party_type": "other"}),
    ],
    ids=["provider", "fingerprint", "EMAID", "PCID", "long", "unprintable", "type"],
)
def test_without_tokens_what_a_party_says_is_logged(empty_client, log, type_, id_, logged):
    """Where nobody is asked, the headers are recorded, if they can be ids; and grant nothing."""
    headers = {"OPNC-from-party-type": type_, "OPNC-from-party-id": id_.encode("latin1")}
    empty_client.get(BY_EMAID, headers=headers)
    line = {name: log[-1][name] for name in ("party_type", "party_id", "roles") if name in log[-1]}
    assert line == logged


def test_without_tokens_a_token_is_not_looked_at(empty_client, log):
    """With CCP_AUTH=none everybody passes, with a good token, a bad one, or none."""
    for headers in ({}, bearer("nonsense"), {"Authorization": "Basic x"}):
        assert empty_client.get(BY_EMAID, headers=headers).status_code == 404
    assert not [line for line in log if "token" in line["event"]]


def test_a_pool_without_keys_lets_nobody_in(tmp_path):
    """The issuer is down at the start: 503 with Retry-After, and never an open door."""
    variables = jwt_settings(tmp_path, ec_key()) | {"jwt_keys": "http://127.0.0.1:9/jwks"}
    app = create_app(make_settings(tmp_path, **variables), clock=lambda: NOW)
    with conforming_client(app) as client:
        for method, path, body in ALL:
            answer = client.request(method, path, json=body, headers=bearer(OPERATOR))
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "5"
            assert client.request(method, path, json=body).status_code == 401
            forged = bearer(f"{OPERATOR.partition('.')[0]}.e30.AA")
            assert client.request(method, path, json=body, headers=forged).status_code == 503


def test_keys_are_kept_fresh_by_those_who_serve(tmp_path, monkeypatch):
    """Joining the parts asks no issuer, not even where a pool serves already; serving does."""
    kept = []

    @asynccontextmanager
    async def kept_fresh(keys):
        kept.append(keys)
        yield

    monkeypatch.setattr(Keys, "kept_fresh", kept_fresh)
    pool_settings = make_settings(tmp_path, **jwt_settings(tmp_path, ec_key()))
    app = create_app(pool_settings, clock=lambda: NOW)
    assert kept == []
    with conforming_client(app) as client:
        assert len(kept) == 1
        create_app(pool_settings, clock=lambda: NOW)
        assert client.get(BY_EMAID, headers=bearer(OPERATOR)).status_code == 404
        assert len(kept) == 1


def test_the_clock_of_the_pool_counts(tmp_path):
    """A token is held against the same clock as certificates."""
    (tmp_path / "pool").mkdir()
    times = [NOW]
    variables = jwt_settings(tmp_path, ec_key())
    app = create_app(make_settings(tmp_path / "pool", **variables), clock=lambda: times[0])
    token = bearer(ec_key().token(exp=valid_claims()["exp"]))
    with conforming_client(app) as client:
        assert client.get(BY_EMAID, headers=token).status_code == 404
        times[0] = NOW.replace(hour=23)
        assert client.get(BY_EMAID, headers=token).status_code == 401
