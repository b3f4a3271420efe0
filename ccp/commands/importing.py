"""One line of an import after the other: checked, stored, or refused with all its reasons."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from ccp.commands.database import by_command
from ccp.domain.errors import RequestInvalid
from ccp.policy.services import Services
from ccp.policy.validation import validated_record
from ccp.web.fields import body_of

MOST_BYTES = 2**20
"""Of a line: the largest body that a pool can be set up to take."""


class Importer:
    """
    Puts contracts into a pool, as the operation addSignedContractDataV1 does.

    Args:
        services: Of the pool.
    """

    def __init__(self, services: Services) -> None:
        self._body = body_of("SignedContractDataV1", lab=services.settings.lab)
        self._services = services

    def put(self, line: bytes) -> bool:
        """
        Store a contract, unless the very same is stored already.

        Args:
            line: JSON: SignedContractDataV1, and `defaultContract`, which says whether its car
                installs it first; without it that is left to the order, as by a PUT.
        Returns: Whether it had to be stored.
        Raises:
            BadRequest: It is refused; the messages say why.
            StoreBusy, StoreFull: See `Store`.
        """
        arguments: dict[str, Any] = {}
        found: list[str] = []
        if len(line) > MOST_BYTES:
            raise RequestInvalid([f"The line has more than {MOST_BYTES} bytes."])
        self._body.take(line, arguments, found)
        default = None if found else orjson.loads(line).get("defaultContract")
        if default is not None and not isinstance(default, bool):
            found.append("defaultContract : must be true or false")
        if found:
            raise RequestInvalid(found)
        if self._is_stored(default, **arguments):
            return False
        record = validated_record(self._services, **arguments)
        self._services.store.put(record, by_command("import"), default=default)
        return True

    def _is_stored(
        self,
        default: bool | None,
        *,
        installation_res_exi: bytes,
        meta_data: str | None = None,
        v2g_root_fingerprint: str | None = None,
        **key: Any,
    ) -> bool:
        """One that is the default already stays it, unless another one of the car becomes it."""
        return any(
            record.installation_res_exi == installation_res_exi
            and record.meta_data == meta_data
            and v2g_root_fingerprint in (None, record.v2g_root_fingerprint)
            and (record.is_default or not default)
            for record in self._services.store.find_by_emaid(**key)
        )


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """
    Give the lines of a file, without their ends; of one that is too long no more than shows it.

    Args:
        file: Read to its end, a line at a time.
    """
    while line := file.readline(MOST_BYTES + 2):
        rest = line
        while not rest.endswith(b"\n"):  # to the end of a line that is too long
            rest = file.readline(MOST_BYTES)
            if not rest:
                break
        yield line.strip()
