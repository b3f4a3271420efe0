"""Services: what every handler is given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from ccp.errors import CcpError
from ccp.peers.peers import Peers
from ccp.pki.issuers import Issuers
from ccp.pki.trusted import TrustedNow
from ccp.settings import Settings
from ccp.store import Store

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Services:
    """
    The parts that handlers work with.

    Attributes:
        clock: Gives the present moment, aware UTC.
        trusted: The anchors that chains have to end in, and what proves that they do. It may be
            replaced at any moment, so a request looks at it once.
        operator_cas: The CAs whose certificates are revoked before they are deleted.
        peers: The services that this pool asks.
    """

    settings: Settings
    store: Store
    clock: Callable[[], datetime]
    trusted: TrustedNow
    operator_cas: Issuers
    peers: Peers

    def refuse(self, failures: Sequence[CcpError]) -> None:
        """
        Refuse what failed its checks; in lab mode, only say so in the log.

        Args:
            failures: What the checks found, the gravest first; may be empty.
        Raises:
            CcpError: The first of *failures*, with the messages of all, in strict mode.
        """
        if not failures:
            return
        first, *others = failures
        first.add_messages(message for failure in others for message in failure.messages)
        if not self.settings.lab:
            raise first
        log.warning("lab mode lets pass what strict mode refuses", failures=first.messages)
