"""Which tokens are accepted, and of whom they are; the tokens are made by hand."""

import asyncio
import json
from contextlib import suppress
from datetime import timedelta

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from hypothesis import given, settings
from hypothesis import strategies as st

from ccp.auth.caller import Caller
from ccp.auth.jwks import KeysUnusable
from ccp.auth.keys import Keys
from ccp.auth.tokens import LEEWAY_SECONDS, Tokens, make_tokens
from ccp.config.settings import Settings, SettingsInvalid
from ccp.domain.errors import KeysNotThere, TokenInvalid
from tests.builders import NOW
from tests.issuer import (
    AUDIENCE,
    ISSUER,
    LIFE_SECONDS,
    SigningKey,
    b64url,
    ec_key,
    ed_key,
    hs256,
    jwks,
    rsa_key,
    signing_input,
    valid_claims,
)

KEYS = (rsa_key(), ec_key(), ed_key())
NOW_SECONDS = int(NOW.timestamp())


class Nowhere:
    """A source that has no keys."""

    async def read(self):
        raise KeysUnusable("there is nothing")


def make(*keys, now=NOW, clock=None, **variables):
    """What checks the tokens of an issuer with these keys; a *clock* goes, *now* stands still."""
    given_settings = Settings.from_environment(
        {
            "CCP_AUTH": "jwt",
            "CCP_JWT_ISSUER": ISSUER,
            "CCP_JWT_AUDIENCE": AUDIENCE,
            "CCP_JWT_KEYS": "not read",
        }
        | {f"CCP_{name.upper()}": value for name, value in variables.items()}
    )
    of_issuer = Keys(Nowhere())
    of_issuer.take(jwks(*(keys or KEYS)))
    return Tokens(given_settings, of_issuer, clock or (lambda: now))


def caller_of(token, tokens=None):
    """The caller that a token proves."""
    return asyncio.run((tokens or make()).caller(token))


def refused(token, tokens=None):
    """The word in the log for why a token is refused, and what its sender is told besides."""
    with structlog.testing.capture_logs() as log, pytest.raises(TokenInvalid) as raised:
        caller_of(token, tokens)
    assert raised.value.headers == {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    (line,) = [line for line in log if line["event"] == "access token refused"]
    return line["reason"], raised.value.messages[1:]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.algorithm)
def test_a_signed_token_proves_its_caller(key):
    """RS256, ES256 and EdDSA; subject, roles and ids are the token's."""
    token = key.token(sub="backend 7", role=["emsp", "cps"], ids=["de-abc", "NLXYZ"])
    assert caller_of(token) == Caller("backend 7", ("cps", "emsp"), ("DEABC", "NLXYZ"))


def test_eddsa_has_another_name_and_another_curve():
    """`Ed25519`, as RFC 9864 calls it, and EdDSA with Ed448 (RFC 8037)."""
    renamed = SigningKey(ed25519.Ed25519PrivateKey.generate(), "Ed25519", "new")
    other = SigningKey(ed448.Ed448PrivateKey.generate(), "EdDSA", "448")
    for key in (renamed, other):
        assert caller_of(key.token(), make(renamed, other)).roles == ("operator",)


@pytest.mark.parametrize(
    ("claims", "roles", "ids"),
    [
        ({"role": "emsp", "ids": "DEABC"}, ("emsp",), ("DEABC",)),
        ({"role": ["oem", "oem", "king"], "ids": ["wau", "WAU"]}, ("oem",), ("WAU",)),
        ({"role": "EMSP"}, ("emsp",), ()),
        ({"role": ["CPO", "eMSP", " Oem "]}, ("cpo", "emsp", "oem"), ()),
        ({"role": ["\N{KELVIN SIGN}ing", "operat\N{MATHEMATICAL BOLD SMALL O}r"]}, (), ()),
        ({"role": ["CPS,emsp", "emsp=cps"]}, (), ()),
        ({"role": "emsp cps"}, (), ()),
        ({"role": "king", "ids": []}, (), ()),
        ({"role": None, "ids": None}, (), ()),
        ({"role": "emsp", "ids": ["", "DE*ABC", "+49*822"]}, ("emsp",), ("+49*822", "DE*ABC")),
    ],
)
def test_roles_and_ids_are_a_text_or_a_list(claims, roles, ids):
    """Roles that nobody knows are ignored; ids are compared without case and hyphens."""
    assert caller_of(ec_key().token(**claims)) == Caller("somebody", roles, ids)


def test_claims_may_have_other_names():
    """Issuers that name claims by URLs are served."""
    tokens = make(jwt_role_claim="https://x.example/roles", jwt_ids_claim="https://x.example/ids")
    claims = {"https://x.example/roles": ["oem"], "https://x.example/ids": ["WAU"]}
    token = ec_key().token(role=5, ids=5, **claims)
    assert caller_of(token, tokens) == Caller("somebody", ("oem",), ("WAU",))


NAMES = "MO_EXTERNAL_PKI=emsp, PKI_OEM = OEM,Both=cps,both=emsp,operator=cpo,Prüfstelle = cps"


@pytest.mark.parametrize(
    ("role", "roles"),
    [
        ("MO_EXTERNAL_PKI", ("emsp",)),
        (["mo_external_pki", "Pki_Oem", "CPO"], ("cpo", "emsp", "oem")),
        ("both", ("cps", "emsp")),
        ("operator", ("cpo",)),
        ("MO_EXTERNAL_PKI=emsp", ()),
        ("MO", ()),
        (" Prüfstelle ", ("cps",)),
    ],
)
def test_role_names_of_an_issuer_are_translated(role, roles):
    """CCP_JWT_ROLE_NAMES wins over a role of the same name; other names mean what they say."""
    token = ec_key().token(role=role)
    assert caller_of(token, make(jwt_role_names=NAMES)).roles == roles


def test_claims_that_are_null_are_as_if_left_out():
    """An issuer may write each claim into each token; a subject that is null is left out too."""
    members = valid_claims(role="emsp", ids="DEABC") | {"wmi": None}
    for name, roles, ids in (("wmi", ("emsp",), ("DEABC",)), ("role", (), ("DEABC",)),
                             ("ids", ("emsp",), ())):  # fmt: skip
        text = signing_input({"alg": "ES256", "kid": "ec"}, members | {name: None})
        token = f"{text}.{b64url(ec_key().signature(text.encode()))}"
        caller = caller_of(token, make(jwt_wmi_claim="wmi"))
        assert (caller.roles, caller.ids) == (roles, ids)


@pytest.mark.parametrize(
    "names", ["emsp", "=emsp", "A=", "A=mo", "A=emsp;B=oem", "A=B=oem", "A=emsp,B"]
)
def test_role_names_that_are_malformed_stop_the_start(names):
    """The message has the entry and the roles that there are."""
    with pytest.raises(SettingsInvalid, match=r"CCP_JWT_ROLE_NAMES: '.*' is not name=role.*emsp"):
        make(jwt_role_names=names)


def test_ids_may_come_in_claims_of_their_own():
    """Provider ids and WMIs apart, beside the one claim for both or without it."""
    claims = {"ids": "NLXYZ", "provider_ids": ["de-abc"], "https://x.example/wmi": "wau"}
    apart = make(jwt_provider_claim="provider_ids", jwt_wmi_claim="https://x.example/wmi")
    assert caller_of(ec_key().token(**claims), apart).ids == ("DEABC", "NLXYZ", "WAU")
    assert caller_of(ec_key().token(**claims | {"ids": None}), apart).ids == ("DEABC", "WAU")
    assert caller_of(ec_key().token(**claims)).ids == ("NLXYZ",)
    for name in ("provider_ids", "https://x.example/wmi"):
        assert refused(ec_key().token(**claims | {name: 5}), apart) == ("roles or ids", [])


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://other.example"}, "iss"),
        ({"iss": [ISSUER]}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "another pool"}, "aud"),
        ({"aud": ["another", "third"]}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": {AUDIENCE: 1}}, "aud"),
        ({"aud": [AUDIENCE, 5]}, "aud"),
        ({"aud": None}, "aud"),
        ({"exp": None}, "exp"),
        ({"exp": "tomorrow"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": [9999999999]}, "exp"),
        ({"nbf": "now"}, "nbf"),
        ({"nbf": NOW_SECONDS + LEEWAY_SECONDS + 1}, "nbf"),
        ({"iat": NOW_SECONDS + LEEWAY_SECONDS + 1}, "iat"),
        ({"iat": {}}, "iat"),
        ({"ids": ["D\N{FULLWIDTH LATIN CAPITAL LETTER E}ABC"]}, "ids"),
        ({"ids": ["DEABC", "DEABC\n9 2025-06-01T12:00:00Z put"]}, "ids"),
        ({"ids": "DEABC\x1b[2J"}, "ids"),
        ({"ids": ["DEABC,NLXYZ"]}, "ids"),
        ({"ids": ["DEABC NLXYZ"]}, "ids"),
        ({"ids": ["\N{RIGHT-TO-LEFT OVERRIDE}"]}, "ids"),
        ({"ids": ["A" * 65]}, "ids"),
        ({"sub": 5}, "sub"),
        ({"sub": "x" * 256}, "sub"),
        ({"sub": "me\nyou"}, "sub"),
        ({"sub": "\x1b[2J"}, "sub"),
        ({"sub": "me\x00"}, "sub"),
        ({"sub": "me\x85you"}, "sub"),
        ({"sub": "me\N{LINE SEPARATOR}you"}, "sub"),
        ({"sub": "me\N{RIGHT-TO-LEFT OVERRIDE}you"}, "sub"),
        ({"sub": None, "client_id": "me\n"}, "client_id"),
        ({"sub": None, "client_id": ["me"]}, "client_id"),
        ({"sub": None, "client_id": "x" * 256}, "client_id"),
        ({"sub": None, "azp": "\x1b"}, "azp"),
        ({"sub": "", "azp": 0}, "azp"),
        ({"role": 5}, "roles or ids"),
        ({"role": {"emsp": True}}, "roles or ids"),
        ({"role": ["emsp", None]}, "roles or ids"),
        ({"ids": 5}, "roles or ids"),
        ({"ids": [["DEABC"]]}, "roles or ids"),
        ({"ids": False}, "roles or ids"),
    ],
)
def test_claims_have_to_be_right(claims, reason):
    """Issuer, audience, times and types: each is checked, and none is taken for another."""
    assert refused(ec_key().token(**claims)) == (reason, [])


def test_the_audience_is_one_of_several():
    """A token may be for other services too."""
    assert caller_of(ec_key().token(aud=["another", AUDIENCE])).subject == "somebody"


def test_a_token_may_name_nobody():
    """Without a name there is a caller all the same."""
    assert caller_of(ec_key().token(sub=None)).subject is None
    assert caller_of(ec_key().token(sub="", client_id="", azp="")).subject is None


@pytest.mark.parametrize(
    ("claims", "subject"),
    [
        ({"sub": "sub", "client_id": "client", "azp": "azp"}, "sub"),
        ({"sub": "sub", "client_id": 5, "azp": "\n"}, "sub"),
        ({"sub": None, "client_id": "client", "azp": "azp"}, "client"),
        ({"sub": "", "client_id": "client"}, "client"),
        ({"sub": None, "azp": "azp"}, "azp"),
        ({"sub": "our \N{SNOWMAN} back end"}, "our \N{SNOWMAN} back end"),
    ],
)
def test_a_caller_is_called_what_its_token_says_first(claims, subject):
    """`sub`, or else the client that the token was issued to, which has two names."""
    assert caller_of(ec_key().token(**claims)).subject == subject


def test_a_token_ends():
    """It is good until `exp` and the leeway, by the pool's clock; then its sender is told."""
    token = ec_key().token()
    end = NOW + timedelta(seconds=LIFE_SECONDS + LEEWAY_SECONDS)
    assert caller_of(token, make(now=end - timedelta(seconds=1)))
    assert refused(token, make(now=end)) == ("exp", ["The access token has expired."])


def test_the_clock_is_asked_for_each_token():
    """What checks claims is made once, and yet a token ends while the pool runs."""
    times = [NOW]
    tokens = make(clock=lambda: times[0])
    token = ec_key().token()
    assert caller_of(token, tokens)
    times[0] += timedelta(days=1)
    assert refused(token, tokens)[0] == "exp"


def test_a_token_begins():
    """It is good from `nbf`, less the leeway."""
    token = ec_key().token(iat=None)
    begin = NOW - timedelta(seconds=LEEWAY_SECONDS)
    assert caller_of(token, make(now=begin))
    assert refused(token, make(now=begin - timedelta(seconds=1))) == ("nbf", [])


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.algorithm)
@pytest.mark.parametrize("form", ["PEM", "stripped PEM", "DER", "JWK", "JWK's number"])
def test_a_public_key_is_no_secret(key, form):
    """HS256 with the public key as its secret proves nothing, with its kid and without one."""
    for kid in (key.kid, None):
        assert refused(hs256(key.published(form), kid), make(key)) == ("header", [])


def test_a_symmetric_key_is_none():
    """A secret among the published keys is not used, whatever its use says."""
    secret = b"s" * 32
    tokens = make(ec_key(), {"kty": "oct", "k": b64url(secret), "alg": "HS256", "use": "sig"})
    assert refused(hs256(secret), tokens) == ("header", [])


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
def test_none_is_no_algorithm(algorithm):
    """An unsigned token is refused in every spelling, with and without a signature."""
    text = signing_input({"alg": algorithm, "kid": "ec"}, valid_claims())
    for signature in ("", b64url(ec_key().signature(text.encode()))):
        assert refused(f"{text}.{signature}") == ("header", [])


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256", "ES384", "ES256K", "HS512"])
def test_other_algorithms_are_refused(algorithm):
    """What is not listed is not accepted, however good it may be."""
    assert refused(ec_key().token({"alg": algorithm})) == ("header", [])


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.algorithm)
@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA", "Ed25519"])
def test_key_and_algorithm_go_together(key, algorithm):
    """A key signs with its own algorithm; a token that says another is refused."""
    token = key.token({"alg": algorithm})
    if algorithm == key.algorithm:
        assert caller_of(token)
    else:
        assert refused(token)[0] == "bad_signature"


def test_a_curve_goes_with_its_algorithm():
    """ES256 is P-256, and a key of P-384 is none."""
    other = SigningKey(ec.generate_private_key(ec.SECP384R1()), "ES256", "384")
    with pytest.raises(KeysUnusable):
        make(other)
    assert refused(other.token(), make(other, ec_key()))[0] == "bad_signature"


def test_a_stranger_signs_in_vain():
    """Neither a key of the stranger's own nor one in the header of the token makes it valid."""
    stranger = SigningKey(ec.generate_private_key(ec.SECP256R1()), "ES256", "ec")
    headers = [
        {},
        {"kid": None},
        {"jwk": stranger.jwk()},
        {"jku": "https://stranger.example/jwks"},
        {"x5u": "https://stranger.example/x5u"},
        {"x5c": ["MIIB"]},
    ]
    for header in headers:
        assert refused(stranger.token(header)) == ("bad_signature", [])
    assert refused(stranger.token({"kid": "unknown"})) == ("bad_signature", [])


def test_hints_at_keys_are_ignored():
    """A valid token may have a key or certificates in its header; the issuer's key counts."""
    header = {"jku": "https://x.example/", "x5c": ["MIIB"], "x5t": "AA", "nonce": "x", "jwk": {}}
    assert caller_of(ec_key().token(header))


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": ["b64"], "b64": True},
        {"crit": ["b64"], "b64": False},
        {"crit": []},
        {"crit": 5},
        {"crit": [{}]},
        {"b64": False},
        {"kid": 5},
        {"kid": ["ec"]},
        {"alg": None},
        {"alg": 5},
        {"alg": ["ES256"]},
        {"typ": 5},
        {"jku": 5},
        {"x5c": "MIIB"},
    ],
    ids=str,
)
def test_a_header_has_to_be_understood(header):
    """Critical extensions and odd types are refused, though the signature holds."""
    assert refused(ec_key().token(header)) == ("header", [])


@pytest.mark.parametrize("part", [0, 1, 2])
def test_every_part_counts(part):
    """A changed character in header, payload or signature spoils the token."""
    parts = ec_key().token().split(".")
    old = parts[part][10]
    parts[part] = f"{parts[part][:10]}{'A' if old != 'A' else 'B'}{parts[part][11:]}"
    assert refused(".".join(parts))


def test_another_payload_needs_another_signature():
    """Claims of one's own choice under the signature of others are refused."""
    header, _, signature = ec_key().token(role="cpo").split(".")
    payload = ec_key().token(role="operator").split(".")[1]
    assert refused(f"{header}.{payload}.{signature}") == ("bad_signature", [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "not a token",
        "\N{SNOWMAN}.\N{SNOWMAN}.\N{SNOWMAN}",
        "e30.e30.",
        "W10.e30.AA",
        f"{b64url(b'[' * 3000)}.e30.AA",
        f"{b64url(json.dumps(['alg', 'b64']).encode())}.e30.AA",
        f"{b64url(json.dumps('alg').encode())}.e30.AA",
        f"{b64url(b'5')}.e30.AA",
        f"{b64url(bytes([0xFF]))}.e30.AA",
        ec_key().token()[:-20],
        ec_key().token().rpartition(".")[0],
        ec_key().token() + "=",
        ec_key().token() + ".AA.AA",
        ec_key().token().replace(".", "..", 1),
        ec_key().token(padding="x" * 8000),
        "a" * 100_000,
    ],
    ids=str.__len__,
)
def test_what_is_no_token_is_refused(text):
    """Whatever is sent, it is refused, and nothing breaks."""
    assert refused(text)


def test_the_length_is_bounded():
    """Tokens of some kilobytes are read, and none that no header field can carry."""
    assert caller_of(ec_key().token(padding="x" * 5000))
    assert refused(ec_key().token(padding="x" * 6100)) == ("size", [])


@pytest.mark.parametrize("payload", [b"", b"5", b"[]", b'"text"', b"{", b'{"exp":NaN}', b"\xff"])
def test_a_payload_is_an_object(payload):
    """What is signed but no claims is refused."""
    text = f"{signing_input({'alg': 'ES256', 'kid': 'ec'}, {}).split('.')[0]}.{b64url(payload)}"
    assert refused(f"{text}.{b64url(ec_key().signature(text.encode()))}") == ("payload", [])


@given(st.text())
def test_any_text_is_refused(text):
    """No text that Hypothesis thinks of is a token, or an error of another kind."""
    assert refused(text)


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.sampled_from(
            ["iss", "aud", "exp", "nbf", "iat", "sub", "client_id", "azp", "role", "ids"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda values: st.lists(values, max_size=3),
            max_leaves=5,
        ),
        max_size=6,
    )
)
def test_any_signed_claims_are_read_or_refused(claims):
    """Signed claims of any types lead to a caller or to a refusal."""
    text = signing_input({"alg": "EdDSA", "kid": "ed"}, valid_claims(role="cpo") | claims)
    with suppress(TokenInvalid):
        caller_of(f"{text}.{b64url(ed_key().signature(text.encode()))}", make(ed_key()))


def test_without_keys_nobody_can_tell():
    """As long as there are no keys, nobody gets in, and nobody is called a liar."""
    tokens = make()
    tokens.keys = Keys(Nowhere())
    with pytest.raises(KeysNotThere) as raised:
        caller_of(ec_key().token(), tokens)
    assert raised.value.headers == {"Retry-After": "5"}


def test_a_file_of_keys_is_read_at_the_start(tmp_path):
    """A pool starts with the keys of its file, or says what is wrong with it."""
    place = tmp_path / "jwks.json"
    given_settings = Settings.from_environment(
        {
            "CCP_AUTH": "jwt",
            "CCP_JWT_ISSUER": ISSUER,
            "CCP_JWT_AUDIENCE": AUDIENCE,
            "CCP_JWT_KEYS": str(place),
        }
    )
    with pytest.raises(SettingsInvalid, match=r"CCP_JWT_KEYS: .*jwks.json: No such file"):
        make_tokens(given_settings, lambda: NOW)
    place.write_bytes(b"{}")
    with pytest.raises(SettingsInvalid, match="not a JSON Web Key Set"):
        make_tokens(given_settings, lambda: NOW)
    place.write_bytes(jwks(ec_key()))
    assert caller_of(ec_key().token(), make_tokens(given_settings, lambda: NOW))
