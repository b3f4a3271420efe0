"""Services: what every handler is given."""

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
    The parts that handlers work with.

    Attributes:
        clock: Gives the present moment, aware UTC.
        trusted: The anchors that chains have to end in, and what proves that they do. It may be
            replaced at any moment, so a request looks at it once.
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
        Refuse what failed its checks; in lab mode, let it pass.

        Args:
            failures: What the checks found, the gravest first; may be empty.
        Returns: What is let pass: the first of *failures*, with the messages of all, if any.
        Raises:
            CcpError: The same, in strict mode.
        """
        if not failures:
            return []
        first, *others = failures
        first.add_messages(message for failure in others for message in failure.messages)
        if not self.settings.lab:
            raise first
        return [first]

    def log_unless_strict(self, failures: Sequence[CcpError]) -> None:
        """Do as `raise_unless_lab` does, and say in the log what is let pass."""
        log_accepted_failures(self.raise_unless_lab(failures))


def log_accepted_failures(failures: Iterable[CcpError]) -> None:
    """Say in the log what lab mode has let pass."""
    for failure in failures:
        log.warning("lab mode lets pass what strict mode refuses", failures=failure.messages)
