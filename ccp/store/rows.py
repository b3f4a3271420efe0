"""Conversion of database rows to records."""

from datetime import UTC, datetime
from typing import Any

from ccp.domain.identifiers import Emaid, Pcid
from ccp.store.records import ContractData, SignedContractData

_COLUMNS = """
    c.emaid, c.emaid_key, c.pcid, c.pcid_key, c.namespace,
    c.v2g_root_fingerprint, c.v2g_root_distinguished_name, c.contract_certificate_der,
    c.valid_from, c.valid_to, c.meta_data, c.v2g_root_serial_number,
    d.emaid_key IS NOT NULL
"""
_FROM = """
    FROM signed_contract_data AS c
    LEFT JOIN default_contract AS d USING (pcid_key, namespace, emaid_key)
"""
SELECT_WITHOUT_MESSAGE = f"SELECT {_COLUMNS} {_FROM}"
SELECT = f"""
    SELECT {_COLUMNS}, c.installation_res_exi, c.evse_processing_bit, c.remaining_chains_bit {_FROM}
"""
"""Both are followed by conditions on `c`, the contracts, and `d`, the defaults."""


class RowInvalid(Exception):
    """A row has a value that the pool never writes; the text names the row."""


def contract_of(row: tuple[Any, ...]) -> ContractData:
    """
    Convert a row of SELECT_WITHOUT_MESSAGE.

    Raises:
        RowInvalid: A value of the row cannot be read.
    """
    return ContractData(**_values(row))


def record_of(row: tuple[Any, ...]) -> SignedContractData:
    """
    Convert a row of SELECT.

    Raises:
        RowInvalid: A value of the row cannot be read.
    """
    *common, installation_res_exi, processing_bit, remaining_bit = row
    return SignedContractData(
        **_values(tuple(common)),
        installation_res_exi=installation_res_exi,
        unsigned_bits=None if remaining_bit is None else (processing_bit, remaining_bit),
    )


def _values(row: tuple[Any, ...]) -> dict[str, Any]:
    (
        emaid,
        emaid_key,
        pcid,
        pcid_key,
        namespace,
        fingerprint,
        root_name,
        contract_certificate_der,
        valid_from,
        valid_to,
        meta_data,
        serial_number,
        is_default,
    ) = row
    try:
        return {
            "emaid": Emaid(emaid, emaid_key),
            "pcid": Pcid(pcid, pcid_key),
            "namespace": namespace,
            "v2g_root_fingerprint": fingerprint or None,
            "v2g_root_distinguished_name": root_name,
            "contract_certificate_der": contract_certificate_der,
            "valid_from": datetime.fromtimestamp(valid_from, UTC),
            "valid_to": datetime.fromtimestamp(valid_to, UTC),
            "meta_data": meta_data,
            "v2g_root_serial_number": None if serial_number is None else int(serial_number),
            "is_default": bool(is_default),
        }
    except (ValueError, OverflowError, OSError) as error:
        raise RowInvalid(f"{emaid_key!r} for {pcid_key!r} cannot be read: {error}") from error
