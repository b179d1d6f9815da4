"""The page that tries a printer: all that a ticket needs of it, and not to be taken for one."""

from __future__ import annotations

from devices.models import PrinterState
from kiosk_ui import i18n
from kiosk_ui.gateway.models import Ticket
from kiosk_ui.presenters.context import Context

SAMPLE = "Ắ Ằ Ẳ Ẵ Ặ Ấ Ầ Ẩ Ẫ Ậ Ế Ề Ể Ễ Ệ Ố Ồ Ổ Ỗ Ộ Ớ Ờ Ở Ỡ Ợ Ứ Ừ Ử Ữ Ự Ý Ỳ Ỷ Ỹ Ỵ Đ đ ư ơ ă â ê ô"
"""Every letter with a mark above a mark: what a printer without the typeface gets wrong."""
_PAPER = {
    PrinterState.READY: "trial.paper_ok",
    PrinterState.PAPER_NEAR_END: "trial.paper_low",
    PrinterState.PAPER_END: "trial.paper_out",
}


def make_trial_page(ctx: Context) -> Ticket:
    """In Vietnamese: it is for the technician. Carries nothing of a patient."""

    def say(key: str) -> str:
        return i18n.say("vi", key).text

    settings = ctx.settings
    return Ticket(
        hospital=settings.facility.vi if settings else say("out.facility"),
        issued_at=ctx.clock.now(),
        number=say("trial.number"),
        service=say("trial.what"),
        department="",
        room=(settings.name if settings else "") or say("trial.kiosk"),
        floor="",
        landmark=ctx.place.vi,
        wait_min=None,
        next=SAMPLE,
        notes=[say(_PAPER.get(ctx.printer.state(), "trial.paper_unknown"))],
        qr="TIEPDON-IN-THU",
        hotline=ctx.hotline,
        lang="vi",
        vi=None,
    )
