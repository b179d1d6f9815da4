"""The way through the first set-up: the first administrator, then a page for each thing to do.

The first page is open to anybody on the network, so it opens nothing without the code that the
server showed where it was started. It is gone once there is an administrator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from backend.domain.catalogue_faults import find_catalogue_faults
from backend.domain.passwords import MIN_CHARS
from backend.domain.settings_file import Fault, State
from backend.domain.settings_guide import Group, find_group
from backend.errors import (
    BackendError,
    ChangedMeanwhile,
    KioskExists,
    KioskNotFound,
    PasswordRefused,
    RateLimited,
    SettingsFileRefused,
    SetUpCodeRefused,
    SetUpOver,
    UserExists,
    ValidationFailed,
)
from backend.services.edit_settings import edit_settings, get_state, seen_of
from backend.services.enrol_kiosk import invite_kiosk, list_kiosks
from backend.services.first_set_up import (
    Progress,
    Step,
    claim_installation,
    find_progress,
    finish_set_up,
    has_administrator,
    note_step,
)
from backend.services.keep_settings import Author, Origin
from backend.services.list_missing import Missing, list_missing
from backend.services.order_kiosk import order_kiosk
from backend.services.remote_party import NoAnswer
from backend.services.show_fleet import show_fleet
from backend.services.show_kiosk import OrderView, show_kiosk
from backend.web.api import caller, public, resources
from backend.web.auth import begin_session
from backend.web.page_texts import texts
from backend.web.pages import page_language, render_page, staff_page
from backend.web.problems import AddressNotFound
from backend.web.settings_form import draw_field, read_group
from backend.web.staff.login import go_on, hashed_address, remember_next
from backend.web.staff.settings import SETTINGS_ROLES
from his_adapter.errors import HisError
from his_adapter.selftest import findings
from payments.errors import PaymentError

CHECK_WAIT_S = 20.0
"""A HIS that takes longer is told of as one that does not answer."""
MAX_NAME_CHARS = 80
HOME = "/staff/setup"
TEST_PRINT = "test_print"
MAX_SHOWN_KIOSKS = 10
"""A first day has few; the page of the fleet has all."""

_FACILITY_NAMES = ("name_vi", "name_en", "hotline", "timezone")
_NUMBER_NAMES = ("letters", "numbering", "letter_beside_his")

blueprint = Blueprint("staff_first_set_up", __name__, url_prefix=HOME)
root = Blueprint("root", __name__)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a system said when it was asked just now. `ok` is None for what could not be asked."""

    name: str
    ok: bool | None
    words: str


@root.get("/")
@public
def index() -> ResponseReturnValue:
    """Whoever types the address of the server alone."""
    return redirect("/staff", 303)


@blueprint.errorhandler(SetUpOver)
def on_over(_error: SetUpOver) -> ResponseReturnValue:
    """Nobody came in by the code: there is nothing to go through, and everything to change."""
    return redirect("/staff/settings", 303)


# --- the first administrator -----------------------------------------------------------------


@blueprint.get("/start")
@public
def show_start() -> ResponseReturnValue:
    if has_administrator(resources().database):
        return redirect("/staff", 303)
    return _start()


@blueprint.post("/start")
@public
def start() -> ResponseReturnValue:
    form = request.form
    if form.get("password", "") != form.get("again", ""):
        return _start(status=422, refused="not_the_same")
    try:
        token = claim_installation(
            resources(),
            untrusted_code=form.get("code", "")[:40],
            untrusted_name=form.get("name", "")[:200],
            untrusted_display_name=form.get("display_name", "")[:200],
            untrusted_password=form.get("password", ""),
            address=hashed_address(),
        )
    except SetUpOver:
        return redirect("/staff", 303)
    except PasswordRefused as error:
        return _start(status=error.status, refused=error.fault)
    except (SetUpCodeRefused, RateLimited, ValidationFailed, UserExists) as error:
        return _start(status=error.status, refused=error.code)
    begin_session(token)
    remember_next(HOME)
    return go_on()


def _start(*, status: int = 200, refused: str | None = None) -> Response:
    return render_page(
        "staff/set_up/start.html",
        "staff",
        "password",
        "set_up",
        status=status,
        refused=refused,
        least_chars=MIN_CHARS,
        typed={name: request.form.get(name, "")[:80] for name in ("code", "name", "display_name")},
    )


# --- the way through -------------------------------------------------------------------------


@blueprint.get("")
@staff_page(*SETTINGS_ROLES)
def go_through() -> ResponseReturnValue:
    """Where somebody left it."""
    step = _progress().find_next()
    return redirect(f"{HOME}/{step.value if step else 'end'}", 303)


@blueprint.get("/<name>")
@staff_page(*SETTINGS_ROLES)
def show_step(name: str) -> Response:
    return _show(_get_step(name))


@blueprint.post("/<name>")
@staff_page(*SETTINGS_ROLES)
def do_step(name: str) -> ResponseReturnValue:
    """`act` says what was pressed: something of the step, or on to the next."""
    step = _get_step(name)
    _progress()
    act = _ACTS.get((step, request.form.get("act", "")))
    reply = act() if act else None
    if reply is not None:
        return reply
    note_step(resources().database, step)
    return redirect(f"{HOME}/{_following(step)}", 303)


@blueprint.get("/end")
@staff_page(*SETTINGS_ROLES)
def show_end() -> Response:
    progress = _progress()
    return _render(
        "end",
        progress=progress,
        step=None,
        missing=list_missing(resources()),
        leads=_LEADS,
        left=[step for step in Step if step not in progress.done],
    )


@blueprint.post("/end")
@staff_page(*SETTINGS_ROLES)
def finish() -> ResponseReturnValue:
    finish_set_up(resources().database, staff=caller())
    return redirect("/staff", 303)


_LEADS: Mapping[Missing, str] = {
    Missing.HOTLINE: "/staff/settings/facility",
    Missing.STANDING: "/staff/settings/facility",
    Missing.ROOMS: f"{HOME}/rooms",
    Missing.OWN_REGISTER: f"{HOME}/his",
    Missing.KIOSK: f"{HOME}/kiosk",
    Missing.DISPLAY: "/staff/displays",
    Missing.CASH_ONLY: f"{HOME}/payments",
}
"""Where it is done. Accounts are made by a command on the server."""


def _following(step: Step) -> str:
    steps = list(Step)
    rest = steps[steps.index(step) + 1 :]
    return rest[0].value if rest else "end"


def _get_step(untrusted_name: str) -> Step:
    try:
        return Step(untrusted_name)
    except ValueError as error:
        raise AddressNotFound from error


def _progress() -> Progress:
    """Raises SetUpOver where nobody came in by the code."""
    progress = find_progress(resources().database)
    if progress is None:
        raise SetUpOver
    return progress


# --- what each step does ---------------------------------------------------------------------


def _save(step: Step) -> Response | None:
    """Checked like any change of settings, and undone from their history."""
    group = _group_of(step)
    wish = read_group(request.form, group)
    try:
        edit_settings(
            resources().database,
            wish,
            seen=request.form.get("seen", ""),
            by=Author.of(caller()),
            origin=Origin.FIRST_SET_UP,
        )
    except SettingsFileRefused as error:
        faults = [fault for fault in error.found if isinstance(fault, Fault)]
        return _show(step, status=error.status, wish=wish, faults=faults)
    except ChangedMeanwhile as error:
        return _show(step, status=error.status, refused=error)
    return None


def _save_facility() -> Response | None:
    return _save(Step.FACILITY)


def _save_numbers() -> Response | None:
    return _save(Step.NUMBERS)


def _check_his() -> Response:
    return _show(Step.HIS, checks=_ask_his())


def _invite() -> Response:
    name = " ".join(request.form.get("kiosk_name", "").split())
    if not name or len(name) > MAX_NAME_CHARS or not name.isprintable():
        return _show(Step.KIOSK, status=422, refused=ValidationFailed())
    database, actor = resources().database, caller().actor
    try:
        code = invite_kiosk(database, name=name, actor=actor, unique=True)
    except KioskExists as error:
        return _show(Step.KIOSK, status=error.status, refused=error)
    return _show(Step.KIOSK, invited=name, code=code)


def _print_test() -> Response:
    """The kiosk hears of it with its next beat, and says how it went."""
    kiosk_id = request.args.get("kiosk", "")[:64]
    try:
        order_kiosk(resources().database, kiosk_id, TEST_PRINT, actor=caller().actor)
    except KioskNotFound as error:
        return _show(Step.PRINT, status=error.status, refused=error)
    return _show(Step.PRINT)


def _check_payments() -> Response:
    return _show(Step.PAYMENTS, checks=_ask_providers())


_ACTS: Mapping[tuple[Step, str], Callable[[], Response | None]] = {
    (Step.FACILITY, "save"): _save_facility,
    (Step.NUMBERS, "save"): _save_numbers,
    (Step.HIS, "check"): _check_his,
    (Step.KIOSK, "invite"): _invite,
    (Step.PRINT, "print"): _print_test,
    (Step.PAYMENTS, "check"): _check_payments,
}


def _ask_his() -> list[Checked]:
    """The short self-test of `tiepdon his`, read out."""
    server, t = resources(), texts(page_language(), "set_up")
    question = server.his_party.ask(lambda: tuple(findings(server.his, None, thorough=False)))
    try:
        found = question.wait(CHECK_WAIT_S)
    except NoAnswer:
        return [Checked(name="health", ok=False, words=t["up_his_silent"])]
    except HisError as error:
        return [Checked(name=error.code, ok=False, words=t["up_his_silent"])]
    return [Checked(name=each.check, ok=each.ok, words=each.message_vi) for each in found]


def _ask_providers() -> list[Checked]:
    """Each bank and wallet by itself: one that is away leaves the others."""
    t = texts(page_language(), "set_up")
    server, checks = resources(), []
    for name, provider in server.providers.items():
        try:
            server.provider_parties[name].ask(provider.check).wait(CHECK_WAIT_S / 4)
        except (NoAnswer, PaymentError):
            checks.append(Checked(name=name, ok=False, words=t["up_pay_silent"]))
        else:
            checks.append(Checked(name=name, ok=True, words=t["up_pay_answers"]))
    return checks


# --- drawing ---------------------------------------------------------------------------------


def _group_of(step: Step) -> Group:
    """Of the settings of a group, those that cannot wait."""
    key, names = {
        Step.FACILITY: ("facility", _FACILITY_NAMES),
        Step.NUMBERS: ("numbers", _NUMBER_NAMES),
    }[step]
    group = find_group(key)
    entries = group.entries if group else ()
    return Group(key=key, entries=tuple(each for each in entries if each.path[-1] in names))


def _show(
    step: Step,
    *,
    status: int = 200,
    wish: State | None = None,
    faults: list[Fault] | None = None,
    refused: BackendError | None = None,
    **facts: Any,
) -> Response:
    shown = {"checks": None, "invited": None, "code": None} | facts
    if step in {Step.FACILITY, Step.NUMBERS}:
        shown |= _settings_facts(step, wish or {}, faults or [])
    elif step is Step.HIS:
        shown["adapter"] = resources().config.his_adapter
    elif step is Step.ROOMS:
        shown |= _room_facts()
    elif step in {Step.KIOSK, Step.PRINT}:
        shown |= _kiosk_facts()
    elif step is Step.PAYMENTS:
        shown["providers"] = list(resources().providers)
    return _render(
        "step",
        status=status,
        step=step,
        progress=_progress(),
        following=_following(step),
        refused=refused.code if refused else None,
        is_faulty=bool(faults),
        **shown,
    )


def _settings_facts(step: Step, wish: State, faults: list[Fault]) -> dict[str, Any]:
    state = get_state(resources().database)
    group = _group_of(step)
    t = texts(page_language(), "settings")
    values = state | wish
    paths = [each.path for each in group.entries]
    return {
        "fields": [draw_field(path, values, faults, t) for path in paths],
        # What somebody typed over stays theirs to save: it was seen when their form was drawn.
        "seen": request.form.get("seen") if wish else seen_of(state, paths),
        "kind_names": {},
    }


def _room_facts() -> dict[str, Any]:
    catalogue = resources().catalogue.get()
    return {
        "counts": {
            "departments": len(catalogue.departments),
            "rooms": len(catalogue.rooms),
            "services": len(catalogue.services),
        },
        "found": find_catalogue_faults(catalogue),
    }


def _kiosk_facts() -> dict[str, Any]:
    server = resources()
    base = server.config.public_base or request.host_url.rstrip("/")
    standing = [each for each in show_fleet(server.database) if each.kind == "kiosk"]
    newest = sorted(standing, key=lambda each: each.enrolled_at, reverse=True)[:MAX_SHOWN_KIOSKS]
    return {
        "base": base,
        "kiosks": [(each, _find_print(each.id)) for each in newest],
        "invited_names": [
            each.name
            for each in list_kiosks(server.database)
            if each.id is None and each.kind == "kiosk"
        ],
    }


def _find_print(kiosk_id: str) -> OrderView | None:
    """The newest test print of a kiosk, and how it went."""
    orders = show_kiosk(resources().database, kiosk_id).orders
    return next((each for each in orders if each.kind == TEST_PRINT), None)


def _render(name: str, *, status: int = 200, **facts: Any) -> Response:
    return render_page(
        f"staff/set_up/{name}.html",
        "staff",
        "settings",
        "set_up",
        status=status,
        steps=list(Step),
        **facts,
    )
