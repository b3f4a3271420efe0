"""Protected mode: whom a pool serves as it is set up, and what it leaves unprotected."""

from collections.abc import Iterable
from datetime import datetime

from ccp.config.addresses import is_loopback
from ccp.config.settings import ANCHOR_FOLDERS, AnchorsUnusable, Settings, SettingsInvalid
from ccp.trust.folder import KINDS, Trust
from ccp.trust.provider_table import FILE_NAME, ProviderTable


def require_safe_exposure(settings: Settings, hosts: Iterable[str], trust: Trust) -> None:
    """
    Refuse to serve the world by accident.

    A loopback address needs nothing. Any other needs access tokens (CCP_AUTH=jwt), V2G anchors and
    OEM anchors. The operator waives each by setting CCP_AUTH=none, CCP_CHECKS=lab (all anchors) or
    CCP_OEM_ANCHORS=optional. A default does not waive anything.

    Args:
        hosts: What is bound: addresses, host names, or anything else, such as a Unix socket,
            which counts as open: the proxy behind it serves others.
        trust: The pool's anchors.
    Raises:
        SettingsInvalid: Something can be reached from elsewhere, and it was not said.
    """
    open_hosts = sorted({host or "every address" for host in hosts if not is_loopback(host)})
    missing = []
    if settings.auth != "jwt" and "CCP_AUTH" not in settings.explicitly_set:
        missing.append("CCP_AUTH=jwt, or CCP_AUTH=none, which asks nobody who calls")
    is_lab = settings.lab and "CCP_CHECKS" in settings.explicitly_set
    if not trust.v2g.configured and not is_lab:
        missing.append(
            "V2G trust anchors in CCP_TRUST_DIR or of CCP_RCP_URL, or CCP_CHECKS=lab, since"
            " without them it cannot verify"
        )
    if not trust.oem.configured and not is_lab and settings.oem_anchors == "required":
        missing.append(
            "OEM trust anchors in CCP_TRUST_DIR or of CCP_RCP_URL, or CCP_OEM_ANCHORS=optional,"
            " since without them it cannot verify cars"
        )
    if open_hosts and missing:
        raise SettingsInvalid(
            f"CCP_HOST: {', '.join(open_hosts)} can be reached from elsewhere. "
            f"If that is meant, this pool needs: {'; and '.join(missing)}."
        )


def require_no_kind_lost(before: Trust, after: Trust, *, at: datetime) -> None:
    """
    Refuse anchors that would replace others and lack a kind of them.

    A kind is lost if none of it is configured any more, so that its chains would hold unverified;
    or if none of its roots is valid any more, so that none of its chains would hold.

    Args:
        before, after: The anchors in use, and those that would replace them.
        at: The present, aware UTC.
    Raises:
        AnchorsUnusable: A kind is lost; the text names each.
    """
    lost = []
    for kind in KINDS:
        old, new = getattr(before, kind), getattr(after, kind)
        if old.configured and not new.configured:
            lost.append(f"there are no {kind} anchors any more")
        elif old.has_valid_root(at) and not new.has_valid_root(at):
            lost.append(f"no {kind} root is valid any more")
    if lost:
        raise AnchorsUnusable(
            f"CCP_TRUST_DIR: {'; '.join(lost)}, so the anchors in use stay. Put them back and"
            " reload. If the pool is to do without, restart it; where a file has to be removed"
            " first, the start names it."
        )


def require_table_not_lost(before: ProviderTable, after: ProviderTable) -> None:
    """
    Refuse a table of providers without entries in place of one that has some.

    Without it each eMSP root could issue contracts of every provider.

    Args:
        before, after: The table in use, and the one that would replace it.
    Raises:
        AnchorsUnusable: The table is lost.
    """
    if before.providers and not after.providers:
        raise AnchorsUnusable(
            f"CCP_TRUST_DIR: {FILE_NAME} is not there any more, or has no entries, so the table in"
            " use stays. Put it back and reload, or restart the pool if it is to do without."
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
