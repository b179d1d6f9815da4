"""The audit trail for who answers for it: searched, taken out, and whether its chain is whole.

Searches are sent, not written into the address: names of people stand in no log of a proxy.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from backend.domain.audit_groups import GROUPS
from backend.domain.roles import ADMIN_ROLES, StaffRole
from backend.errors import BackendError, BreakChanged, NotAllowed, ReasonMissing
from backend.events import Event
from backend.services.acknowledge_break import MAX_REASON_CHARS, acknowledge_break
from backend.services.check_audit import ask_check, show_chain
from backend.services.export_audit import COLUMNS, Form, note_export, write_csv, write_jsonl
from backend.services.search_audit import (
    MAX_ACTORS,
    find_actors,
    find_subjects,
    search_audit,
    walk_audit,
)
from backend.storage.audit_search import AuditWish, Key
from backend.web.api import caller, resources
from backend.web.form_times import find_moment
from backend.web.page_texts import texts
from backend.web.pages import page_language, render_page, staff_page

AUDIT_ROLES = (StaffRole.AUDITOR, StaffRole.IT)
ACKNOWLEDGERS = (StaffRole.AUDITOR,)
FIELDS = ("since", "until", "who", "event", "subject")
MAX_FIELD_CHARS = 80
LATE = timedelta(minutes=1)
GROUP = "group:"
TYPES: dict[Form, str] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson; charset=utf-8",
}
_KEY = re.compile(r"(\d{4}-\d\d-\d\dT[\d:.]{8,15}\+00:00) ([0-9a-zA-Z_-]{1,64})")
_REFUSALS = (BreakChanged, NotAllowed, ReasonMissing)

blueprint = Blueprint("staff_audit", __name__, url_prefix="/staff/audit")


class _NothingMeant(ValueError):
    """What was filled in means nothing here; `key` names the sentence that says so."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@blueprint.get("")
@staff_page(*AUDIT_ROLES)
def show() -> Response:
    return _page({})


@blueprint.post("")
@staff_page(*AUDIT_ROLES)
def search() -> Response:
    return _page(_asked(), before=_find_key(request.form.get("before", "")))


@blueprint.post("/export.<any(csv,jsonl):form>")
@staff_page(*AUDIT_ROLES)
def export(form: Form) -> Response:
    """Sent as it is read, whatever its length."""
    asked = _asked()
    try:
        wish = _understand(asked)
    except _NothingMeant as error:
        return _page(asked, wrong=error.key)
    database, zone = resources().database, resources().catalogue.get().zone
    note_export(database, wish, form=form, staff=caller())
    words = texts(page_language(), "audit")
    lines = walk_audit(database, wish)
    if form == "jsonl":
        content = write_jsonl(lines, zone=zone)
    else:
        names = words["audit_events"]
        content = write_csv(
            lines,
            zone=zone,
            header=[words["audit_columns"][name] for name in COLUMNS],
            name_event=lambda event: names.get(event, event),
        )
    reply = Response(content, content_type=TYPES[form])
    today = resources().catalogue.get().today(database.clock())
    reply.headers["Content-Disposition"] = (
        f'attachment; filename="nhat-ky-{today.isoformat()}.{form}"'
    )
    reply.headers["Cache-Control"] = "no-store"
    return reply


@blueprint.post("/check")
@staff_page(*AUDIT_ROLES)
def check() -> ResponseReturnValue:
    ask_check(resources().database, actor=caller().actor)
    return redirect("/staff/audit", 303)


@blueprint.post("/acknowledge")
@staff_page(*ACKNOWLEDGERS)
def acknowledge() -> ResponseReturnValue:
    try:
        acknowledge_break(
            resources(),
            request.form.get("fingerprint", "")[:MAX_FIELD_CHARS],
            reason=request.form.get("reason", ""),
            staff=caller(),
        )
    except _REFUSALS as error:
        return _page({}, refused=error)
    ask_check(resources().database, actor=caller().actor)
    return redirect("/staff/audit", 303)


def _asked() -> dict[str, str]:
    return {name: _clean(request.form.get(name, "")) for name in FIELDS}


def _clean(untrusted_text: str) -> str:
    """A database takes no NUL, and nobody looks for what cannot be shown."""
    shown = "".join(letter for letter in untrusted_text if letter.isprintable())
    return shown.strip()[:MAX_FIELD_CHARS]


def _understand(asked: dict[str, str]) -> AuditWish:
    """Raises _NothingMeant."""
    since, until = find_moment(asked["since"]), find_moment(asked["until"])
    if since is not None and until is not None and since >= until:
        raise _NothingMeant("audit_bad_time")
    actors = subjects = None
    database, catalogue = resources().database, resources().catalogue.get()
    if asked["who"]:
        actors = find_actors(database, asked["who"])
        if not actors:
            raise _NothingMeant("audit_nobody")
        if len(actors) > MAX_ACTORS:
            raise _NothingMeant("audit_too_many")
    if asked["subject"]:
        day = catalogue.today(since or database.clock())
        subjects = find_subjects(database, asked["subject"], day=day)
        if not subjects:
            raise _NothingMeant("audit_no_subject")
    return AuditWish(
        since=since,
        until=until,
        actors=actors,
        events=_find_events(asked["event"]),
        subjects=subjects,
    )


def _find_events(untrusted_choice: str) -> tuple[str, ...] | None:
    if not untrusted_choice:
        return None
    if untrusted_choice.startswith(GROUP):
        return GROUPS.get(untrusted_choice.removeprefix(GROUP), ())
    return (untrusted_choice,)


def _find_key(untrusted_text: str) -> Key | None:
    found = _KEY.fullmatch(untrusted_text)
    if found is None:
        return None
    try:
        return datetime.fromisoformat(found[1]), found[2]
    except ValueError:
        return None


def _page(
    asked: dict[str, str],
    *,
    before: Key | None = None,
    wrong: str | None = None,
    refused: BackendError | None = None,
) -> Response:
    database = resources().database
    page, is_searched = None, any(asked.values())
    try:
        wish = _understand(asked) if is_searched else AuditWish()
        page = search_audit(database, wish, before=before)
    except _NothingMeant as error:
        wrong = error.key
    chain = show_chain(database)
    now = database.clock()
    after = page.after if page else None
    return render_page(
        "staff/audit.html",
        "staff",
        "audit",
        status=refused.status if refused else 200,
        asked=asked,
        is_searched=is_searched,
        wrong=wrong,
        refused=refused.code if refused else None,
        page=page,
        next_key=f"{after[0].isoformat()} {after[1]}" if after else None,
        chain=chain,
        is_late=chain.oldest_unsealed_at is not None and now - chain.oldest_unsealed_at > LATE,
        groups=GROUPS,
        events=_list_events(),
        max_field=MAX_FIELD_CHARS,
        max_reason=MAX_REASON_CHARS,
        may_acknowledge=caller().has_any(frozenset(ACKNOWLEDGERS))
        and caller().roles.isdisjoint(ADMIN_ROLES),
        **_moments(chain.verdict),
    )


def _moments(verdict: dict[str, Any] | None) -> dict[str, Any]:
    """Times of a kept verdict are text."""
    known = (verdict or {}).get("known", [])
    times = [datetime.fromisoformat(each["acknowledged_at"]) for each in known]
    return {"known": list(zip(known, times, strict=True))}


def _list_events() -> list[tuple[str, str]]:
    """In the order of the words, as people look for them."""
    words: dict[str, str] = texts(page_language(), "audit")["audit_events"]
    return sorted(((event.value, words[event]) for event in Event), key=lambda each: each[1])
