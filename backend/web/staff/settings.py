"""Pages of the settings: a form for each group, checked, shown before it counts, and taken back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from backend.domain.roles import StaffRole
from backend.domain.setting_kinds import say
from backend.domain.settings_checks import GROUP_KINDS
from backend.domain.settings_file import (
    MAX_FILE_CHARS,
    Change,
    Fault,
    Path,
    State,
    list_changes,
    show_path,
)
from backend.domain.settings_guide import GROUPS, Group, find_entry, find_group, list_paths
from backend.errors import (
    ChangedMeanwhile,
    SettingsFileRefused,
    UndoOver,
)
from backend.services.edit_settings import (
    Version,
    edit_settings,
    get_state,
    list_versions,
    preview_edit,
    seen_of,
    undo_version,
)
from backend.services.import_settings import export_settings, import_settings, preview_import
from backend.services.keep_settings import Author
from backend.web.api import caller, resources
from backend.web.calling_words import WORDING_ROLES
from backend.web.displays import DISPLAY_ROLES
from backend.web.page_texts import texts
from backend.web.pages import page_language, render_page, staff_page
from backend.web.problems import AddressNotFound
from backend.web.settings_form import (
    HERE,
    Field,
    Words,
    draw_field,
    draw_new_row,
    label_of,
    place_of,
    read_group,
    read_new_row,
    show_value,
    translate,
)
from backend.web.staff.fleet import IT

SETTINGS_ROLES = (StaffRole.IT,)
MAX_UPLOAD_BYTES = 4 * MAX_FILE_CHARS + 100_000
_LINKS = (
    ("/staff/fleet", "fleet", frozenset(IT)),
    ("/staff/displays", "displays", frozenset(DISPLAY_ROLES)),
    ("/staff/calling-words", "calling_words", frozenset(WORDING_ROLES)),
    ("/staff/announcements", "announcements", frozenset({StaffRole.CONTENT_EDITOR})),
)
"""Settings with pages of their own, for those who may open them."""
_OWN_NAMES = frozenset({"csrf_token", "seen"})
_NEW = "new"
_VERSION = re.compile(r"[0-9]{1,9}")

blueprint = Blueprint("staff_settings", __name__, url_prefix="/staff/settings")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One change as people read it."""

    label: str
    before: str
    after: str
    counts: str | None
    touches: str | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """A priority group on the page."""

    title: str
    state: str
    summary: str
    fields: Sequence[Field]
    faults: Sequence[str]
    """Of the row as a whole."""

    @property
    def is_faulty(self) -> bool:
        return bool(self.faults) or any(field.faults for field in self.fields)


@blueprint.get("")
@staff_page(*SETTINGS_ROLES)
def show() -> Response:
    versions = list_versions(resources().database)
    newest = versions[0] if versions else None
    links = [(path, key) for path, key, roles in _LINKS if caller().has_any(roles)]
    return _render("start", groups=GROUPS, newest=newest, links=links)


@blueprint.get("/<key>")
@staff_page(*SETTINGS_ROLES)
def show_group(key: str) -> Response:
    return _form(_get_group(key))


@blueprint.post("/<key>/edit")
@staff_page(*SETTINGS_ROLES)
def edit_again(key: str) -> Response:
    """Back from the preview, as it was typed."""
    group = _get_group(key)
    return _form(group, wish=read_group(request.form, group))


@blueprint.post("/<key>/preview")
@staff_page(*SETTINGS_ROLES)
def preview(key: str) -> Response:
    group = _get_group(key)
    state = get_state(resources().database)
    wish = read_group(request.form, group)
    code, row = read_new_row(request.form) if group.rows else ("", {})
    if any(path[:2] == ("priority_groups", code) for path in (*state, *wish)):
        twice = Fault(path=_NEW, words=say("Stands here twice."))
        return _form(group, wish=wish, faults=(twice,), status=422)
    wish |= row
    if seen_of(state, wish) != request.form.get("seen"):
        return _changed_meanwhile(group, wish, state)
    try:
        found = preview_edit(resources().database, wish)
    except SettingsFileRefused as error:
        return _form(group, wish=wish, faults=_faults(error), status=error.status)
    kept = [pair for pair in request.form.items(multi=True) if not pair[0].startswith("new:")]
    return _render(
        "preview",
        group=group,
        action=f"/staff/settings/{group.key}",
        seen=request.form.get("seen"),
        hidden=[(name, value) for name, value in kept if name not in _OWN_NAMES]
        + _as_boxes(code, request.form),
        changes=_show_changes(found.changes, state | wish),
    )


@blueprint.post("/<key>")
@staff_page(*SETTINGS_ROLES)
def apply(key: str) -> ResponseReturnValue:
    group = _get_group(key)
    wish = read_group(request.form, group)
    database = resources().database
    seen = request.form.get("seen", "")
    try:
        kept = edit_settings(database, wish, seen=seen, by=Author.of(caller()))
    except SettingsFileRefused as error:
        return _form(group, wish=wish, faults=_faults(error), status=error.status)
    except ChangedMeanwhile:
        return _changed_meanwhile(group, wish, get_state(database))
    return redirect(f"/staff/settings/{group.key}?done={kept.version or ''}", 303)


# --- versions --------------------------------------------------------------------------------


@blueprint.get("/versions")
@staff_page(*SETTINGS_ROLES)
def show_versions() -> Response:
    return _versions()


@blueprint.post("/versions/<number>/undo")
@staff_page(*SETTINGS_ROLES)
def undo(number: str) -> ResponseReturnValue:
    database = resources().database
    version = int(number) if _VERSION.fullmatch(number) else -1
    try:
        kept = undo_version(database, version, by=Author.of(caller()))
    except SettingsFileRefused as error:
        return _versions(status=error.status, refused="set_undo_faults", faults=_faults(error))
    except (ChangedMeanwhile, UndoOver) as error:
        return _versions(status=error.status, refused="set_undo_refused")
    return redirect(f"/staff/settings/versions?done={kept.version or ''}", 303)


def _versions(
    *, status: int = 200, refused: str | None = None, faults: Sequence[Fault] = ()
) -> Response:
    database = resources().database
    state = get_state(database)
    versions = list_versions(database)
    return _render(
        "versions",
        status=status,
        refused=refused,
        faults=_tell_faults(faults, state),
        versions=[(each, _show_changes(each.changes, state)) for each in versions],
        done=_done(versions),
    )


# --- the file --------------------------------------------------------------------------------


@blueprint.get("/settings.json")
@staff_page(*SETTINGS_ROLES)
def export() -> Response:
    database = resources().database
    day = resources().catalogue.get().today(database.clock())
    reply = Response(export_settings(database), content_type="application/json; charset=utf-8")
    reply.headers["Content-Disposition"] = f'attachment; filename="cau-hinh-{day}.json"'
    return reply


@blueprint.get("/import")
@staff_page(*SETTINGS_ROLES)
def choose_file() -> Response:
    return _import_page()


@blueprint.post("/import/preview")
@staff_page(*SETTINGS_ROLES, max_bytes=MAX_UPLOAD_BYTES)
def check_file() -> Response:
    upload = request.files.get("file")
    data = upload.read(MAX_UPLOAD_BYTES) if upload else b""
    if not data:
        return _import_page(status=422, refused="set_file_missing")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _import_page(status=422, refused="set_file_encoding")
    database = resources().database
    try:
        found = preview_import(database, text)
    except SettingsFileRefused as error:
        return _import_page(status=error.status, faults=_faults(error))
    if not found.changes:
        return _import_page(refused="set_file_same")
    return _render(
        "preview",
        group=None,
        action="/staff/settings/import",
        seen=found.seen,
        hidden=[("text", text)],
        changes=_show_changes(found.changes, get_state(database)),
    )


@blueprint.post("/import")
@staff_page(*SETTINGS_ROLES, max_bytes=MAX_UPLOAD_BYTES)
def take_file() -> ResponseReturnValue:
    database = resources().database
    text, seen = request.form.get("text", ""), request.form.get("seen", "")
    try:
        import_settings(database, text, seen=seen, by=Author.of(caller()))
    except SettingsFileRefused as error:
        return _import_page(status=error.status, faults=_faults(error))
    except ChangedMeanwhile as error:
        return _import_page(status=error.status, refused="set_meanwhile_file")
    versions = list_versions(database)
    return redirect(f"/staff/settings/versions?done={versions[0].number if versions else ''}", 303)


def _import_page(
    *, status: int = 200, refused: str | None = None, faults: Sequence[Fault] = ()
) -> Response:
    return _render(
        "import",
        status=status,
        refused=refused,
        faults=_tell_faults(faults, get_state(resources().database)),
    )


def _tell_faults(faults: Sequence[Fault], state: State) -> list[tuple[str, str, str]]:
    """Place in words, place in the file, and why."""
    t = _words()
    return [(place_of(each, state, t), each.path, translate(each.words, t)) for each in faults]


# --- the form --------------------------------------------------------------------------------


def _form(
    group: Group,
    *,
    wish: State | None = None,
    faults: Sequence[Fault] = (),
    status: int = 200,
    refused: str | None = None,
    lost: Sequence[Shown] = (),
) -> Response:
    database = resources().database
    state = get_state(database)
    values, t = state | (wish or {}), _words()
    today = resources().catalogue.get().today(database.clock())
    # A new row that could be read stands among the others already.
    typed = request.form if any(each.path == _NEW for each in faults) else MultiDict()
    return _render(
        "group",
        status=status,
        group=group,
        # What somebody typed over stays theirs to save: it was seen when their form was drawn.
        seen=request.form.get("seen") if wish else seen_of(state, list_paths(group, state)),
        fields=[draw_field(each.path, values, faults, t) for each in group.entries],
        rows=_rows(values, faults, today) if group.rows else (),
        new_row=draw_new_row(typed, t) if group.rows else (),
        new_code=typed.get("new:code", "")[:40],
        faults=[translate(fault.words, t) for fault in faults],
        refused=refused,
        lost=lost,
        code=state["facility", "code"],
        kind_names=_kind_names(values),
        done=_done(list_versions(database)) if status == 200 else None,
    )


def _kind_names(values: State) -> dict[str, str]:
    """What kinds of visit are called, by their codes."""
    kinds = values.get(("settings", "visit_kinds")) or []
    return {each["code"]: each["label"][page_language()] for each in kinds}


def _changed_meanwhile(group: Group, wish: State, state: State) -> Response:
    """Shown as it stands now; what was typed stands above, to be taken over by hand."""
    lost = _show_changes(list_changes(state, state | wish), state | wish)
    return _form(group, status=409, refused="set_meanwhile", lost=lost)


def _rows(values: State, faults: Sequence[Fault], today: date) -> list[Row]:
    t = _words()
    paths = list(list_paths(Group(key="", entries=(), rows=True), values))
    return [
        Row(
            title=str(values.get((*path[:2], "label_vi")) or path[1]),
            state=_row_state(values, path, today),
            summary=" · ".join(
                show_value((*path[:2], name), values.get((*path[:2], name)), t)
                for name in ("legal_basis", "valid_from")
            ),
            fields=[draw_field((*path[:2], name), values, faults, t) for name in GROUP_KINDS],
            faults=[
                translate(each.words, t) for each in faults if each.path == show_path(path[:2])
            ],
        )
        for path in paths[:: len(GROUP_KINDS)]
    ]


def _row_state(values: State, path: Path, today: date) -> str:
    """ISO days compare as they follow each other."""
    begins, ends = values.get((*path[:2], "valid_from")), values.get((*path[:2], "valid_to"))
    if begins and str(begins) > today.isoformat():
        return "set_priority_later"
    return "set_priority_over" if ends and str(ends) < today.isoformat() else "set_priority_now"


def _as_boxes(code: str, form: MultiDict[str, str]) -> list[tuple[str, str]]:
    """A new priority group, from the preview on, is a row like the others."""
    if not code:
        return []
    boxes: list[tuple[str, str]] = []
    for name in GROUP_KINDS:
        box = f"priority_groups.{code}.{name}"
        boxes.append((f"{HERE}{box}", "1"))
        if f"new:{name}" in form:
            boxes.append((box, form[f"new:{name}"]))
    return boxes


def _show_changes(changes: Sequence[Change], values: State) -> list[Shown]:
    t = _words()
    return [_show_change(change, values, t) for change in changes]


def _show_change(change: Change, values: State, t: Words) -> Shown:
    entry = find_entry(change.path)
    before, after = _difference(change)
    return Shown(
        label=label_of(change.path, t, values),
        before=show_value(change.path, before, t),
        after=show_value(change.path, after, t),
        counts=t["set_count_words"][entry.counts.value] if entry else None,
        touches=t["set_touch_words"][entry.touches.value] if entry else None,
    )


def _difference(change: Change) -> tuple[Any, Any]:
    """Of two tables, only the rows that differ."""
    before, after = change.before, change.after
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return before, after
    rows = [row for row in {**before, **after} if before.get(row) != after.get(row)]
    return {row: before[row] for row in rows if row in before}, {
        row: after[row] for row in rows if row in after
    }


def _faults(error: SettingsFileRefused) -> list[Fault]:
    return [fault for fault in error.found if isinstance(fault, Fault)]


def _done(versions: Sequence[Version]) -> Version | None:
    """What was just applied, while it is the newest: it can be taken back with one press."""
    number = request.args.get("done", "")
    newest = versions[0] if versions else None
    return newest if newest and str(newest.number) == number else None


def _get_group(untrusted_key: str) -> Group:
    group = find_group(untrusted_key)
    if group is None:
        raise AddressNotFound
    return group


def _words() -> Words:
    return texts(page_language(), "staff", "settings")


def _render(name: str, *, status: int = 200, **facts: Any) -> Response:
    template = f"staff/settings/{name}.html"
    return render_page(template, "staff", "settings", status=status, **facts)
