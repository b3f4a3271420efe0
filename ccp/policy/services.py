"""Services: the collaborators that handlers and policy work with, and lab mode's one rule."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from ccp.clients.clients import Clients
from ccp.config.settings import Settings
from ccp.domain.errors import CcpError
from ccp.store import Store
from ccp.trust.current import TrustStore
from ccp.trust.operator_cas import Issuers
from ccp.trust.provider_table import ProviderTable

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Services:
    """
    The collaborators of all handlers.

    Attributes:
        clock: Returns the present moment, aware UTC.
        trusted: The trust anchors. Its `current` may be replaced at any moment, so a request reads
            it once.
        provider_table: Which eMSP roots may issue contracts of which providers.
        operator_cas: The CAs whose certificates are revoked before they are deleted.
        clients: Clients of other services.
    """

    settings: Settings
    store: Store
    clock: Callable[[], datetime]
    trusted: TrustStore
    provider_table: ProviderTable
    operator_cas: Issuers
    clients: Clients

    def raise_unless_lab(self, failures: Sequence[CcpError]) -> list[CcpError]:
        """
        Raise the failures of a message's checks in strict mode; accept them in lab mode.

        Args:
            failures: The failures, the gravest first; may be empty.
        Returns: The accepted failures: the first one with the messages of all, or none.
        Raises:
            CcpError: In strict mode, the first failure with the messages of all.
        """
        if not failures:
            return []
        first, *others = failures
        first.add_messages(message for failure in others for message in failure.messages)
        if not self.settings.lab:
            raise first
        return [first]

    def raise_or_log(self, failures: Sequence[CcpError]) -> None:
        """Raise failures in strict mode; log them in lab mode. See `raise_unless_lab`."""
        log_accepted_failures(self.raise_unless_lab(failures))


def log_accepted_failures(failures: Iterable[CcpError]) -> None:
    """Log each failure that lab mode accepted."""
    for failure in failures:
        log.warning("lab mode lets pass what strict mode refuses", failures=failure.messages)
