"""Certificate policies on a path: required by one of its certificates, or by none."""

import pytest

from ccp.pki.extensions import Extensions
from ccp.pki.policies import has_required_policy
from tests.pki.raw import oid, tlv

P, Q, ANY = "1.2.3.4", "1.2.3.5", "2.5.29.32.0"


def certificate(
    *policies: str,
    explicit: int | None = None,
    no_any: int | None = None,
    mapped: tuple[str, str] | None = None,
) -> Extensions:
    """The extensions of a certificate; *explicit* and *no_any* are numbers of certificates."""
    values = {}
    if policies:
        values["2.5.29.32"] = tlv(0x30, *(tlv(0x30, oid(one)) for one in policies))
    if explicit is not None:
        values["2.5.29.36"] = tlv(0x30, tlv(0x80, bytes([explicit])))
    if no_any is not None:
        values["2.5.29.54"] = tlv(0x02, bytes([no_any]))
    if mapped:
        values["2.5.29.33"] = tlv(0x30, tlv(0x30, *map(oid, mapped)))
    return Extensions(values, ())


# From below the root to the leaf; the verdicts are those of RFC 5280, 6.1, worked out by hand.
PATHS = {
    "nothing": ([certificate(), certificate()], True),
    "not required": ([certificate(P), certificate(Q)], True),
    "required at once": ([certificate(P, explicit=0), certificate(P)], True),
    "another one": ([certificate(P, explicit=0), certificate(Q)], False),
    "the CA has none": ([certificate(explicit=0), certificate(P)], False),
    "the leaf has none": ([certificate(P, explicit=0), certificate()], False),
    "one of two": ([certificate(P, Q, explicit=0), certificate(Q)], True),
    "any in the CA": ([certificate(ANY, explicit=0), certificate(Q)], True),
    "any in the leaf": ([certificate(P, explicit=0), certificate(ANY)], True),
    "any is over": ([certificate(P, explicit=0, no_any=0), certificate(ANY)], False),
    "any for one more": (
        [certificate(P, explicit=0, no_any=1), certificate(ANY), certificate(P)],
        True,
    ),
    "any for one more, not two": (
        [certificate(P, explicit=0, no_any=1), certificate(ANY), certificate(ANY)],
        False,
    ),
    "required after the leaf": ([certificate(explicit=3), certificate(), certificate()], True),
    "required at the leaf": ([certificate(explicit=2), certificate(), certificate()], False),
    "the leaf requires": ([certificate(), certificate(P, explicit=0)], False),
    "the leaf requires later": ([certificate(), certificate(P, explicit=1)], True),
    "a later limit does not raise": (
        [certificate(explicit=0), certificate(P, explicit=9), certificate(P)],
        False,
    ),
    "mapped away": (
        [certificate(P, explicit=0, mapped=(P, Q)), certificate(P)],
        False,
    ),
    "a leaf alone": ([certificate(explicit=0)], False),
    "a leaf alone with it": ([certificate(P, explicit=0)], True),
}


@pytest.mark.parametrize("name", PATHS)
def test_has_required_policy_is_as_in_rfc_5280(name: str) -> None:
    path, verdict = PATHS[name]
    assert has_required_policy(path[::-1]) is verdict
