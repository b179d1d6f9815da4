"""Holding a card, a phone or a ticket before the camera; what the server makes of it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Literal

from devices.models import Scan, ScannerState, ScanSource
from kiosk_ui.current_visit import Paying, Purpose
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.models import ScanRequest
from kiosk_ui.presenters.asking import take_scan_reply
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.context import GRACE_S
from kiosk_ui.presenters.paying import pay_for
from kiosk_ui.presenters.views import Action, Choice, Icon, ScanView
from kiosk_ui.slip_code import find_slip_code

_SOURCES: Mapping[ScanSource, Literal["camera", "serial", "hid"]] = {
    ScanSource.CAMERA: "camera",
    ScanSource.SERIAL: "serial",
    ScanSource.KEYBOARD: "hid",
}
MAX_PAYLOAD_BYTES = 4_096
"""Longer than any code of a card or paper; the server refuses more as well."""
_TITLES: Mapping[Purpose, str] = {
    Purpose.VISIT: "scan.title",
    Purpose.BOOKED: "scan.title_booked",
    Purpose.RESULTS: "scan.title_ticket",
    Purpose.TICKET: "scan.title_ticket",
    Purpose.PAY: "scan.title_pay",
}


class ScanScreen(Presenter):
    screen = Screen.SCAN
    shows_waiting = True

    def on_its_way(self) -> bool:
        """The person is usually known before a word about reading would be read."""
        ctx = self.ctx
        return ctx.busy and ctx.waited_s() < GRACE_S and not ctx.visit.reconnecting

    def view(self) -> ScanView:
        visit, say = self.ctx.visit, self.ctx.say
        state = self.ctx.scanner.status().state
        camera = state in {ScannerState.READY, ScannerState.STARTING, ScannerState.PAUSED}
        title = "scan.title_other" if visit.on_behalf else _TITLES[visit.purpose]
        busy_key = "busy.reconnecting" if visit.reconnecting else "scan.reading"
        return ScanView(
            title=say(title),
            subtitle=say(
                busy_key if self.ctx.busy else self._how() if camera else "scan.no_camera"
            ),
            camera=camera,
            busy=self.ctx.busy,
            problem=say(visit.problem) if visit.problem else None,
            choices=self._ways(),
        )

    def _how(self) -> str:
        return "scan.how_pay" if self.ctx.visit.purpose is Purpose.PAY else "scan.how"

    def _ways(self) -> tuple[Choice, ...]:
        if self.ctx.visit.purpose is Purpose.PAY:
            return (
                self.choice("code", "scan.type_code", icon=Icon.TICKET),
                self.choice("type", "scan.type", icon=Icon.KEYPAD),
                self.choice("no_papers", "scan.no_papers", icon=Icon.QUESTION),
            )
        other = (
            ()
            if self.ctx.visit.on_behalf
            else (self.choice("other", "scan.for_other", icon=Icon.FAMILY),)
        )
        return (
            self.choice("type", "scan.type", icon=Icon.KEYPAD),
            *other,
            self.choice("no_papers", "scan.no_papers", icon=Icon.QUESTION),
        )

    def act(self, action: Action) -> None:
        match action.name:
            case "type":
                self.ctx.go(Screen.TYPED_NUMBER)
            case "other":
                self.ctx.go(Screen.ON_BEHALF)
            case "code" if self.ctx.visit.purpose is Purpose.PAY:
                self.ctx.go(Screen.PAY_CODE)
            case "no_papers":
                self.ctx.open(Screen.HELP)

    def take(self, scan: Scan) -> None:
        """Asks the server about what was just held before the scanner."""
        if self.ctx.busy:
            return
        visit = self.ctx.visit
        visit.problem = None
        if len(scan.untrusted_payload) > MAX_PAYLOAD_BYTES:
            visit.problem = "scan.unknown_code"
            return
        code = find_slip_code(scan.untrusted_payload)
        if visit.purpose is Purpose.PAY and code is not None:
            pay_for(self.ctx, Paying(code=code))
            return
        request = ScanRequest(
            payload_base64=base64.b64encode(scan.untrusted_payload).decode("ascii"),
            source=_SOURCES[scan.source],
            lossy=scan.lossy,
            language=visit.language,
            notice=visit.notice,
            on_behalf=visit.on_behalf,
        )
        self.ctx.ask(
            lambda: self.ctx.gateway.scan(request),
            done=lambda reply: take_scan_reply(self.ctx, reply),
            refused=self._unreadable,
        )

    def _unreadable(self, problem_code: str, _message_key: str | None) -> bool:
        sentence = sentence_for_payload(problem_code)
        if sentence is None:
            return False
        self.ctx.visit.problem = sentence
        return True


_PAYLOAD_SENTENCES: Mapping[str, str] = {
    "E_QR_IS_URL": "scan.other_code",
    "E_QR_IS_PAYMENT": "scan.payment_code",
    "E_QR_LEGACY_COVID": "scan.other_code",
    "E_UNKNOWN_QR": "scan.other_code",
    "E_UNKNOWN": "scan.other_code",
    "E_TOO_LONG": "scan.unknown_code",
    "E_CONTROL_CHARS": "scan.unknown_code",
    "E_DOUBLE_SCAN": "scan.once_more",
    "E_TRUNCATED": "scan.once_more",
    "E_EMPTY": "scan.once_more",
    "E_CHARSET_LOSSY": "scan.type_instead",
}


def sentence_for_payload(problem_code: str) -> str | None:
    """Key of what to do about a code the server could not use; None for any other refusal."""
    if not problem_code.startswith("E_"):
        return None
    return _PAYLOAD_SENTENCES.get(problem_code, "scan.damaged")
