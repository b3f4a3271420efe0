"""Bytes tell their edition, whatever the caller calls them."""

import pytest
from structlog.testing import capture_logs

from ccp.domain.errors import ExiInvalid
from ccp.domain.identifiers import ISO_15118_2, ISO_15118_20
from ccp.messages import read_installation_req, read_installation_res
from tests.builders import (
    EMAID_TEXT,
    installation_req,
    installation_req_20,
    installation_res,
    installation_res_20,
)

NAMESPACES = [ISO_15118_2, ISO_15118_20, "urn:x", ""]


@pytest.mark.parametrize("said", NAMESPACES)
@pytest.mark.parametrize(
    ("exi", "namespace", "certificates"),
    [(installation_req(), ISO_15118_2, 1), (installation_req_20(), ISO_15118_20, 2)],
    ids=["-2", "-20"],
)
def test_a_request_is_of_the_edition_that_its_bytes_are(
    exi: bytes, namespace: str, certificates: int, said: str
) -> None:
    """The log says so where the caller says otherwise."""
    with capture_logs() as lines:
        request = read_installation_req(exi, said)
    assert request.namespace == namespace
    assert len(request.certificates) == certificates
    assert [line["found"] for line in lines] == [namespace] * (said != namespace)


@pytest.mark.parametrize("said", NAMESPACES)
@pytest.mark.parametrize(
    ("exi", "namespace", "emaid"),
    [(installation_res(), ISO_15118_2, EMAID_TEXT), (installation_res_20(), ISO_15118_20, None)],
    ids=["-2", "-20"],
)
def test_a_contract_is_of_the_edition_that_its_bytes_are(
    exi: bytes, namespace: str, emaid: str | None, said: str
) -> None:
    """ISO 15118-20 has no element for the EMAID: the contract certificate alone names it."""
    with capture_logs() as lines:
        contract = read_installation_res(exi, said)
    assert (contract.namespace, contract.emaid) == (namespace, emaid)
    assert [line["found"] for line in lines] == [namespace] * (said != namespace)


@pytest.mark.parametrize("zeros", [0, 1, 4])
@pytest.mark.parametrize("exi", [installation_req(), installation_req_20()], ids=["-2", "-20"])
def test_relays_append_zero_bytes_to_requests(exi: bytes, zeros: int) -> None:
    """Up to four of them are forgiven, in both editions."""
    assert read_installation_req(exi + bytes(zeros), ISO_15118_2)
    with pytest.raises(ExiInvalid, match="goes on after its end"):
        read_installation_req(exi + bytes(5), ISO_15118_2)


@pytest.mark.parametrize("exi", [installation_res(), installation_res_20()], ids=["-2", "-20"])
def test_nothing_may_follow_what_is_to_be_stored(exi: bytes) -> None:
    """A CPS sends the message and nothing more."""
    with pytest.raises(ExiInvalid, match="goes on after its end"):
        read_installation_res(exi + b"\0", ISO_15118_2)


@pytest.mark.parametrize("namespace", [ISO_15118_2, ISO_15118_20])
def test_a_req_is_no_res(namespace: str) -> None:
    """Each operation has its message, in both editions."""
    for exi in (installation_req(), installation_req_20()):
        with pytest.raises(ExiInvalid, match="is a CertificateInstallationReq, not a Res"):
            read_installation_res(exi, namespace)
    for exi in (installation_res(), installation_res_20()):
        with pytest.raises(ExiInvalid, match="is a CertificateInstallationRes, not a Req"):
            read_installation_req(exi, namespace)
