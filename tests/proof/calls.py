"""The seven operations: how each is asked for, and what it has to answer of some contents."""

from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.builders import BASE, post_body, put_body
from tests.proof.contents import Contents, Contract

SIGNED = f"{BASE}/signedcontractdata"

Answer = tuple[int, Hashable]
"""A status, and what the answer says."""


class Call(ABC):
    """One operation with its arguments."""

    def send(self, client: httpx2.Client) -> Answer:
        """Ask a pool; the answer, boiled down."""
        answer = self._request(client)
        content = self._read(answer.json()) if answer.is_success and answer.content else None
        return answer.status_code, content

    @abstractmethod
    def apply(self, contents: Contents) -> tuple[Contents, Answer]:
        """What is there afterwards, and the answer."""

    @abstractmethod
    def _request(self, client: httpx2.Client) -> httpx2.Response: ...

    def _read(self, body: dict[str, Any]) -> Hashable:
        raise NotImplementedError(body)


def _changed(
    contents: Contents, changed: Contents | None, done: int, refused: int
) -> tuple[Contents, Answer]:
    return (contents, (refused, None)) if changed is None else (changed, (done, None))


@dataclass(frozen=True)
class Put(Call):
    emaid: str
    pcid: str
    message: str

    def apply(self, contents: Contents) -> tuple[Contents, Answer]:
        return _changed(contents, contents.put(self.emaid, self.pcid, self.message), 201, 400)

    def _request(self, client: httpx2.Client) -> httpx2.Response:
        body = put_body(emaid=self.emaid, pcid=self.pcid, certificateInstallationRes=self.message)
        return client.put(SIGNED, json=body)


@dataclass(frozen=True)
class SetDefault(Call):
    emaid: str
    pcid: str

    def apply(self, contents: Contents) -> tuple[Contents, Answer]:
        return _changed(contents, contents.set_default(self.emaid, self.pcid), 200, 404)

    def _request(self, client: httpx2.Client) -> httpx2.Response:
        return client.post(f"{SIGNED}/{self.emaid}/{self.pcid}/setdefault")


@dataclass(frozen=True)
class Delete(Call):
    emaid: str

    def apply(self, contents: Contents) -> tuple[Contents, Answer]:
        return _changed(contents, contents.delete(self.emaid), 200, 404)

    def _request(self, client: httpx2.Client) -> httpx2.Response:
        return client.delete(f"{SIGNED}/{self.emaid}")


class _List(Call):
    """Contracts without their messages."""

    def _read(self, body: dict[str, Any]) -> Hashable:
        listed = body["contractDataCollection"]
        return frozenset((one["emaid"], one["pcid"], one["defaultContract"]) for one in listed)

    def _answer(self, contracts: list[Contract]) -> Answer:
        listed = frozenset((one.emaid, one.pcid, one.is_default) for one in contracts)
        return (200, listed) if listed else (404, None)


@dataclass(frozen=True)
class ListOfCar(_List):
    pcid: str

    def apply(self, contents: Contents) -> tuple[Contents, Answer]:
        return contents, self._answer(contents.of_car(self.pcid))

    def _request(self, client: httpx2.Client) -> httpx2.Response:
        return client.get(f"{BASE}/contractData/pcid/{self.pcid}")


@dataclass(frozen=True)
class LookUp(_List):
    emaid: str

    def apply(self, contents: Contents) -> tuple[Contents, Answer]:
        return contents, self._answer([one for one in contents if one.emaid == self.emaid])

    def _request(self, client: httpx2.Client) -> httpx2.Response:
        return client.get(f"{BASE}/contractData/emaid/{self.emaid}")


class _Message(Call):
    """One contract's message."""

    def _read(self, body: dict[str, Any]) -> Hashable:
        (item,) = body["signedContractDataCollection"]
        return str(item["certificateInstallationRes"])

    def _answer(self, contract: Contract | None) -> Answer:
        return (200, contract.message) if contract else (404, None)


@dataclass(frozen=True)
class Get(_Message):
    emaid: str
    pcid: str

    def apply(self, contents: Contents) -> tuple[Contents, Answer]:
        there = contents.find(self.emaid)
        return contents, self._answer(there if there and there.pcid == self.pcid else None)

    def _request(self, client: httpx2.Client) -> httpx2.Response:
        return client.get(f"{SIGNED}/{self.emaid}/{self.pcid}")


@dataclass(frozen=True)
class Install(_Message):
    """A car asks; *request* has the session id that all messages have, so none is changed."""

    pcid: str
    request: bytes

    def apply(self, contents: Contents) -> tuple[Contents, Answer]:
        defaults = [one for one in contents.of_car(self.pcid) if one.is_default]
        return contents, self._answer(defaults[0] if defaults else None)

    def _request(self, client: httpx2.Client) -> httpx2.Response:
        return client.post(SIGNED, json=post_body(self.request))
