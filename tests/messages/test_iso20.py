"""What the pool sets in a message of ISO 15118-20, and that it touches nothing else."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccp.domain.errors import ContractOrVehicleNotFound, InternalError, SignatureInvalid
from ccp.domain.identifiers import ISO_15118_20
from ccp.iso15118 import cut_fragment, decode, encode, iso20
from ccp.messages import InstallationRequest, read_installation_req, read_installation_res
from tests.builders import SESSION_20, installation_req_20, installation_res_20

UNITS = {"seconds": 1, "milliseconds": 1000, "microseconds": 1_000_000}
MOMENTS = st.integers(1_600_000_000, 4_000_000_000).map(lambda s: datetime.fromtimestamp(s, UTC))
REQUEST = read_installation_req(installation_req_20(), ISO_15118_20)


def request_of(time_stamp: int) -> InstallationRequest:
    """A request that a car has made at that time, by its own clock."""
    return replace(REQUEST, time_stamp=time_stamp)


@pytest.mark.parametrize("unit", UNITS)
@given(at=MOMENTS, car=MOMENTS)
def test_the_present_is_told_in_the_unit_of_the_request(
    unit: str, at: datetime, car: datetime
) -> None:
    """Whatever the car's clock says, the unit it counts in is told from how large its number is."""
    request = request_of(int(car.timestamp()) * UNITS[unit])
    header = decode(request.failure(ContractOrVehicleNotFound(), at=at)).header
    assert header.time_stamp == int(at.timestamp() * 1_000_000) * UNITS[unit] // 1_000_000


@pytest.mark.parametrize(
    ("time_stamp", "unit"), [(0, "seconds"), (1, "seconds"), (2**64 - 1, "microseconds")]
)
def test_a_clock_that_nobody_set_is_answered_in_the_nearest_unit(
    time_stamp: int, unit: str
) -> None:
    """A car that has just been switched on may count from zero."""
    at = datetime(2026, 11, 22, 12, 30, 15, 250_000, UTC)
    header = decode(request_of(time_stamp).failure(ContractOrVehicleNotFound(), at=at)).header
    assert header.time_stamp == {"seconds": 1795350615, "microseconds": 1795350615250000}[unit]


@pytest.mark.parametrize("remaining", [0, 1, 254])
@pytest.mark.parametrize("processing", ["Finished", "Ongoing"])
@pytest.mark.parametrize("emaid", ["DEICECOPNCCERT", "DEICECOPNCCERTX", "DEICEC1234567890123456"])
def test_an_answer_is_the_stored_message_with_its_unsigned_values_set(
    emaid: str, processing: str, remaining: int
) -> None:
    """It equals the message encoded anew; what the CPS signed has the very bits that it had."""
    exi = installation_res_20(emaid, evse_processing=processing, remaining=7)
    contract = read_installation_res(exi, ISO_15118_20)
    at = datetime(2025, 6, 1, tzinfo=UTC)
    answer = REQUEST.answer(exi, contract.unsigned_bits, remaining=remaining, at=at)
    message = decode(exi)
    body = replace(
        message.body,
        evse_processing="Finished",
        remaining_contract_certificate_chains=remaining,
    )
    header = replace(message.header, session_id=SESSION_20, time_stamp=1748736000)
    assert answer == encode(replace(message, header=header, body=body))
    for name in ("SignedInstallationData", "SignedInfo"):
        assert cut_fragment(answer, decode(answer), name) == cut_fragment(exi, message, name)


def test_a_message_without_its_places_is_not_answered() -> None:
    """Better a failure that is told than a count of messages that is not true."""
    with pytest.raises(ValueError, match="not stored as a message of ISO 15118-20"):
        REQUEST.answer(installation_res_20(), None, remaining=0, at=datetime.now(UTC))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ContractOrVehicleNotFound(), "WARNING_NoContractMatchingPCIDFound"),
        (SignatureInvalid(), "FAILED_SignatureError"),
        (InternalError(), "WARNING_NoCertificateAvailable"),
    ],
)
def test_a_failure_tells_the_car_what_it_means_to_it(error: Exception, code: str) -> None:
    """The code is the edition's; nothing follows, and the session is the request's."""
    message = decode(REQUEST.failure(error, at=datetime(2025, 6, 1, tzinfo=UTC)))
    body = message.body
    assert isinstance(body, iso20.CertificateInstallationRes)
    assert (body.response_code, body.evse_processing) == (code, "Finished")
    assert body.remaining_contract_certificate_chains == 0
    assert message.header.session_id == SESSION_20
