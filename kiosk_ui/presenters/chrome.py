"""What surrounds every screen: header, footer, step count, the countdown before the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.models import PrinterState, ScannerState
from kiosk_ui import flow, i18n
from kiosk_ui.flow import Screen
from kiosk_ui.i18n import shown
from kiosk_ui.presenters.asking import questions
from kiosk_ui.presenters.paying import may_still_be_paid
from kiosk_ui.presenters.views import Action, Choice, Chrome, Icon, IdleWarning, Phrase, Tone

if TYPE_CHECKING:
    from kiosk_ui.presenters.context import Context

_SCANNER_GONE = frozenset({ScannerState.ABSENT, ScannerState.STALE})
_PRINTS = frozenset({PrinterState.READY, PrinterState.PAPER_NEAR_END})


def chrome(ctx: Context) -> Chrome:
    visit, say = ctx.visit, ctx.say
    other: i18n.Language = "vi" if visit.language == "en" else "en"
    place = ctx.place.en if visit.language == "en" else ctx.place.vi
    return Chrome(
        facility=ctx.label(ctx.settings.facility) if ctx.settings else say("out.facility"),
        place=shown(place) if place else None,
        clock=f"{ctx.local(ctx.clock.now()):%H:%M}",
        hotline=ctx.hotline,
        language=visit.language,
        other_language=Choice(
            action=Action("language", other),
            # In the language itself, so that who needs it can read it.
            label=i18n.say(other, "lang.this"),
            icon=Icon.LANGUAGE,
        ),
        help=_choice(ctx, "help", "help.button", Icon.HELP),
        emergency=_emergency(ctx),
        large_text=visit.large_text,
        lowered=visit.lowered,
        toggle_large_text=_choice(
            ctx,
            "large_text",
            "view.normal_text" if visit.large_text else "view.large_text",
            Icon.LARGE_TEXT,
        ),
        toggle_lowered=_choice(
            ctx, "lowered", "view.raise" if visit.lowered else "view.lower", Icon.LOWER
        ),
        back=_back(ctx),
        restart=_restart(ctx),
        step=_step(ctx),
        offline=not ctx.server_up,
        notice=_notice(ctx),
        practice=say("practice.mark") if ctx.practising else None,
    )


def idle_warning(ctx: Context, seconds_left: int) -> IdleWarning:
    paying = may_still_be_paid(ctx)
    return IdleWarning(
        title=ctx.say("idle.paying" if paying else "idle.title", seconds=seconds_left),
        seconds_left=seconds_left,
        more_time=_choice(ctx, "more_time", "idle.more", Icon.CLOCK, Tone.PRIMARY),
        finish=_choice(ctx, "finish", "idle.leave" if paying else "end.wipe", Icon.CROSS),
    )


def _choice(ctx: Context, action: str, key: str, icon: Icon, tone: Tone = Tone.PLAIN) -> Choice:
    return Choice(action=Action(action), label=ctx.say(key), icon=icon, tone=tone)


def _emergency(ctx: Context) -> Choice:
    """Says when to press it where nobody is in the middle of anything; elsewhere it is short."""
    at_start = ctx.visit.screen in {Screen.WELCOME, Screen.OUT_OF_SERVICE}
    return Choice(
        action=Action("emergency"),
        label=ctx.say("emergency.button"),
        detail=ctx.say("emergency.when") if at_start else None,
        icon=Icon.EMERGENCY,
        tone=Tone.DANGER,
    )


def _back(ctx: Context) -> Choice | None:
    if ctx.visit.overlay is None and ctx.visit.screen in flow.NO_WAY_BACK:
        return None
    return _choice(ctx, "back", "nav.back", Icon.BACK)


def _restart(ctx: Context) -> Choice | None:
    if ctx.visit.screen in {Screen.WELCOME, Screen.OUT_OF_SERVICE}:
        return None
    visit = ctx.visit
    held = visit.scan is not None or visit.pay is not None or visit.screen in flow.FINAL
    return _choice(ctx, "finish", "end.finish" if held else "nav.restart", Icon.HOME)


def _step(ctx: Context) -> tuple[int, int] | None:
    asked = questions(ctx)
    here = flow.QUESTION_OF.get(ctx.visit.screen)
    if here not in asked or ctx.visit.overlay is not None:
        return None
    return asked.index(here) + 2, len(asked) + 1  # showing the card was the first step


def _notice(ctx: Context) -> Phrase | None:
    """One line of trouble that stops nobody; the printer first, it concerns everybody."""
    tells_itself = ctx.visit.screen in {Screen.OUT_OF_SERVICE, Screen.PAY_QR}
    if not ctx.server_up and not tells_itself:
        return ctx.say("line.server")
    if ctx.printer.state() not in _PRINTS:
        return ctx.say("line.printer")
    if ctx.scanner.status().state in _SCANNER_GONE:
        return ctx.say("line.scanner")
    return None
