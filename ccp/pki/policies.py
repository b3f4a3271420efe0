"""Certificate policies on a path, where one of its certificates requires them."""

from collections.abc import Mapping, Sequence

from ccp.pki.extension_values import (
    read_natural_number,
    read_policies,
    read_policy_constraints,
    read_policy_mappings,
)
from ccp.pki.extensions import POLICY_CONSTRAINTS, Extensions

_CERTIFICATE_POLICIES, _POLICY_MAPPINGS = "2.5.29.32", "2.5.29.33"
_INHIBIT_ANY_POLICY = "2.5.29.54"
_ANY_POLICY = "2.5.29.32.0"


def has_required_policy(path: Sequence[Extensions]) -> bool:
    """
    Check that all certificates of a path have a policy in common, if one of them requires that.

    The pool itself accepts each policy. It is stricter than RFC 5280 in two points: a policy that a
    CA maps to another one is lost, and self-issued certificates count like all others.

    Args:
        path: The extensions of its certificates: the leaf first, without the root.
    Source: RFC 5280, 6.1.3 (d) to (f), 6.1.4 and 6.1.5 (a), (b) and (g).
    """
    # How many more certificates may lack the policy, or may have anyPolicy in its place.
    may_lack = may_be_any = len(path) + 1
    common = {_ANY_POLICY}
    *cas, leaf = (one.values for one in reversed(path))
    for ca in cas:
        common = _common(common, ca, any_counts=may_be_any > 0)
        if may_lack == 0 and not common:
            return False
        common -= _mapped(ca)
        may_lack = min(max(may_lack - 1, 0), _explicit_policy_after(ca, may_lack))
        may_be_any = min(max(may_be_any - 1, 0), _any_policy_ends_after(ca, may_be_any))
    common = _common(common, leaf, any_counts=may_be_any > 0)
    return bool(common) or (may_lack > 1 and _explicit_policy_after(leaf, may_lack) > 0)


def _common(common: set[str], values: Mapping[str, bytes], *, any_counts: bool) -> set[str]:
    """Return the policies that a certificate has in common with those above it."""
    value = values.get(_CERTIFICATE_POLICIES)
    policies = set() if value is None else set(read_policies(value))
    if not any_counts:
        policies.discard(_ANY_POLICY)
    if _ANY_POLICY in common:
        return policies
    return set(common) if _ANY_POLICY in policies else common & policies


def _mapped(values: Mapping[str, bytes]) -> set[str]:
    value = values.get(_POLICY_MAPPINGS)
    return set() if value is None else {policy for policy, _ in read_policy_mappings(value)}


def _explicit_policy_after(values: Mapping[str, bytes], default: int) -> int:
    value = values.get(POLICY_CONSTRAINTS)
    limit = None if value is None else read_policy_constraints(value)
    return default if limit is None else limit


def _any_policy_ends_after(values: Mapping[str, bytes], default: int) -> int:
    value = values.get(_INHIBIT_ANY_POLICY)
    return default if value is None else read_natural_number(value)
