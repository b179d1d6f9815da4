"""From a scan to the questions that remain, in the server's order, to the deed at the end."""

from __future__ import annotations

from kiosk_ui import flow
from kiosk_ui.current_visit import Deed, Intent, Paying, Purpose, Trouble
from kiosk_ui.flow import SCREENS_OF, Screen
from kiosk_ui.gateway.models import Question, ScanOutcome, ScanReply, VisitReply
from kiosk_ui.presenters.context import Context, new_key
from kiosk_ui.presenters.paying import pay_for

_SEE_STAFF = Trouble(happened="trouble.see_staff", do="trouble.staff")

RESULTS_KIND = "results"


def take_scan_reply(ctx: Context, reply: ScanReply) -> None:
    """Goes where the answer to a scan leads."""
    visit = ctx.visit
    match reply.outcome:
        case ScanOutcome.SEE_STAFF:
            ctx.fail(_SEE_STAFF)
        case ScanOutcome.ASK_WHICH_NUMBER:
            if visit.screen is not Screen.TYPED_NUMBER:
                ctx.back_to(Screen.TYPED_NUMBER)
            visit.problem = "type.which_number"
        case ScanOutcome.ASK_BIRTH_DATE:
            visit.scan = reply
            if visit.screen is Screen.TYPED_BIRTH_DATE:
                visit.problem = "type.date_again"
            else:
                ctx.go(Screen.TYPED_BIRTH_DATE)
        case ScanOutcome.ASK_NOTICE if visit.purpose is Purpose.PAY and visit.notice is None:
            ctx.go(Screen.NOTICE)
        case ScanOutcome.TICKET | ScanOutcome.IDENTIFIED if visit.purpose is Purpose.PAY:
            visit.scan = reply
            pay_for(ctx, Paying(scan_id=reply.scan_id))
        case ScanOutcome.TICKET if reply.visits:
            visit.scan = reply
            visit.ticket = reply.visits[0]
            ctx.go(Screen.MY_TICKET)
        case ScanOutcome.IDENTIFIED if waits := _find_waiting_for_them(ctx, reply):
            visit.scan = reply
            visit.ticket = waits
            ctx.go(Screen.MY_TICKET)
        case ScanOutcome.IDENTIFIED:
            visit.scan = reply
            if visit.purpose is Purpose.RESULTS and _has_kind(ctx, RESULTS_KIND):
                visit.visit_kind = RESULTS_KIND
            go_on(ctx)
        case _:
            ctx.fail(_SEE_STAFF)


def _find_waiting_for_them(ctx: Context, reply: ScanReply) -> VisitReply | None:
    """The visit of today that somebody with results comes back to; their number stays."""
    if ctx.visit.purpose is not Purpose.RESULTS:
        return None
    return next((visit for visit in reply.visits if "return" in visit.actions), None)


def questions(ctx: Context) -> tuple[Question, ...]:
    """What this patient is asked, in order; empty before a scan.

    What was touched on the start screen counts: nothing is asked twice, and who said they have
    a booking hears when there is none.
    """
    visit = ctx.visit
    if visit.scan is None:
        return ()
    ask = list(visit.scan.ask)
    if visit.purpose is Purpose.RESULTS and visit.visit_kind is not None:
        ask = [question for question in ask if question is not Question.VISIT_KIND]
    if visit.purpose is Purpose.BOOKED and Question.SERVICE in ask:
        ask = flow.with_booking(ask)
    return flow.plan(ask, appointed=visit.appointed)


def go_on(ctx: Context) -> None:
    """To the next question; when none is left, to the deed."""
    visit = ctx.visit
    if visit.changing or visit.adding:
        ctx.back_to(Screen.SUMMARY)
        return
    question = flow.question_after(questions(ctx), visit.screen)
    if question is None:
        do(ctx, Deed.START)
        return
    ctx.go(SCREENS_OF[question])


def _has_kind(ctx: Context, code: str) -> bool:
    return ctx.settings is not None and any(kind.code == code for kind in ctx.settings.visit_kinds)


def do(ctx: Context, deed: Deed) -> None:
    """To the screen that asks the server and prints: one touch, one key."""
    began_s = ctx.visit.began_s
    since_touch_ms = None if began_s is None else round((ctx.clock.ticks_s() - began_s) * 1000)
    ctx.visit.intent = Intent(deed=deed, key=new_key(), since_touch_ms=since_touch_ms)
    ctx.go(Screen.PRINTING)
