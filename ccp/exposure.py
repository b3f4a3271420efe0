"""Protected mode: whom a pool serves as it is set up, and what it leaves unprotected."""

from collections.abc import Iterable

from ccp.addresses import is_loopback
from ccp.pki.trust import Trust
from ccp.settings import ANCHOR_FOLDERS, Settings, SettingsInvalid


def require_safe_exposure(settings: Settings, hosts: Iterable[str], *, verifies: bool) -> None:
    """
    Refuse to serve the world by accident.

    On a loopback address everything goes. On any other the pool has to ask who calls
    (CCP_AUTH=jwt) and to verify what a CPS has signed; or the operator has to say
    CCP_AUTH=none, or CCP_CHECKS=lab, in so many words. A default does not count.

    Args:
        hosts: What is bound: addresses, host names, or anything else, such as a Unix socket,
            which counts as open: the proxy behind it serves others.
        verifies: Whether the pool has a V2G trust anchor.
    Raises:
        SettingsInvalid: Something can be reached from elsewhere, and it was not said.
    """
    open_hosts = sorted({host or "every address" for host in hosts if not is_loopback(host)})
    missing = []
    if settings.auth != "jwt" and "CCP_AUTH" not in settings.said:
        missing.append("CCP_AUTH=jwt, or CCP_AUTH=none, which asks nobody who calls")
    if not verifies and not (settings.lab and "CCP_CHECKS" in settings.said):
        missing.append(
            "V2G trust anchors in CCP_TRUST_DIR or of CCP_RCP_URL, or CCP_CHECKS=lab, since"
            " without them it cannot verify"
        )
    if open_hosts and missing:
        raise SettingsInvalid(
            f"CCP_HOST: {', '.join(open_hosts)} can be reached from elsewhere. "
            f"If that is meant, this pool needs: {'; and '.join(missing)}."
        )


def warnings_of(
    settings: Settings, hosts: Iterable[str], trust: Trust, *, served: str, operators: str = ""
) -> list[str]:
    """
    Tell what a pool does not ask and not verify.

    Args:
        hosts: As for `require_safe_exposure`.
        trust: Its anchors.
        served: What is bound, in words.
        operators: The operators' address, if others than this machine reach it; empty if not.
    Returns: Sentences; none where everything is protected.
    """
    warnings = []
    if settings.auth == "none":
        warnings.append(f"Whoever reaches {served} may use this pool (CCP_AUTH=none).")
    anchors = {"CPS": trust.v2g, "contracts": trust.contracts, "cars": trust.oem}
    unverified = " and ".join(whose for whose, ends in anchors.items() if not ends.configured)
    if unverified:
        why = "no anchors in CCP_TRUST_DIR"
        if not settings.has_anchor_folders:
            why += f" ({settings.trust_dir} has none of the folders {', '.join(ANCHOR_FOLDERS)})"
        warnings.append(f"Chains of {unverified} are not verified: {why}.")
    if settings.lab:
        warnings.append("What is wrong with a message is logged, not refused (CCP_CHECKS=lab).")
    if settings.opcp_on and not settings.opcp and not all(map(is_loopback, hosts)):
        warnings.append("The facade for OPCP is served too, as CCP_HOST is local (CCP_OPCP=off).")
    if operators:
        warnings.append(f"Whoever reaches {operators} sees how it fares, and is not asked.")
    return warnings
