"""The page of the reception desk, also for the helper with a tablet on the floor."""

from __future__ import annotations

import json

from flask import Blueprint, Response

from backend.domain.coverage_evidence import LEGAL_GROUND
from backend.domain.desk import Need
from backend.domain.identity.masking import masked_number
from backend.domain.notice import NOTICE_SHORT, NOTICE_VERSION
from backend.domain.patient_category import categories_on
from backend.domain.scan import PersonFacts
from backend.errors import VisitNotFound
from backend.services.list_today import list_today
from backend.services.show_evidence import show_evidence
from backend.services.take_history import takes_history
from backend.web import desk_schemas
from backend.web.api import caller, resources
from backend.web.page_texts import texts
from backend.web.pages import page_language, render_page, staff_page
from backend.web.reception import DESK, today_reply

FIRST_PAGE = 30

blueprint = Blueprint("staff_reception", __name__, url_prefix="/staff/reception")


@blueprint.get("/visits/<visit_id>/evidence")
@staff_page(*DESK)
def evidence(visit_id: str) -> Response:
    """A sheet to print for the file that goes to the insurer; opening it is audited."""
    try:
        sheet = show_evidence(resources(), visit_id, staff=caller())
    except VisitNotFound:
        return render_page("staff/evidence_none.html", "staff", "evidence", status=404)
    zone = resources().catalogue.get().zone
    return render_page(
        "staff/evidence.html",
        "staff",
        "evidence",
        sheet=sheet,
        numbers=_masked(sheet.person) if sheet.person else [],
        legal_ground=LEGAL_GROUND,
        moment=lambda at: at.astimezone(zone).strftime("%H:%M:%S %d/%m/%Y") if at else "–",
    )


def _masked(person: PersonFacts) -> list[tuple[str, str]]:
    return [(kind, masked_number(number)) for kind, number in sorted(person.numbers.items())]


@blueprint.get("")
@staff_page(*DESK)
def desk() -> Response:
    """The first list comes with the page; the script only keeps it fresh."""
    page = today_reply(list_today(resources(), need=None, before=None, limit=FIRST_PAGE))
    return render_page(
        "staff/reception.html",
        "staff",
        "reception",
        words=json.dumps(texts(page_language(), "reception"), ensure_ascii=False),
        settings=json.dumps(_settings(), ensure_ascii=False),
        today=page.model_dump_json(),
        counts=_counts(page),
    )


def _counts(page: desk_schemas.TodayReply) -> dict[str, int]:
    open_matters = sum(page.counts[need.value] for need in Need)
    return {"all": page.counts["all"], "open": open_matters}


def _settings() -> dict[str, object]:
    """What can be chosen at a registration; nothing of anybody."""
    server = resources()
    catalogue = server.catalogue.get()
    today = catalogue.today(server.database.clock())
    return {
        "zone": catalogue.zone.key,
        "notice": {"version": NOTICE_VERSION, "vi": NOTICE_SHORT.vi, "en": NOTICE_SHORT.en},
        "takes_history": takes_history(catalogue),
        "visit_kinds": [
            {"code": kind.code, "vi": kind.label.vi, "en": kind.label.en}
            for kind in catalogue.settings.visit_kinds
        ],
        "categories": [
            {"code": each.code, "vi": each.title.vi, "en": each.title.en}
            for each in categories_on(today)
        ],
        "priority_groups": [
            {"code": group.code, "vi": group.label.vi, "en": group.label.en}
            for group in catalogue.priority_groups
            if group.self_declared and group.is_valid_on(today)
        ],
    }
