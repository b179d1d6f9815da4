"""What the insurance said; it never stops anybody from taking a number."""

from __future__ import annotations

from collections.abc import Mapping

from kiosk_ui.flow import Screen
from kiosk_ui.gateway.models import CoverageOutcome
from kiosk_ui.presenters.asking import go_on
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.choosing import foresee_services
from kiosk_ui.presenters.views import Action, CardView, Icon, Row, Tone
from kiosk_ui.presenters.wording import day

_SAID: Mapping[CoverageOutcome, tuple[str, str]] = {
    CoverageOutcome.OK: ("bhyt.ok", "bhyt.ok_do"),
    CoverageOutcome.OK_DESK_NOTE: ("bhyt.ok", "bhyt.desk_do"),
    CoverageOutcome.USE_NEW: ("bhyt.new", "bhyt.new_do"),
    CoverageOutcome.NONE: ("bhyt.none", "bhyt.none_do"),
    CoverageOutcome.MISMATCH: ("bhyt.mismatch", "bhyt.desk_do"),
    CoverageOutcome.LATER: ("bhyt.later", "bhyt.later_do"),
}
_GOOD = frozenset({CoverageOutcome.OK, CoverageOutcome.OK_DESK_NOTE, CoverageOutcome.USE_NEW})


class Insurance(Presenter):
    screen = Screen.INSURANCE

    def view(self) -> CardView:
        say, scan = self.ctx.say, self.ctx.visit.scan
        coverage = scan.coverage if scan else None
        outcome = coverage.outcome if coverage else CoverageOutcome.LATER
        title, do = _SAID[outcome]
        good = outcome in _GOOD
        rows = []
        if coverage is not None and coverage.valid_to and good:
            rows.append(
                Row(label=say("row.valid_to"), value=day(coverage.valid_to), icon=Icon.CALENDAR)
            )
        if coverage is not None and coverage.registered_here is not None and good:
            here = say("bhyt.here" if coverage.registered_here else "bhyt.elsewhere")
            rows.append(Row(label=say("row.registered"), value=here.text, icon=Icon.HEART))
        unused = (self.choice("without", "bhyt.without", icon=Icon.CROSS),) if good else ()
        return CardView(
            title=say(title),
            icon=Icon.SHIELD if good else Icon.SHIELD_WARNING,
            tone=Tone.GOOD if good else Tone.CAUTION,
            rows=tuple(rows),
            body=(say(do),),
            choices=(
                self.choice("next", "nav.next", icon=Icon.NEXT, tone=Tone.PRIMARY),
                *unused,
            ),
        )

    def foresee(self, action: Action) -> None:
        if action.name in {"next", "without"}:
            foresee_services(self.ctx, self.ctx.visit.visit_kind)

    def act(self, action: Action) -> None:
        match action.name:
            case "next":
                self.ctx.visit.use_insurance = True
                go_on(self.ctx)
            case "without":
                self.ctx.visit.use_insurance = False
                go_on(self.ctx)
