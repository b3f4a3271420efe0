"""Messages that hypothesis draws: any that the schema allows, but for what XML cannot carry."""

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
)
from ccp.iso15118.iso2_schema import FAULT_CODES, RESPONSE_CODES

# No empty values, which XML makes a departure from the schema, and no white space, which it bends.
CHARACTERS = st.characters(exclude_categories=["Cc", "Cs", "Cn", "Z"])


def texts(least: int = 1, most: int = 40) -> st.SearchStrategy[str]:
    return st.text(CHARACTERS, min_size=least, max_size=most)


def octets(most: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=1, max_size=most)


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
HEADERS = st.builds(
    iso2.Header,
    octets(8),
    st.none() | st.builds(iso2.Notification, st.sampled_from(FAULT_CODES), maybe(texts(most=64))),
    st.none()
    | st.builds(
        Signature, SIGNED_INFOS, st.builds(SignatureValue, octets(64), maybe(IDS)), maybe(IDS)
    ),
)
# With exactly 20 roots EXIficient's grammar and the XSD differ by one bit.
REQS = st.builds(
    iso2.CertificateInstallationReq,
    IDS,
    octets(800),
    st.lists(st.builds(RootCertificateID, texts(), INTEGERS), min_size=1, max_size=19),
)


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
MESSAGES = st.builds(Message, HEADERS, REQS | RESES)
