"""Notes: lines of the log that are values until somebody tells them."""

import logging

from structlog.testing import capture_logs

from ccp.domain.findings import Finding, log_findings


def test_a_note_is_told_as_a_line() -> None:
    """At its level, with its facts; a warning unless something else is said."""
    findings = [Finding("odd"), Finding("refused", logging.INFO, {"code": 20})]
    with capture_logs() as lines:
        log_findings(findings)
    assert lines == [
        {"event": "odd", "log_level": "warning"},
        {"event": "refused", "log_level": "info", "code": 20},
    ]


def test_a_note_can_be_read() -> None:
    """Its facts follow its text."""
    assert str(Finding("odd")) == "odd"
    assert (
        str(Finding("refused", facts={"code": 20, "reason": "no"}))
        == "refused (code 20, reason no)"
    )
