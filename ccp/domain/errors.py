"""Every error a caller can be told: its status, its words, its ISO 15118 response code."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from ccp.domain.findings import Finding


class CcpError(Exception):
    """
    Base of all errors that are told to the caller.

    Attributes:
        status: HTTP status of the answer.
        message: What is said first; further details follow as messages of their own.
        headers: HTTP headers that the answer carries besides.
        iso2_code, iso20_code: Response code of the EXI answer, where one is given, by the edition
            of ISO 15118. In -20 FAILED ends the car's session, and WARNING does not.
        body: Further members of the error body.
        messages_for_log: What the log and the pages say instead of the messages; None if the
            messages have nothing that is not for the log.
        findings: What is for the log alone.
    """

    status: ClassVar[int]
    message: ClassVar[str]
    iso2_code: ClassVar[str] = "FAILED"
    iso20_code: ClassVar[str] = "WARNING_NoCertificateAvailable"

    def __init__(self, *details: str, headers: Mapping[str, str] | None = None) -> None:
        self.messages = [self.message]
        self.messages_for_log: list[str] | None = None
        self.add_messages(details)
        self.headers = dict(headers or {})
        self.body: dict[str, Any] = {}
        self.findings: list[Finding] = []
        super().__init__(*self.messages)

    def add_messages(self, messages: Iterable[str]) -> None:
        """Append what else is wrong; each message is told once, as the spec demands."""
        self.messages = list(dict.fromkeys((*self.messages, *messages)))


class BadRequest(CcpError):
    """What was sent does not fit the spec, or does not fit itself."""

    status = 400
    message = "The request is invalid."


def findings_of(failures: Iterable[CcpError]) -> list[Finding]:
    """Give what is for the log alone, of several."""
    return [finding for failure in failures for finding in failure.findings]


@contextmanager
def collecting(failures: list[CcpError]) -> Iterator[None]:
    """Finding a refusal in *failures* instead of raising it, to tell it together with others."""
    try:
        yield
    except BadRequest as failure:
        failures.append(failure)


class RequestInvalid(BadRequest):
    """One or more parameters or body fields break the spec; one message each."""

    def __init__(self, violations: Iterable[str]) -> None:
        super().__init__()
        self.messages = list(dict.fromkeys(violations))


class SessionIdInvalid(BadRequest):
    """What is to be put into a message as its session id is none."""

    message = (
        "Invalid SessionID format, make sure the length is maximum 8 characters"
        " and it is represented in HEX binary"
    )


class ExiInvalid(BadRequest):
    """The bytes are not EXI, or not the message that is wanted here."""

    message = "EXI format is invalid!"


class MessageNotSupported(BadRequest):
    """The bytes are a message of ISO 15118 that this pool does not serve."""

    message = "This ISO 15118 message is not supported."


class ResponseCodeNotOk(BadRequest):
    """The CertificateInstallationRes to be stored tells of a failure."""

    message = "The ResponseCode of the CertificateInstallationRes is not OK."


class ContractKeyUnusable(BadRequest):
    """The encrypted private key of a contract, or the key to decrypt it with, cannot be used."""

    message = "No car can use the encrypted private key of the CertificateInstallationRes."


class EmaidMismatch(BadRequest):
    """The EMAID given is not the one that the message is about."""

    message = "emaid : is not the EMAID of the CertificateInstallationRes"


class CertificateUnreadable(BadRequest):
    """A certificate inside a message is not X.509, or lacks what is needed of it."""

    message = "A certificate in the message cannot be read."
    iso2_code = "FAILED_CertChainError"
    iso20_code = "WARNING_CertificateValidationError"


class SignatureInvalid(BadRequest):
    """A signature does not hold, or does not cover what it must; a message says which part."""

    message = "The signature of the message is invalid."
    iso2_code = "FAILED_SignatureError"
    iso20_code = "FAILED_SignatureError"


class CertificateChainBroken(BadRequest):
    """A chain does not end in a trusted root, or a certificate in it is not what it should be."""

    message = "The certificate chain is invalid."
    iso2_code = "FAILED_CertChainError"
    iso20_code = "WARNING_CertificateValidationError"


class CertificateChainExpired(BadRequest):
    """The validity of a certificate of a chain has ended."""

    message = "A certificate of the chain is expired or not yet valid."
    iso2_code = "FAILED_CertificateExpired"
    iso20_code = "WARNING_CertificateExpired"


class CertificateChainNotYetValid(CertificateChainExpired):
    """The validity of a certificate of a chain has not begun."""

    iso20_code = "WARNING_CertificateNotYetValid"


class ContractCertificateExpired(BadRequest):
    """The contract certificate's validity has ended."""

    message = "The validUntil date of contract certificate is in the past."


class ContractCertificateNotYetValid(BadRequest):
    """The contract certificate's validity has not begun."""

    message = "The validFrom date of contract certificate is in the future."


class ContractCertificateRevoked(BadRequest):
    """The pool has had the contract certificate revoked, or has found that it is."""

    message = "The contract certificate has been revoked."


class ProvisioningCertificateExpired(BadRequest):
    """The validity of the car's provisioning certificate has ended."""

    message = "The OEM provisioning certificate is expired or not yet valid."
    iso2_code = "FAILED_CertificateExpired"
    iso20_code = "WARNING_CertificateExpired"


class ProvisioningCertificateNotYetValid(ProvisioningCertificateExpired):
    """The validity of the car's provisioning certificate has not begun."""

    iso20_code = "WARNING_CertificateNotYetValid"


class ContractLimitReached(BadRequest):
    """The car has as many contracts, or the contract as many variants, as the pool stores."""

    message = "The pool stores no more contracts for this PCID."

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The limit for a PCID is {limit} in each edition of ISO 15118, and for the V2G root"
            f" variants of a contract {limit}. Delete one of them first."
        )


class EmaidBelongsToOtherPcid(BadRequest):
    """A contract is for one car; this one is stored for another."""

    message = "Invalid tuple - EMAID is already used by other PCID."


class TokenMissing(CcpError):
    """The caller has sent no access token, and the pool asks for one."""

    status = 401
    message = "A valid access token is required."

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class TokenInvalid(CcpError):
    """The access token proves nothing here; a message may say why, as far as strangers may know."""

    status = 401
    message = TokenMissing.message

    def __init__(self, *details: str) -> None:
        super().__init__(*details, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


class RoleNotAllowed(CcpError):
    """None of the caller's roles may do this."""

    status = 403
    message = "The caller's role does not allow this operation."


class EmaidNotOwned(CcpError):
    """The contract is another eMSP's, whether or not it is stored."""

    status = 403
    message = "The EMAID does not belong to the caller."


class PcidNotOwned(CcpError):
    """The car is another OEM's, whether or not it is known."""

    status = 403
    message = "The PCID does not belong to the caller."


class PartyContradictsToken(CcpError):
    """The request says that it comes from somebody else than its token does."""

    status = 403
    message = "The OPNC-from-party headers contradict the access token."


class HostNotLocal(CcpError):
    """The Host header is not a name of this machine; the pool has no tokens (DNS rebinding)."""

    status = 403
    message = (
        "The Host header has to be a loopback address or localhost, since this pool asks for no"
        " token. For a pool behind a proxy, set CCP_TRUSTED_PROXIES or CCP_AUTH=jwt."
    )


class SiteNotSame(CcpError):
    """A browser sends the request for a page of another site; the pool has no tokens (CSRF)."""

    status = 403
    message = (
        "A web page of another site may not write to this pool, since this pool asks for no token"
        " (Sec-Fetch-Site or Origin)."
    )


class ContractNotFound(CcpError):
    """No contract is stored under the EMAID, or EMAID and PCID, asked for."""

    status = 404
    message = "The contract for the given EMAID not found."


class ContractsOfPcidNotFound(CcpError):
    """No contract is stored for the PCID asked for."""

    status = 404
    message = "The contract for the given PCID not found."


class ContractOrVehicleNotFound(CcpError):
    """Nothing here can be installed in the car that asks."""

    status = 404
    message = "Contract or Vehicle not found."
    iso2_code = "FAILED_NoCertificateAvailable"
    iso20_code = "WARNING_NoContractMatchingPCIDFound"


class PathNotFound(CcpError):
    """
    No operation of the spec has this path.

    The answer names the path. The log does not: a misspelt path may have a whole EMAID.

    Args:
        path: In printable ASCII; empty if it is not known.
    """

    status = 404
    message = "There is no such path."

    def __init__(self, path: str = "") -> None:
        super().__init__()
        self.messages_for_log = [self.message]
        if path:
            self.messages = [
                f'There is no such path: "{path}". The page "/" links to the documentation.'
            ]


class MethodNotAllowed(CcpError):
    """The path exists, but not with this method."""

    status = 405
    message = "This path has no such method."


class RequestTimeout(CcpError):
    """The body did not arrive in time."""

    status = 408
    message = "The request body did not arrive in time."


class PayloadTooLarge(CcpError):
    """The body is larger than this pool reads."""

    status = 413
    message = "The request body is too large."


class UnsupportedMediaType(CcpError):
    """The body is not JSON."""

    status = 415
    message = "The Content-Type must be application/json."


class UnsupportedContentEncoding(CcpError):
    """The body is compressed, or encoded in another way (RFC 9110, 8.4 and 15.5.16)."""

    status = 415
    message = "The request body must not be compressed: send it without Content-Encoding."

    def __init__(self) -> None:
        super().__init__(headers={"Accept-Encoding": "identity"})


class TooManyRequests(CcpError):
    """This caller asks more than its share."""

    status = 429
    message = "Too many requests; try again later."

    def __init__(self, seconds: int) -> None:
        super().__init__(headers={"Retry-After": str(seconds)})


class InternalError(CcpError):
    """Something went wrong in here; the log has it under the trace id."""

    status = 500
    message = "The pool could not process the request; its operator finds more under the traceId."


class RevocationFailed(CcpError):
    """The PKI service has not revoked the contract certificate; everything is still stored."""

    status = 502
    message = "The contract certificate could not be revoked. Nothing was deleted."


class RevocationUnavailable(CcpError):
    """The PKI service cannot be asked to revoke; everything is still stored."""

    status = 503
    message = "The revocation service cannot be reached. Nothing was deleted."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "10"})


class StoreBusy(CcpError):
    """Another writer held the database for too long; nothing was changed."""

    status = 503
    message = "The pool is busy; try again."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class StoreFull(CcpError):
    """The disk takes no more; nothing was changed, and what is stored can be read."""

    status = 503
    message = "The pool has no room to store this. Nothing was changed; try again later."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "60"})


class StoreFailed(CcpError):
    """The disk of the database reports an error. SQLite does not say whether a write reached it."""

    status = 503
    message = "The pool's disk reports an error. The request was not confirmed; try again later."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "60"})


class StoreUnreachable(CcpError):
    """The database file is missing, was moved or replaced, or is not one of this pool's version."""

    status = 503
    message = "The pool cannot reach its database. The request was not confirmed; try again later."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "10"})


class KeysNotThere(CcpError):
    """The keys of the token issuer could not be had yet, so no access token can be checked."""

    status = 503
    message = "The pool cannot check access tokens just now; try again."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


class TooManyAtOnce(CcpError):
    """All callers together ask more at once than this worker takes on."""

    status = 503
    message = "The pool has too much to do; try again."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})
