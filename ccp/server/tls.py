"""TLS of the server itself: its certificate, and the CA of client certificates."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from ccp.config.settings import Settings, SettingsInvalid


@dataclass(frozen=True, slots=True)
class Tls:
    """
    The TLS configuration, read from its files.

    Attributes:
        context: The context of the server's sockets; None without CCP_TLS_CERTIFICATE.
        warning: A problem that does not prevent the start; may be empty.
    """

    context: ssl.SSLContext | None = None
    warning: str = ""


def read_tls(settings: Settings) -> Tls:
    """
    Read certificate, key and client CA.

    Raises:
        SettingsInvalid: A file cannot be read or used.
    """
    if not settings.tls_certificate:
        return Tls()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    certificates = _read_certificates("CCP_TLS_CERTIFICATE", settings.tls_certificate)
    _read("CCP_TLS_KEY", settings.tls_key)
    try:
        # Without a password OpenSSL would ask for one at the terminal.
        context.load_cert_chain(settings.tls_certificate, settings.tls_key, password="")
    except ssl.SSLError as error:
        raise SettingsInvalid(
            f"CCP_TLS_KEY: {settings.tls_key} is not an unencrypted private key"
            f" of the first certificate in {settings.tls_certificate}"
            f" that is strong enough ({error.reason or 'encrypted'})"
        ) from error
    if settings.tls_client_ca:
        _read_certificates("CCP_TLS_CLIENT_CA", settings.tls_client_ca)
        try:
            context.load_verify_locations(settings.tls_client_ca)
        except ssl.SSLError as error:
            raise SettingsInvalid(
                f"CCP_TLS_CLIENT_CA: {settings.tls_client_ca} cannot be read ({error.reason})"
            ) from error
        context.verify_mode = ssl.CERT_REQUIRED
    return Tls(context, _not_valid(certificates[0]))


def _read(variable: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SettingsInvalid(f"{variable}: {path}: {error.strerror}") from error


def _read_certificates(variable: str, path: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(variable, path))
    except ValueError as error:
        raise SettingsInvalid(f"{variable}: {path} has no certificates in PEM") from error


def _not_valid(certificate: x509.Certificate) -> str:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if begins <= datetime.now(UTC) <= ends:
        return ""
    return f"The certificate of CCP_TLS_CERTIFICATE is valid from {begins:%F} to {ends:%F} only."
