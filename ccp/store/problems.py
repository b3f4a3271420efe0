"""What is wrong with a database as such."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ccp.store.copies import connect_patiently, told
from ccp.store.migrations import require_up_to_date


def problems_of(path: Path) -> Iterator[str]:
    """
    Look for what is wrong with a database as such; nothing is written, and it may be in use.

    Returns: A sentence each: what SQLite's own check finds, and what contradicts itself.
    Raises:
        StoreUnusable: It cannot be read, or is none of a pool of this version.
    """
    with told(f"{path} cannot be used"), closing(connect_patiently(path, "ro")) as connection:
        require_up_to_date(connection, path)
        found = [text for (text,) in connection.execute("PRAGMA integrity_check") if text != "ok"]
        yield from found
        if found:  # what follows would stumble over it
            return
        orphans = connection.execute(
            """
            SELECT emaid_key, pcid_key FROM default_contract
            EXCEPT SELECT emaid_key, pcid_key FROM signed_contract_data
            """
        )
        for emaid, pcid in orphans:
            yield f"{emaid} is the default of {pcid}, and is not stored for it."
        shared = connection.execute(
            """
            SELECT emaid_key FROM signed_contract_data
            GROUP BY emaid_key HAVING COUNT(DISTINCT pcid_key) > 1
            """
        )
        for (emaid,) in shared:
            yield f"{emaid} is stored for several cars."
