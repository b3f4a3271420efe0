"""Whether the pool lives, and whether it can do its work."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse

from ccp.auth.tokens import Tokens
from ccp.pki.anchors import Anchors
from ccp.policy.services import Services
from ccp.trust.current import TrustStore
from ccp.trust.folder import KINDS, Trust
from ccp.web.calls import Calls

log = structlog.get_logger()

_OK = "ok"
_SECONDS = 3  # the disk may hang


class Health:
    """
    What a worker says of itself and of what it works with.

    Args:
        tokens: None where nobody is asked for one.
        handlers: The threads that call the handlers of the API.
    """

    def __init__(self, services: Services, tokens: Tokens | None, handlers: Calls) -> None:
        self._services = services
        self._tokens = tokens
        self._handlers = handlers
        self._last_checks: Mapping[str, str] = {}
        # One at a time, in a thread that starts with the first, after the server has forked.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="health")

    async def live(self, _request: Request) -> JSONResponse:
        """Answer, which a worker that hangs does not."""
        return JSONResponse({"live": True})

    async def ready(self, request: Request) -> JSONResponse:
        """
        Answer 200, or 503 where something is not as it has to be.

        Both name the checks, and list each kind of anchors with the number that are valid now.
        """
        trusted, now = self._services.trusted, self._services.clock()
        database, reading = await asyncio.gather(self._database(), self._reading())
        checks = {
            "server": "it is ending" if getattr(request.state, "is_ending", False) else _OK,
            **database,
            "handlers": reading,
            "anchors": _check_anchors(trusted, at=now),
        }
        if self._tokens is not None:
            checks["keys"] = _OK if self._tokens.keys.are_there else "none could be read yet"
        ready = all(said == _OK for said in checks.values())
        if checks != self._last_checks and not ready:  # probes come every second
            log.warning("the pool is not ready", **checks)
        self._last_checks = checks
        answer = {"ready": ready, "checks": checks, "anchors": _list_anchors(trusted, at=now)}
        return JSONResponse(answer, 200 if ready else 503)

    async def _database(self) -> Mapping[str, str]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_SECONDS):
                found = await loop.run_in_executor(self._executor, self._services.store.readiness)
        except TimeoutError:
            return {"database": f"it has not answered within {_SECONDS} s", "migrations": "unknown"}
        return {"database": found.database or _OK, "migrations": found.migrations or _OK}

    async def _reading(self) -> str:
        """Read the database as the handlers do: in their threads, by their connections."""
        try:
            async with asyncio.timeout(_SECONDS):
                await self._handlers.make(self._services.store.try_to_read)
        except TimeoutError:
            return f"no record could be read within {_SECONDS} s"
        except Exception as error:  # whatever it is, every request would meet it too
            return f"no record can be read: {error or type(error).__name__}"
        return _OK


def _check_anchors(trusted: TrustStore, *, at: datetime) -> str:
    """
    Check that each kind of anchors that should be there has a root that is valid now.

    Contract chains of eMSPs in a V2G PKI end in V2G roots, so a root pool may have no eMSP root.
    """
    if trusted.refused_reload:
        return f"the reload was refused: {trusted.refused_reload}"
    trust = trusted.current.trust
    bad = [
        kind
        for kind, anchors in _kinds(trust)
        if anchors.configured
        and not anchors.has_valid_root(at)
        and (kind != "emsp" or anchors.certificates or trusted.files.emsp.configured)
    ]
    return f"no valid root for {', '.join(bad)}" if bad else _OK


def _list_anchors(trusted: TrustStore, *, at: datetime) -> Mapping[str, Mapping[str, Any]]:
    """Return for each kind whether its chains are verified, and how many anchors are valid now."""
    return {
        kind: {
            "verifies": anchors.configured,
            "anchors": len(anchors.certificates),
            "valid_now": len(anchors.valid_at(at)),
            "valid_root": anchors.has_valid_root(at),
        }
        for kind, anchors in _kinds(trusted.current.trust)
    }


def _kinds(trust: Trust) -> list[tuple[str, Anchors]]:
    return [(kind, getattr(trust, kind)) for kind in KINDS]
