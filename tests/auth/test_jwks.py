"""Which published keys are used, and which are left out."""

import json

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import ec

from ccp.auth.jwks import MAX_BYTES, KeysUnusable, fits, read_jwks
from tests.issuer import SigningKey, b64url, ec_key, ed_key, jwks, rsa_key

P384 = SigningKey(ec.generate_private_key(ec.SECP384R1()), "ES384", "384")


def left_out(entry):
    """Why a key is left out of a set that has a good one besides."""
    with structlog.testing.capture_logs() as log:
        (kept,) = read_jwks(jwks(entry, ec_key()))
    assert kept.kid == "ec"
    (line,) = log
    return line["reason"]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"kty": "oct", "k": b64url(b"s" * 32), "kid": "s"}, "symmetric"),
        ({"kty": "AKP", "alg": "ML-DSA-44"}, "type is not known"),
        ({"kty": ["EC"]}, "type is not known"),
        ({}, "type is not known"),
        ({"kty": "EC"}, "malformed"),
        (rsa_key(bits=1024).jwk(), "fewer than 2048 bits"),
        (rsa_key().jwk(n="AAAA" * 200 + "AQAB"), "fewer than 2048 bits"),
        (rsa_key().jwk(n="!"), "malformed"),
        (rsa_key().jwk(n=5), "malformed"),
        (rsa_key().jwk(e="AA"), "malformed"),
        (rsa_key().jwk(use="enc"), "algorithm and use"),
        (rsa_key().jwk(use="tls"), "malformed"),
        (rsa_key().jwk(use=None, key_ops=["encrypt"]), "algorithm and use"),
        (rsa_key().jwk(alg="RSA-OAEP"), "algorithm and use"),
        (rsa_key().jwk(alg="PS256"), "algorithm and use"),
        (rsa_key().jwk(alg="HS256"), "algorithm and use"),
        (rsa_key().jwk(alg=5), "malformed"),
        (rsa_key().jwk(kid=5), "malformed"),
        (P384.jwk(), "algorithm and use"),
        (P384.jwk(alg=None), "algorithm and use"),
        (ec_key().jwk(crv="P-384"), "malformed"),
        (ec_key().jwk(crv="P-1"), "malformed"),
        (ec_key().jwk(x=b64url(bytes(32))), "malformed"),
        (ec_key().jwk(d=b64url(b"d" * 32)), "private"),
        (ed_key().jwk(crv="X25519"), "algorithm and use"),
        (ed_key().jwk(crv="X25519", alg=None), "algorithm and use"),
        (ed_key().jwk(x="AA"), "malformed"),
    ],
)
def test_a_key_that_cannot_sign_tokens_is_left_out(entry, reason):
    """Symmetric, weak, private, for something else, broken: the log says which and why."""
    assert reason in left_out(entry)


@pytest.mark.parametrize("entry", [None, 5, "key", []])
def test_what_is_no_key_is_left_out(entry):
    """A member of the set that is no object does not spoil the others."""
    assert "not a JSON object" in left_out(entry)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'"keys"',
        b"{}",
        b'{"keys": {}}',
        b'{"keys": null}',
        b'{"keys": []}',
        b'{"keys": [{"kty": "oct", "k": "AAAA"}]}',
        b"[" * 100_000,
        b" " * MAX_BYTES + jwks(ec_key()),
    ],
    ids=len,
)
def test_a_document_without_keys_is_told(document):
    """What is no JWKS, too large, or has no key of use, is an error."""
    with pytest.raises(KeysUnusable):
        read_jwks(document)


def test_the_number_of_keys_is_bounded():
    """Of an endless set the first ones are taken."""
    document = json.dumps({"keys": [ec_key().jwk()] * 500}).encode()
    assert len(read_jwks(document)) == 64


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"alg": None, "use": None}, ["RS256"]),
        ({"key_ops": ["verify"]}, ["RS256"]),
        ({"use": None, "key_ops": ["sign", "verify"]}, ["RS256"]),
        ({"x5c": ["MIIB"], "x5t": "AA", "unknown": 5}, ["RS256"]),
    ],
)
def test_what_a_key_leaves_open_is_allowed(changes, names):
    """Only what is said restricts; what is unknown is ignored (RFC 7517, 4)."""
    (key,) = read_jwks(jwks(rsa_key().jwk(**changes)))
    assert [name for name in ("RS256", "ES256", "EdDSA", "none", "HS256") if fits(name, key)] == (
        names
    )
