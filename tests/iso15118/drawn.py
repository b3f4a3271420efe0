"""Messages that hypothesis draws: any that the schema allows, but for what XML cannot carry."""

from typing import Any

from hypothesis import strategies as st

from ccp.iso15118 import (
    Message,
    Reference,
    RootCertificateID,
    Signature,
    SignatureMethod,
    SignatureValue,
    SignedInfo,
    Transform,
    iso2,
    iso20,
)
from ccp.iso15118.iso2_schema import FAULT_CODES, RESPONSE_CODES
from ccp.iso15118.iso20_schema import ECDH_CURVES, EVSE_PROCESSING
from ccp.iso15118.iso20_schema import RESPONSE_CODES as RESPONSE_CODES20

# No empty values, which XML makes a departure from the schema, and no white space, which it bends.
CHARACTERS = st.characters(exclude_categories=["Cc", "Cs", "Cn", "Z"])


def texts(least: int = 1, most: int = 40) -> st.SearchStrategy[str]:
    return st.text(CHARACTERS, min_size=least, max_size=most)


def octets(most: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=1, max_size=most)


def exactly(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


IDS = texts(most=8)
URIS = st.sampled_from(["http://www.w3.org/TR/canonical-exi/", "urn:a", "#id1"]) | texts(most=20)
INTEGERS = st.integers(-(2**256), 2**256 - 1)


def maybe(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    return st.none() | strategy


TRANSFORMS = st.builds(Transform, URIS, st.lists(texts(), max_size=2))
REFERENCES = st.builds(
    Reference,
    URIS,
    octets(32),
    st.lists(TRANSFORMS, max_size=2),
    maybe(IDS),
    maybe(URIS),
    maybe(URIS),
)
SIGNED_INFOS = st.builds(
    SignedInfo,
    URIS,
    st.builds(SignatureMethod, URIS, st.none() | INTEGERS),
    st.lists(REFERENCES, min_size=1, max_size=4),
    maybe(IDS),
)
SIGNATURES = st.builds(
    Signature, SIGNED_INFOS, st.builds(SignatureValue, octets(132), maybe(IDS)), maybe(IDS)
)
HEADERS = st.builds(
    iso2.Header,
    octets(8),
    st.none() | st.builds(iso2.Notification, st.sampled_from(FAULT_CODES), maybe(texts(most=64))),
    st.none() | SIGNATURES,
)


def roots(most: int) -> st.SearchStrategy[list[RootCertificateID]]:
    return st.lists(st.builds(RootCertificateID, texts(), INTEGERS), min_size=1, max_size=most)


# With exactly 20 roots EXIficient's grammar of ISO 15118-2 and the XSD differ by one bit.
REQS = st.builds(iso2.CertificateInstallationReq, IDS, octets(800), roots(19))


def chains(ids: st.SearchStrategy[str | None]) -> st.SearchStrategy[iso2.CertificateChain]:
    return st.builds(iso2.CertificateChain, octets(200), st.lists(octets(200), max_size=4), ids)


RESES = st.builds(
    iso2.CertificateInstallationRes,
    st.sampled_from(RESPONSE_CODES),
    chains(maybe(IDS)),
    chains(maybe(IDS)),
    st.builds(iso2.ContractSignatureEncryptedPrivateKey, IDS, octets(48)),
    st.builds(iso2.DiffieHellmanPublickey, IDS, octets(65)),
    st.builds(iso2.EMAID, IDS, texts(14, 15)),
)
ISO2_MESSAGES = st.builds(Message, HEADERS, REQS | RESES)

UNSIGNED_BYTES = st.integers(0, 255)
TIME_STAMPS = st.integers(0, 2**64 - 1) | st.integers(0, 9).map(lambda n: 128**n)
HEADERS20 = st.builds(iso20.Header, exactly(8), TIME_STAMPS, st.none() | SIGNATURES)
REQS20 = st.builds(
    iso20.CertificateInstallationReq,
    st.builds(iso20.SignedCertificateChain, IDS, octets(1600), st.lists(octets(200), max_size=3)),
    roots(20),
    UNSIGNED_BYTES,
    st.lists(texts(most=255), max_size=8),
)


def chains20(subs: int) -> st.SearchStrategy[iso20.CertificateChain]:
    """With *subs* sub-certificates at least."""
    lists = st.lists(octets(200), min_size=subs, max_size=3)
    return st.builds(iso20.CertificateChain, octets(200), lists)


def installation_data(**key: st.SearchStrategy[bytes]) -> st.SearchStrategy[Any]:
    return st.builds(
        iso20.SignedInstallationData,
        IDS,
        chains20(1),
        st.sampled_from(ECDH_CURVES),
        exactly(133),
        **key,
    )


RESES20 = st.builds(
    iso20.CertificateInstallationRes,
    st.sampled_from(RESPONSE_CODES20),
    st.sampled_from(EVSE_PROCESSING),
    chains20(0),
    installation_data(secp521_encrypted_private_key=exactly(94))
    | installation_data(x448_encrypted_private_key=exactly(84))
    | installation_data(tpm_encrypted_private_key=exactly(206)),
    UNSIGNED_BYTES,
)
ISO20_MESSAGES = st.builds(Message, HEADERS20, REQS20 | RESES20)
MESSAGES = ISO2_MESSAGES | ISO20_MESSAGES
