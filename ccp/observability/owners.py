"""Provider id and WMI of a request, for every log line of that request."""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ccp.domain.identifiers import Emaid, Pcid

# The dict of one request. A handler's thread works on a copy of the context, but on the same dict.
_owners: ContextVar[dict[str, str] | None] = ContextVar("owners", default=None)


@contextmanager
def owners_of_request() -> Iterator[None]:
    """Collect the owners that `log_owners` adds inside the block."""
    token = _owners.set({})
    try:
        yield
    finally:
        _owners.reset(token)


def log_owners(*, emaids: Iterable[Emaid] = (), pcid: Pcid | None = None) -> None:
    """
    Add the provider ids of contracts and the WMI of a car to the log lines of this request.

    The log has no whole EMAID and no whole PCID. Outside a request nothing is added.

    Args:
        emaids: The contracts. Several provider ids are joined by commas.
        pcid: The car; None if it is not known.
    """
    owners = _owners.get()
    if owners is None:
        return
    if providers := sorted({emaid.provider_id for emaid in emaids}):
        owners["provider_id"] = ",".join(providers)
    if pcid is not None:
        owners["wmi"] = pcid.wmi


def current_owners() -> Mapping[str, str]:
    """Return `provider_id` and `wmi`, each only if it is known by now."""
    return dict(_owners.get() or {})


def merge_owners(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add the owners to a log line; a processor of structlog."""
    for name, value in (_owners.get() or {}).items():
        event.setdefault(name, value)
    return event
