"""The three reading operations as a FastAPI service does them that looks up the same rows."""

import os
import sqlite3
import threading
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, HTTPException

from ccp.iso15118 import with_session_id
from ccp.store.rows import SELECT
from tests.builders import BASE

DATABASE_VARIABLE = "BENCH_DATABASE"
"""Names the database of a pool."""

Answer = dict[str, list[dict[str, Any]]]

app = FastAPI()
_local = threading.local()


@app.get(f"{BASE}/contractData/emaid/{{emaid}}")
def by_emaid(
    emaid: str,
    xsdMsgDefNamespace: str,  # noqa: N803
    cpsV2GRootCertificateFingerprint: str,  # noqa: N803
) -> Answer:
    """Tell what is stored under an EMAID."""
    found = _rows(
        "c.emaid_key = ? AND c.namespace = ? AND c.v2g_root_fingerprint = ?",
        emaid,
        xsdMsgDefNamespace,
        cpsV2GRootCertificateFingerprint,
    )
    return {"contractDataCollection": [_facts(row) for row in found]}


@app.get(f"{BASE}/contractData/pcid/{{pcid}}")
def by_pcid(pcid: str, xsdMsgDefNamespace: str) -> Answer:  # noqa: N803
    """Tell what is stored for a car."""
    found = _rows("c.pcid_key = ? AND c.namespace = ?", pcid, xsdMsgDefNamespace)
    return {"contractDataCollection": [_facts(row) for row in found]}


@app.get(f"{BASE}/signedcontractdata/{{emaid}}/{{pcid}}")
def signed(
    emaid: str,
    pcid: str,
    xsdMsgDefNamespace: str,  # noqa: N803
    cpsV2GRootCertificateFingerprint: str,  # noqa: N803
    sessionID: str,  # noqa: N803
) -> Answer:
    """Give the message of a contract, with the session id asked for."""
    found = _rows(
        "c.emaid_key = ? AND c.pcid_key = ? AND c.namespace = ? AND c.v2g_root_fingerprint = ?",
        emaid,
        pcid,
        xsdMsgDefNamespace,
        cpsV2GRootCertificateFingerprint,
    )
    session_id = bytes.fromhex(sessionID)
    return {"signedContractDataCollection": [_message(row, session_id) for row in found]}


def _rows(where: str, *values: str) -> list[sqlite3.Row]:
    """Look rows up over the thread's own connection."""
    if not hasattr(_local, "connection"):
        _local.connection = sqlite3.connect(os.environ[DATABASE_VARIABLE])
        _local.connection.row_factory = sqlite3.Row
    rows = _local.connection.execute(f"{SELECT} WHERE {where} ORDER BY c.rowid DESC", values)
    found: list[sqlite3.Row] = rows.fetchall()
    if not found:
        raise HTTPException(404)
    return found


def _facts(row: sqlite3.Row) -> dict[str, Any]:
    return _common(row) | {
        "contractCertificate": b64encode(row["contract_certificate_der"]).decode(),
        "defaultContract": bool(row["d.emaid_key IS NOT NULL"]),
        "certValidFrom": _time(row["valid_from"]),
        "certValidTo": _time(row["valid_to"]),
        "cpsV2GRootDistinguishedName": row["v2g_root_distinguished_name"],
    }


def _message(row: sqlite3.Row, session_id: bytes) -> dict[str, Any]:
    exi = with_session_id(row["installation_res_exi"], session_id)
    return _common(row) | {
        "certificateInstallationRes": b64encode(exi).decode(),
        "cpsRootDistinguishedName": row["v2g_root_distinguished_name"],
    }


def _common(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "emaid": row["emaid"],
        "pcid": row["pcid"],
        "xsdMsgDefNamespace": row["namespace"],
        "cpsV2GRootCertificateFingerprint": row["v2g_root_fingerprint"],
    }


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
