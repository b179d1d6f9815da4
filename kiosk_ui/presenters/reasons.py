"""Why somebody comes, which papers they bring, which group they belong to."""

from __future__ import annotations

from collections.abc import Mapping

from kiosk_ui.flow import Screen
from kiosk_ui.gateway.models import Papers, PriorityGroup, VisitKindOption
from kiosk_ui.presenters.asking import go_on
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.choosing import foresee_services
from kiosk_ui.presenters.slips import asks_revisit_number
from kiosk_ui.presenters.views import Action, Choice, ChoiceView, Icon

_KIND_ICONS: Mapping[str, Icon] = {
    "new": Icon.DOCTOR,
    "follow_up": Icon.HEART,
    "medicine": Icon.PILL,
    "health_check": Icon.CHECK,
    "results": Icon.RESULTS,
    "unsure": Icon.QUESTION,
}


class VisitKindScreen(Presenter):
    """The kinds are the hospital's own list; the last is usually "I am not sure"."""

    screen = Screen.VISIT_KIND

    def view(self) -> ChoiceView:
        return self.pages(self.ctx.say("purpose.title"), [self._kind(kind) for kind in self._kinds])

    @property
    def _kinds(self) -> list[VisitKindOption]:
        return self.ctx.settings.visit_kinds if self.ctx.settings else []

    def _kind(self, kind: VisitKindOption) -> Choice:
        return Choice(
            action=Action("kind", kind.code),
            label=self.ctx.label(kind.label),
            icon=_KIND_ICONS.get(kind.code, Icon.DOCTOR),
            selected=self.ctx.visit.visit_kind == kind.code,
        )

    def foresee(self, action: Action) -> None:
        if self._chooses(action):
            foresee_services(self.ctx, action.value)

    def act(self, action: Action) -> None:
        if self._chooses(action):
            self.ctx.visit.visit_kind = action.value
            go_on(self.ctx)

    def _chooses(self, action: Action) -> bool:
        return action.name == "kind" and action.value in {kind.code for kind in self._kinds}


_PAPERS: Mapping[str, Papers] = {
    "transfer": Papers(transfer_slip=True, revisit_slip=False),
    "revisit": Papers(transfer_slip=False, revisit_slip=True),
    "both": Papers(transfer_slip=True, revisit_slip=True),
    "none": Papers(transfer_slip=False, revisit_slip=False),
}


class PapersScreen(Presenter):
    """Decides with what share the insurance pays; staff look at the papers later.

    A paper has a number of its own; who comes for a booking is known by that instead.
    """

    screen = Screen.PAPERS

    def view(self) -> ChoiceView:
        return ChoiceView(
            title=self.ctx.say("papers.title"),
            subtitle=self.ctx.say("papers.sub"),
            choices=(
                self.choice("papers", "papers.transfer", value="transfer", icon=Icon.TICKET),
                self.choice("papers", "papers.revisit", value="revisit", icon=Icon.CALENDAR),
                self.choice("papers", "papers.both", value="both", icon=Icon.RESULTS),
                self.choice("papers", "papers.none", value="none", icon=Icon.NEXT),
            ),
        )

    def act(self, action: Action) -> None:
        if action.name == "papers" and action.value in _PAPERS:
            visit = self.ctx.visit
            visit.papers = _PAPERS[action.value]
            if visit.papers.transfer_slip:
                self.ctx.go(Screen.TRANSFER_NUMBER)
            elif asks_revisit_number(visit):
                self.ctx.go(Screen.REVISIT_NUMBER)
            else:
                go_on(self.ctx)


_GROUP_ICONS: Mapping[str, Icon] = {
    "under_6": Icon.CHILD,
    "pregnant": Icon.PREGNANT,
    "disabled": Icon.WHEELCHAIR,
    "from_75": Icon.ELDER,
    "from_80": Icon.ELDER,
    "merit": Icon.MEDAL,
}


class PriorityScreen(Presenter):
    """Groups only the patient can tell; what the birth date tells is not asked."""

    screen = Screen.PRIORITY

    def view(self) -> ChoiceView:
        return self.pages(
            self.ctx.say("priority.title"),
            [self._group(group) for group in self._groups]
            + [self.choice("group", "priority.none", icon=Icon.NEXT)],
            subtitle=self.ctx.say("priority.sub"),
        )

    @property
    def _groups(self) -> list[PriorityGroup]:
        groups = self.ctx.settings.priority_groups if self.ctx.settings else []
        return [group for group in groups if group.self_declared]

    def _group(self, group: PriorityGroup) -> Choice:
        return Choice(
            action=Action("group", group.code),
            label=self.ctx.label(group.label),
            icon=_GROUP_ICONS.get(group.code, Icon.PERSON),
        )

    def act(self, action: Action) -> None:
        known = {group.code for group in self._groups}
        if action.name == "group" and action.value in known | {""}:
            self.ctx.visit.priority_group = action.value or None
            go_on(self.ctx)
