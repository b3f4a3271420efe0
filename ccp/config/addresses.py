"""Addresses and URLs as settings have them: who is near, and whose word is believed."""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Self
from urllib.parse import urlsplit

from marshmallow import ValidationError

_UNIX = "unix"
_HOST = re.compile(r"[\w.:-]+", re.ASCII)
_VISIBLE = re.compile(r"[!-~]{1,2048}", re.ASCII)
_BIND = re.compile(r"unix:.+|(\[[0-9A-Fa-f:]+\]|[\w.-]+):(?P<port>\d{1,5})", re.ASCII)


@lru_cache(maxsize=64)  # a pool on this machine asks twice for each request
def is_loopback(host: str) -> bool:
    """Tell whether nobody but this machine reaches a host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_web_url(text: str) -> bool:
    """Tell whether text is an http or https URL, of a host and of at most 2048 characters."""
    if not _VISIBLE.fullmatch(text):
        return False
    scheme, host = _split(text)
    return scheme in ("http", "https") and bool(host) and "@" not in text


def _is_private_way(text: str) -> bool:
    """Tell whether nobody on the way to a URL can read or change what is said."""
    scheme, host = _split(text)
    return bool(host) and (scheme == "https" or (scheme == "http" and is_loopback(host)))


def _split(text: str) -> tuple[str, str]:
    """Scheme and host of a URL; empty where it has no proper ones."""
    try:
        url = urlsplit(text)
        host, _ = url.hostname or "", url.port
    except ValueError:
        return "", ""
    return (url.scheme, host) if _HOST.fullmatch(host) else ("", "")


def require_private_way(text: str) -> None:
    """
    Check a URL that secrets are sent to; none is inside it.

    Raises:
        ValidationError: It is no https URL, nor an http URL on this machine.
    """
    if not _is_private_way(text) or set("@?#") & set(text) or not text.isprintable():
        raise ValidationError("must be an https URL, or an http URL on this machine")


def require_place_of_keys(place: str) -> None:
    """Check where keys are: a path, or a URL whose answer nobody on the way can change."""
    if "://" in place and not _is_private_way(place):
        raise ValidationError("must be a file, an https URL, or an http URL on this machine")


def urls_in(text: str) -> tuple[str, ...]:
    """Give base URLs that stand after commas, each once and without a slash at its end."""
    given = (url.strip().rstrip("/") for url in text.split(","))
    return tuple(dict.fromkeys(url for url in given if url))


def require_urls(text: str) -> None:
    """Check base URLs after commas, each as `require_private_way` does."""
    for url in urls_in(text):
        require_private_way(url)


def require_url(text: str) -> None:
    """Check a URL as `require_private_way` does; there may be none."""
    if text:
        require_private_way(text)


def require_bind(text: str) -> None:
    """Check what to listen on, `host:port` or `unix:path`; there may be nothing."""
    bind = _BIND.fullmatch(text)
    if text and not (bind and int(bind["port"] or 0) < 2**16):
        raise ValidationError("must be host:port or unix:path")


def is_near(bind: str) -> bool:
    """Tell whether nobody but this machine reaches what listens on `host:port` or `unix:path`."""
    host, _, _ = bind.rpartition(":")
    return host.startswith("unix") or is_loopback(host)


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """
    Whose forwarded headers are believed.

    Attributes:
        networks: Of proxies that connect over IP.
        unix: Whether whoever connects to a Unix socket is one.
    """

    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    unix: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read addresses, networks and the word `unix`, after commas; none where there is nothing.

        Raises:
            ValueError: Something else is there.
        """
        proxies = [proxy.strip() for proxy in text.split(",") if proxy.strip()]
        networks = tuple(ipaddress.ip_network(proxy) for proxy in proxies if proxy != _UNIX)
        return cls(networks, _UNIX in proxies)


def require_proxies(text: str) -> None:
    """Check what `TrustedProxies.parse` reads; ValidationError if it cannot."""
    try:
        TrustedProxies.parse(text)
    except ValueError:
        raise ValidationError("must be addresses, networks or unix") from None
