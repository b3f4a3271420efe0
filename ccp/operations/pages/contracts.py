"""Contracts and cars: found by EMAID or PCID, and all that is stored of one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ccp.domain.identifiers import Emaid, Pcid
from ccp.inspection import Inspection, UnreadableMessage, inspect_message
from ccp.operations.pages.rendering import render
from ccp.policy.services import Services
from ccp.store import ContractData, SignedContractData

_LONGEST_QUERY = 64  # an EMAID has 36 characters, and may be written with spaces


@dataclass(frozen=True, slots=True)
class RecordView:
    """
    One record, as its page shows it.

    Attributes:
        message: What its CertificateInstallationRes says.
        state: "valid", "revoked" (by this pool), "expired" or "not yet valid", at the present.
    """

    record: SignedContractData
    message: Inspection | UnreadableMessage
    state: str


class Contracts:
    """The pages of what is stored; nothing is written."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def search(self, request: Request, _form: FormData) -> Response:
        """Lead to the contract or the car that is asked for, in whichever spelling."""
        query = request.query_params.get("q", "").strip()
        compact = "".join(query.split())
        emaid, pcid = _emaid(compact), self._pcid(compact)
        if of_contract := self._of_contract(emaid):
            return RedirectResponse(f"/contracts/{of_contract[0].emaid.text}", 303)
        if of_car := self._of_car(pcid) or self._of_car(self._pcid(query)):
            return RedirectResponse(f"/vehicles/{quote(of_car[0].pcid.text)}", 303)
        view = {
            "query": query[:_LONGEST_QUERY],
            "names": [name for name, one in (("EMAID", emaid), ("PCID", pcid)) if one],
        }
        status = 200 if not query else 404 if emaid or pcid else 400
        return render(request, "search.html", view, status=status)

    def contract(self, request: Request, _form: FormData) -> Response:
        """Show all records of a contract."""
        records = self._of_contract(_emaid(request.path_params["emaid"]))
        if not records:
            raise HTTPException(404, "No contract of this EMAID is stored.")
        at = self._services.clock()
        trust = self._services.trusted.current.trust
        views = [
            RecordView(
                record,
                inspect_message(record.installation_res_exi, at=at, trust=trust),
                self._state(record, at),
            )
            for record in records
        ]
        return render(request, "contract.html", {"emaid": records[0].emaid, "records": views})

    def vehicle(self, request: Request, _form: FormData) -> Response:
        """Show all contracts of a car."""
        records = self._of_car(self._pcid(request.path_params["pcid"]))
        if not records:
            raise HTTPException(404, "No contract of a car of this PCID is stored.")
        at = self._services.clock()
        rows = [{"record": record, "state": self._state(record, at)} for record in records]
        view: dict[str, Any] = {"pcid": records[0].pcid, "rows": rows}
        return render(request, "vehicle.html", view)

    def _of_contract(self, emaid: Emaid | None) -> list[SignedContractData]:
        return self._services.store.find_contract(emaid) if emaid else []

    def _of_car(self, pcid: Pcid | None) -> list[ContractData]:
        return self._services.store.find_car(pcid) if pcid else []

    def _pcid(self, text: str) -> Pcid | None:
        try:
            return Pcid.parse_lab(text) if self._services.settings.lab else Pcid.parse(text)
        except ValueError:
            return None

    def _state(self, record: ContractData, at: datetime) -> str:
        if self._services.store.is_revoked(record.contract_certificate_der):
            return "revoked"
        if at > record.valid_to:
            return "expired"
        return "valid" if at >= record.valid_from else "not yet valid"


def _emaid(text: str) -> Emaid | None:
    try:
        return Emaid.parse(text)
    except ValueError:
        return None
