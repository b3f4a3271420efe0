"""Rows of contracts, and the records that they are."""

from datetime import UTC, datetime
from typing import Any

from ccp.identifiers import Emaid, Pcid
from ccp.store.records import SignedContractData

SELECT = """
    SELECT c.emaid, c.emaid_key, c.pcid, c.pcid_key, c.namespace,
           c.v2g_root_fingerprint, c.v2g_root_distinguished_name,
           c.installation_res_exi, c.contract_certificate_der,
           c.valid_from, c.valid_to, c.meta_data, c.v2g_root_serial_number,
           c.evse_processing_bit, c.remaining_chains_bit,
           d.emaid_key IS NOT NULL
    FROM signed_contract_data AS c
    LEFT JOIN default_contract AS d USING (pcid_key, namespace, emaid_key)
"""
"""To be followed by conditions on `c`, the contracts, and `d`, the defaults."""


def record_of(row: tuple[Any, ...]) -> SignedContractData:
    """Read a row of SELECT."""
    (
        emaid,
        emaid_key,
        pcid,
        pcid_key,
        namespace,
        fingerprint,
        root_name,
        installation_res_exi,
        contract_certificate_der,
        valid_from,
        valid_to,
        meta_data,
        serial_number,
        processing_bit,
        remaining_bit,
        is_default,
    ) = row
    return SignedContractData(
        Emaid(emaid, emaid_key),
        Pcid(pcid, pcid_key),
        namespace,
        fingerprint or None,
        root_name,
        installation_res_exi,
        contract_certificate_der,
        datetime.fromtimestamp(valid_from, UTC),
        datetime.fromtimestamp(valid_to, UTC),
        meta_data,
        None if serial_number is None else int(serial_number),
        None if remaining_bit is None else (processing_bit, remaining_bit),
        bool(is_default),
    )
