"""A client that writes, remembers what was acknowledged, and holds the pool to it."""

import random
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from tests.builders import BASE, b64, installation_res, put_body

NOW = datetime.now(UTC)
VALID = {"not_before": NOW - timedelta(days=1), "not_after": NOW + timedelta(days=1)}
SIGNED = f"{BASE}/signedcontractdata"
CONTRACTS = 3


@dataclass
class Car:
    """What a pool has of a car: messages by EMAID, and its default."""

    messages: dict[str, str] = field(default_factory=dict)
    default: str | None = None

    def put(self, emaid: str, message: str) -> None:
        """The first contract becomes the default; a replaced one stays what it was."""
        if not self.messages:
            self.default = emaid
        self.messages[emaid] = message

    def set_default(self, emaid: str) -> None:
        """Any contract that is there."""
        self.default = emaid

    def delete(self, emaid: str) -> None:
        """No other becomes the default."""
        del self.messages[emaid]
        if self.default == emaid:
            self.default = None


class Writer:
    """
    One client with one car of its own.

    Args:
        number: Of the client; ids are made of it.
        seed: Of what it does.

    Attributes:
        car: What was acknowledged.
        instead: What the pool may have instead, where the last answer never came.
        acknowledged: How many writes were.
    """

    def __init__(self, number: int, seed: int) -> None:
        self.pcid = f"WAUZZZ4B0CC{number:06}"
        self._random = random.Random(f"{seed}/{number}")  # noqa: S311 - to be repeated
        self._emaids = [f"DEICE{number:05}{n:04}" for n in range(CONTRACTS)]
        # A contract may be put with either of two messages.
        self._messages = {
            emaid: [b64(installation_res(emaid, **VALID)) for _ in range(2)]
            for emaid in self._emaids
        }
        self.car = Car()
        self.instead: Car | None = None
        self.acknowledged = 0

    def write_until_it_breaks(self, client: httpx2.Client) -> None:
        """Write one thing after the other, until an answer does not come."""
        try:
            while True:
                self._write(client)
        except httpx2.TransportError:
            return

    def verify(self, client: httpx2.Client) -> None:
        """Hold the pool to what it has acknowledged: that, and nothing half."""
        found = self._read(client)
        allowed = [self.car] if self.instead is None else [self.car, self.instead]
        assert found in allowed, (found, allowed)
        self.car, self.instead = found, None

    def _write(self, client: httpx2.Client) -> None:
        emaid = self._random.choice(self._emaids)
        after = deepcopy(self.car)
        if emaid not in self.car.messages or self._random.random() < 0.5:
            message = self._random.choice(self._messages[emaid])
            after.put(emaid, message)
            body = put_body(emaid=emaid, pcid=self.pcid, certificateInstallationRes=message)
            method, path, status = "PUT", SIGNED, 201
        elif self._random.random() < 0.5:
            after.set_default(emaid)
            path = f"{SIGNED}/{emaid}/{self.pcid}/setdefault"
            method, body, status = "POST", None, 200
        else:
            after.delete(emaid)
            method, path, body, status = "DELETE", f"{SIGNED}/{emaid}", None, 200
        self.instead = after
        answer = client.request(method, path, json=body)
        assert answer.status_code == status, (method, answer.status_code, answer.text)
        self.car, self.instead = after, None
        self.acknowledged += 1

    def _read(self, client: httpx2.Client) -> Car:
        listed = client.get(f"{BASE}/contractData/pcid/{self.pcid}")
        if listed.status_code == 404:
            return Car(default=None)
        contracts: list[dict[str, Any]] = listed.json()["contractDataCollection"]
        defaults = [one["emaid"] for one in contracts if one["defaultContract"]]
        assert len(defaults) <= 1, defaults
        messages = {}
        for emaid in (one["emaid"] for one in contracts):
            answer = client.get(f"{SIGNED}/{emaid}/{self.pcid}")
            (item,) = answer.json()["signedContractDataCollection"]
            messages[emaid] = item["certificateInstallationRes"]
        return Car(messages, defaults[0] if defaults else None)
