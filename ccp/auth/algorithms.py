"""The signature algorithms of access tokens: these and no others, none of them symmetric."""

from joserfc.errors import UnsupportedAlgorithmError
from joserfc.jwa import JWS_ALGORITHMS, JWSAlgModel
from joserfc.jws import JWSRegistry

LONGEST_TOKEN = 8192
"""In characters. A header field of a request is not longer either, as gunicorn reads it."""

# EdDSA has two names: RFC 8037 gave it the one, RFC 9864 the other.
ALGORITHMS = {
    algorithm.name: algorithm
    for algorithm in JWS_ALGORITHMS
    if algorithm.name in ("RS256", "ES256", "EdDSA", "Ed25519")
}


class _Registry(JWSRegistry):
    """What the library is to accept in the header of a token."""

    max_header_length = LONGEST_TOKEN
    max_payload_length = LONGEST_TOKEN

    def get_alg(self, name: str) -> JWSAlgModel:
        """Look an algorithm up; the library would warn of the name EdDSA, which issuers use."""
        try:
            return ALGORITHMS[name]
        except KeyError:
            raise UnsupportedAlgorithmError from None


# Headers that nobody here knows are ignored, as RFC 7515, 4 wants it.
REGISTRY = _Registry(strict_check_header=False)
