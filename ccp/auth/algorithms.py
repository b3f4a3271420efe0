"""The allow-list of signature algorithms of access tokens; none of them is symmetric."""

from joserfc.errors import UnsupportedAlgorithmError
from joserfc.jwa import JWS_ALGORITHMS, JWSAlgModel
from joserfc.jws import JWSRegistry

LONGEST_TOKEN = 8192
"""Limit on the length in characters; gunicorn accepts no longer header field."""

# EdDSA (RFC 8037) is also named Ed25519 (RFC 9864).
ALGORITHMS = {
    algorithm.name: algorithm
    for algorithm in JWS_ALGORITHMS
    if algorithm.name in ("RS256", "ES256", "EdDSA", "Ed25519")
}


class _Registry(JWSRegistry):
    """The limits and algorithms that joserfc applies to a token."""

    max_header_length = LONGEST_TOKEN
    max_payload_length = LONGEST_TOKEN

    def get_alg(self, name: str) -> JWSAlgModel:
        """Return an algorithm, without joserfc's warning about the name EdDSA."""
        try:
            return ALGORITHMS[name]
        except KeyError:
            raise UnsupportedAlgorithmError from None


# Unknown header parameters are ignored (RFC 7515, 4).
REGISTRY = _Registry(strict_check_header=False)
