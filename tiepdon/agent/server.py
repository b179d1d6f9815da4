"""The server as a print agent sees it: what to print, and what became of it."""

from __future__ import annotations

from typing import Literal

from kiosk_ui.gateway.http import HttpGateway
from kiosk_ui.gateway.models import Ticket, Wire

PrintEnd = Literal["printed", "unconfirmed", "failed", "unknown"]


class TakenPrint(Wire):
    """`id` is the job id; `again`: handed out before, its end was not told."""

    id: str
    visit_id: str
    again: bool
    ticket: Ticket


class TakenPrintList(Wire):
    items: list[TakenPrint]


class PrintEndRequest(Wire):
    state: PrintEnd
    reason: str | None = None
    elapsed_ms: int | None = None


class AgentServer(HttpGateway):
    """Enrols itself as a kiosk does. Raises what `kiosk_ui.gateway.http` raises."""

    def take(self) -> list[TakenPrint]:
        return self._parse_taken(self._call("POST", "/print-requests/take"))

    def tell_end(self, request_id: str, end: PrintEndRequest) -> None:
        self._call("POST", f"/print-requests/{request_id}/state", end)

    @staticmethod
    def _parse_taken(body: bytes) -> list[TakenPrint]:
        return TakenPrintList.model_validate_json(body).items
