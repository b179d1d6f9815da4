"""Which pictures there are of the pages, and what is pressed before each is taken."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from backend.domain.displays import DisplayKind, DisplayWish
from backend.domain.ids import new_id
from backend.services.change_kiosk import KioskWish, change_kiosk
from backend.services.change_settings import change_setting
from backend.services.manage_displays import add_display
from backend.services.order_kiosk import order_kiosk
from backend.storage import tables
from backend.storage.catalogue import CatalogueSource
from his_adapter.demo.faults import Faults, write_faults
from tiepdon.demo.alerts import bring_trouble
from tiepdon.demo.fleet import TROUBLED, fill_fleet
from tiepdon.demo.hall import Hall, Party, RoomStaff, open_records, play_morning
from tiepdon.demo.money import Story, bring_money
from tiepdon.demo.past import bring_past

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload, Page

DESK, DESK_TALL, DESK_LONG = (1280, 800), (1280, 1120), (1280, 1420)
DESK_FULL = (1280, 2020)
TABLET, TABLET_LONG = (1024, 768), (1024, 1240)
PHONE, PHONE_TALL, PHONE_LONG = (390, 844), (390, 1180), (390, 1760)
TV, TV_UPRIGHT = (1920, 1080), (1080, 1920)
IN_DEMO = frozenset(
    {
        "board",
        "board-upright",
        "door",
        "room",
        "room-phone",
        "reception",
        "head",
        "fleet",
        "report",
    }
)
"""Enough to see what it is; the others take a minute more."""
REST_OF_SETTINGS_MS = 6_000
"""Servers notice other settings within that time."""
TAIL_MS = 60_000
"""A page notices within that time that its server is away."""

OWNED = KioskWish(
    name=TROUBLED,
    profile="reception",
    owner="Ngân hàng Mẫu, chi nhánh Bình An",
    contact="Tổng đài 1900 0000",
    serial_number="KX-0001",
)
SERVICE = "Khám Nội tổng hợp"
UPSTAIRS = ("106", "205", "206", "301", "302")
"""Rooms with long names."""
HALL_ROOMS = ("101", "102", "103", "104", "201", "202", "204", "205")


def nothing(_page: Page) -> None:
    """As it opens."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One page: its address, who is signed in, on what screen, and what is pressed there.

    `ready` is a selector of what shows that the page is there.
    """

    name: str
    path: str
    ready: str
    account: str | None = None
    size: tuple[int, int] = DESK
    lang: str = "vi"
    prepare: Callable[[Page], None] = nothing

    @property
    def file(self) -> str:
        return f"{self.name}.png" if self.lang == "vi" else f"{self.name}.{self.lang}.png"

    def in_english(self) -> Picture:
        return replace(self, lang="en")


def list_pictures(hall: Hall) -> list[Picture]:
    """After a morning has been played: what there is to see, in the order it is to be seen.

    Pages of those who only look come first; what changes the morning comes last.
    """
    play_morning(hall)
    _ask_for_help(hall)
    agent = _enrol_print_agent(hall)
    room = f"/staff/rooms/{hall.find_room('101')}"
    board = _add_display(hall, "Sảnh tầng 1", DisplayKind.HALL, HALL_ROOMS)
    upstairs = _add_display(hall, "Sảnh tầng 2", DisplayKind.HALL, UPSTAIRS)
    door = _add_display(hall, "Cửa phòng 101", DisplayKind.DOOR, ("101",))
    counter = _add_display(hall, "Quầy thu phí 1", DisplayKind.COUNTER, ("T1",))
    shown = "#board:not([hidden])"
    console = "html[data-ready]"
    on_board = Picture(name="board", path=f"/d/{board}", size=TV, ready=shown)
    in_room = Picture(name="room", path=room, account="phong", ready=console)
    at_desk = Picture(
        name="reception", path="/staff/reception", account="letan", ready="#list .desk-row"
    )
    at_head = Picture(
        name="head", path="/staff/head", account="truongkhoa", ready="#rooms .room [data-do]"
    )
    return [
        on_board,
        replace(on_board, name="board-upright", path=f"/d/{upstairs}", size=TV_UPRIGHT),
        replace(on_board, name="board-away", prepare=_cut_line_of_display),
        replace(on_board, name="door", path=f"/d/{door}"),
        replace(on_board, name="counter", path=f"/d/{counter}"),
        *_phones(hall),
        at_head,
        at_head.in_english(),
        replace(at_head, name="head-move", prepare=_ask_to_move),
        replace(at_head, name="head-room", prepare=_ask_for_state),
        Picture(name="help", path="/staff/help", account="letan", ready=".help-call, .row"),
        in_room,
        in_room.in_english(),
        replace(in_room, name="room-phone", size=PHONE),
        replace(in_room, name="rooms", path="/staff/rooms", ready="#rooms a"),
        replace(in_room, name="call-list", path=f"{room}/list", ready=".sheets table"),
        replace(in_room, name="room-reason", prepare=_ask_why_missed),
        replace(in_room, name="room-send-on", prepare=_ask_for_tests),
        replace(in_room, name="room-pause", prepare=_ask_how_long),
        replace(in_room, name="room-keys", prepare=_ask_for_keys),
        replace(in_room, name="room-away", prepare=_cut_line_of_room),
        at_desk,
        at_desk.in_english(),
        replace(at_desk, name="reception-tablet", size=TABLET),
        replace(at_desk, name="reception-open", prepare=_open_matters),
        replace(at_desk, name="reception-rooms", size=DESK_TALL, prepare=_open_room_of_the_day),
        replace(
            at_desk,
            name="reception-visit",
            size=DESK_TALL,
            prepare=_open_visit(_declare_priority(hall), agent),
        ),
        replace(
            at_desk,
            name="reception-evidence",
            path=f"/staff/reception/visits/{_take_without_insurer(hall)}/evidence",
            ready=".evidence .lookup",
        ),
        replace(at_desk, name="reception-register", size=DESK_TALL, prepare=_describe),
        replace(at_desk, name="reception-number", prepare=_take_number),
        replace(at_desk, name="reception-search", size=DESK_TALL, prepare=_search),
        replace(at_desk, name="reception-continue", size=TABLET_LONG, prepare=_go_on),
        replace(at_head, name="head-log", prepare=_move_and_read_log),
        Picture(name="home", path="/staff", account="letan", ready=".card, .cards"),
        Picture(name="displays", path="/staff/displays", account="it", ready=".displays .row"),
        Picture(
            name="display-new",
            path="/staff/displays",
            account="it",
            ready=".displays .row",
            prepare=_make_display,
        ),
        Picture(
            name="audit",
            path="/staff/audit",
            account="kiemtra",
            size=DESK_LONG,
            ready=".trail-table",
            prepare=_check_chain,
        ),
        Picture(
            name="audit-reads",
            path="/staff/audit",
            account="kiemtra",
            size=DESK_LONG,
            ready=".trail-table",
            prepare=_find_reads,
        ),
        Picture(
            name="incident",
            path="/staff/incidents",
            account="kiemtra",
            size=DESK_LONG,
            ready="[name=about]",
            prepare=_open_incident,
        ),
        Picture(
            name="incidents",
            path="/staff/incidents",
            account="kiemtra",
            size=DESK_TALL,
            ready="[name=about]",
        ),
        Picture(
            name="data-request",
            path="/staff/data-requests",
            account="chatluong",
            size=DESK_TALL,
            ready="[name=about]",
            prepare=_take_request,
        ),
        Picture(
            name="data-requests",
            path="/staff/data-requests",
            account="chatluong",
            size=DESK_TALL,
            ready="[name=about]",
        ),
        Picture(name="sign-in", path="/staff/login", ready="main.login"),
        Picture(name="password", path="/staff/password", account="letan", ready="#rules"),
        Picture(
            name="second-factor",
            path="/staff/second-factor",
            account="kiemtra",
            size=DESK_TALL,
            ready="img.qr",
        ),
        Picture(
            name="announcements",
            path="/staff/announcements",
            account="bientap",
            size=DESK_TALL,
            ready="#list-title",
            prepare=_announce,
        ),
        Picture(
            name="announcement-change",
            path="/staff/announcements",
            account="bientap",
            size=DESK_TALL,
            ready="#list-title",
            prepare=_change_announcement,
        ),
        Picture(
            name="calling-words",
            path="/staff/calling-words",
            account="bientap",
            size=DESK_TALL,
            ready="#words",
        ),
        Picture(
            name="checkins",
            path="/staff/checkins",
            account="letan",
            size=DESK_TALL,
            ready=".board",
            prepare=_hand_in_checkins(hall),
        ),
        Picture(
            name="checkin",
            path="/staff/checkins",
            account="letan",
            size=DESK_TALL,
            ready=".board",
            prepare=lambda page: page.locator(".board .button").first.click(),
        ),
        *_settings(),
        *_reports(hall),
        *_money(hall),
        *_fleet(hall),
        Picture(
            name="alerts",
            path="/staff/alerts",
            account="it",
            size=DESK_LONG,
            ready="#now .panel",
            prepare=_bring_trouble(hall),
        ),
        # The HIS is away from here on.
        Picture(
            name="outbox",
            path="/staff/outbox",
            account="letan",
            size=DESK_TALL,
            ready="#state",
            prepare=_take_his_away(hall),
        ),
        Picture(
            name="outbox-message",
            path="/staff/outbox",
            account="letan",
            size=DESK_TALL,
            ready="#state .button",
            prepare=lambda page: page.locator("#state .button").first.click(),
        ),
    ]


def _fleet(hall: Hall) -> list[Picture]:
    kiosks = fill_fleet(hall)
    troubled = kiosks[TROUBLED]
    with open_records(hall.server.database_url) as database:
        change_kiosk(database, troubled.id, OWNED, actor="command")
        order_kiosk(database, troubled.id, "test_print", actor="command")
    for order in troubled.orders()["commands"]:
        troubled.answer(order["id"], state="failed", reason="paper_end")
    board = Picture(
        name="fleet", path="/staff/fleet", account="it", size=DESK_LONG, ready="#state table"
    )
    page = f"/staff/fleet/{troubled.id}"
    return [
        board,
        board.in_english(),
        replace(board, name="fleet-desk", account="letan", size=DESK),
        replace(board, name="kiosk-page", path=page, size=DESK_FULL, ready=".charts svg"),
        replace(board, name="kiosk-ticket", path=f"{page}/ticket", ready=".fault-ticket"),
        replace(board, name="kiosk-new", path="/staff/fleet/new", size=DESK, ready="form.stack"),
        replace(
            board,
            name="kiosk-code",
            path=page,
            size=DESK,
            ready="form[action$=replace]",
            prepare=lambda page: page.locator("form[action$=replace] button").click(),
        ),
    ]


def _bring_trouble(hall: Hall) -> Callable[[Page], None]:
    def prepare(page: Page) -> None:
        with open_records(hall.server.database_url) as database:
            bring_trouble(database)
        page.reload()
        page.wait_for_selector(".alert")

    return prepare


def _settings() -> list[Picture]:
    start = Picture(
        name="settings",
        path="/staff/settings",
        account="it",
        size=DESK_LONG,
        ready=".settings .cards",
    )
    form = replace(start, path="/staff/settings/numbers", size=DESK, ready="main.settings")
    return [
        start,
        replace(
            form,
            name="settings-priority",
            path="/staff/settings/priority",
            prepare=lambda page: page.locator("summary").nth(1).click(),
        ),
        replace(form, name="settings-group", path="/staff/settings/calling"),
        replace(form, name="settings-fault", prepare=_change_letter("1")),
        replace(form, name="settings-preview", prepare=_change_letter("C")),
        replace(form, name="settings-done", path="/staff/settings/times", prepare=_keep_minutes),
        replace(form, name="settings-import", path="/staff/settings/import", prepare=_hand_in_file),
        replace(form, name="settings-versions", path="/staff/settings/versions"),
    ]


def _reports(hall: Hall) -> list[Picture]:
    """Two months behind us; the newest day that is over, and its month."""
    newest = bring_past(hall.server.database_url)
    month = Picture(
        name="report",
        path=f"/staff/reports/month/{newest.replace(day=1)}",
        account="chatluong",
        size=DESK_LONG,
        ready=".tiles",
    )
    return [
        month,
        month.in_english(),
        replace(month, name="report-rooms", prepare=lambda page: _scroll_to(page, "#room_hours")),
        replace(month, name="report-touch", prepare=lambda page: _scroll_to(page, "#touch")),
        replace(month, name="report-day", path=f"/staff/reports/day/{newest}"),
        replace(
            month,
            name="report-sign",
            path=f"/staff/reports/day/{newest}",
            size=DESK,
            prepare=_sign_report,
        ),
    ]


def _scroll_to(page: Page, selector: str) -> None:
    page.locator(selector).evaluate("each => each.scrollIntoView()")


def _sign_report(page: Page) -> None:
    page.locator("#sign button").click()
    page.wait_for_selector("#sign p")
    _scroll_to(page, "#sign")


def _phones(hall: Hall) -> list[Picture]:
    waiting = hall.take("Khám Ngoại tổng hợp")
    soon = [hall.take("Khám Răng Hàm Mặt") for _ in range(3)][-1]
    called = hall.take("Khám Y học cổ truyền")
    missed = hall.take("Khám Nội tiết")
    tests = hall.take("Khám Phục hồi chức năng")
    party = hall.staff("phong")
    RoomStaff(party, hall.find_room("301")).next()
    room = RoomStaff(party, hall.find_room("203"))
    while room.next()["current"][0]["number"] != missed["number"]:
        pass
    room.act("miss", reason="no_answer")
    room = RoomStaff(party, hall.find_room("302"))
    room.next()
    room.act("serve")
    room.send_on(hall.find_service("XN"), hall.find_service("XQ"))
    _pay(hall)
    states = {"waiting": waiting, "soon": soon, "called": called, "missed": missed, "tests": tests}
    first, *others = [
        Picture(name=f"phone-{name}", path=_address(visit), size=PHONE_TALL, ready=".ticket .big")
        for name, visit in states.items()
    ]
    sizes = {"phone-called": PHONE, "phone-tests": PHONE_LONG}
    return [
        first,
        replace(first, path=f"{first.path}?lang=en", lang="en"),
        *(replace(each, size=sizes.get(each.name, each.size)) for each in others),
    ]


def _pay(hall: Hall) -> None:
    """Somebody goes from the doctor to the cashier, and is called there."""
    hall.take("Khám Phục hồi chức năng")
    party = hall.staff("phong")
    room = RoomStaff(party, hall.find_room("302"))
    room.next()
    room.act("serve")
    room.send_on(hall.find_service("TC"))
    RoomStaff(hall.staff("thungan"), hall.find_room("T1")).next()


def _address(visit: dict[str, Any]) -> str:
    return f"/t/{visit['ticket']['qr'].rpartition('/')[2]}"


def _declare_priority(hall: Hall) -> str:
    number: str = hall.take(SERVICE, priority_group="disabled")["ticket"]["number"]
    return number


def _take_without_insurer(hall: Hall) -> str:
    """The visit of somebody whose card could not be looked up."""
    write_faults(hall.server.his_folder, Faults(coverage_code="101"))
    visit_id: str = hall.take(SERVICE)["id"]
    write_faults(hall.server.his_folder, Faults())
    return visit_id


def _ask_for_help(hall: Hall) -> None:
    """Somebody who gave up at the question about priority."""
    scan = hall.scan()
    services = hall.get(f"/services?scan_id={scan['scan_id']}")["items"]
    service = next(each for each in services if each["name"]["vi"] == SERVICE)
    chosen = {"visit_kind": "new", "service_id": service["id"], "priority_group": "disabled"}
    call = {"kind": "help", "screen": "priority", "scan_id": scan["scan_id"], "chosen": chosen}
    hall.post("/help-calls", call)


def _enrol_print_agent(hall: Hall) -> Party:
    enrolled = Party(hall.address).post(
        "/kiosks/enrol", {"code": "DEMO-AGENT", "name": "Máy in quầy 1"}
    )
    return Party(hall.address, enrolled["token"])


def _add_display(hall: Hall, name: str, kind: DisplayKind, codes: tuple[str, ...]) -> str:
    """The key of a new display."""
    rooms = tuple(hall.find_room(code) for code in codes)
    wish = DisplayWish(name=name, kind=kind, room_ids=rooms)
    with open_records(hall.server.database_url) as database:
        catalogue = CatalogueSource(database).get()
        return add_display(database, catalogue, wish, actor="command").key


# --- money ---------------------------------------------------------------------------------------


def _money(hall: Hall) -> list[Picture]:
    """Pages of the cashier and the finance office. The first one brings the money."""
    story: list[Story] = []

    def bring(page: Page) -> None:
        story.append(bring_money(hall.server.database_url))
        page.reload()

    def open_one(address: str) -> Callable[[Page], None]:
        def go(page: Page) -> None:
            if not story:
                bring(page)
            page.goto(address.format(**vars(story[0])))

        return go

    cash = Picture(
        name="payments", path="/staff/payments", account="thungan", size=DESK_TALL, ready=".tabs"
    )
    office = replace(cash, account="ketoan")

    def reconcile(page: Page) -> None:
        open_one("/staff/payments/reconcile")(page)
        page.select_option("[name=provider]", "bidv")
        file: FilePayload = {
            "name": "sao-ke.csv",
            "mimeType": "text/csv",
            "buffer": story[0].statement,
        }
        page.set_input_files("[name=file]", file)
        page.locator("form[enctype] button").click()
        page.wait_for_selector(".facts.three")

    return [
        replace(cash, prepare=bring),
        replace(cash, prepare=open_one("/staff/payments")).in_english(),
        replace(cash, name="payments-list", prepare=open_one("/staff/payments/list")),
        replace(cash, name="payment", prepare=open_one("/staff/payments/{payment_id}")),
        replace(cash, name="held-money", prepare=open_one("/staff/payments/held")),
        replace(
            cash,
            name="held-item",
            size=DESK_LONG,
            prepare=open_one("/staff/payments/held/{unknown_id}"),
        ),
        replace(office, name="refunds", prepare=open_one("/staff/payments/refunds")),
        replace(cash, name="refund-by-hand", prepare=open_one("/staff/payments/refunds")),
        replace(cash, name="shift", prepare=open_one("/staff/payments/shifts/{shift_id}")),
        replace(office, name="money-days", size=DESK, prepare=open_one("/staff/payments/days")),
        replace(office, name="reconciliation", prepare=reconcile),
        replace(office, name="reconcile", prepare=open_one("/staff/payments/reconcile")),
        replace(
            office,
            name="money-day",
            size=DESK_LONG,
            prepare=open_one("/staff/payments/days/{yesterday}"),
        ),
    ]


# --- messages to the HIS ---------------------------------------------------------------------------


def _hand_in_checkins(hall: Hall) -> Callable[[Page], None]:
    """Check-in tables leave from here: one breaks a rule, one was refused, some arrived."""
    wrong = [{"rule": "CI-01", "field": "MA_DOITUONG_KCB", "severity": "error"}]
    rows: list[dict[str, Any]] = [
        {"state": "invalid", "findings": wrong},
        {"state": "refused", "result_code": "202"},
        *({"state": "received", "result_code": "200", "transaction_id": f"GD-{n}"} for n in "1234"),
        {"state": "accepted", "result_code": "200", "transaction_id": "GD-5", "judged_by": "letan"},
    ]

    def hand_in(page: Page) -> None:
        change = tables.CheckinDocument
        with open_records(hall.server.database_url) as database:
            change_setting(database, "checkin_sender", "tiepdon")
            with database.write() as unit:
                visits = unit.connection.scalars(
                    select(tables.Visit.id)
                    .where(tables.Visit.use_insurance.is_(True))
                    .order_by(tables.Visit.id.desc())
                    .limit(len(rows))
                ).all()
                for visit_id, row in zip(visits, rows, strict=False):
                    sent = unit.now - timedelta(minutes=4) if "result_code" in row else None
                    values = {"standard": "qd1931", "findings": [], **row}
                    unit.add(
                        change, id=new_id(), visit_id=visit_id, position=0,
                        created_at=unit.now - timedelta(minutes=5),
                        due_at=unit.now, sent_at=sent, received_at=sent,
                        judged_at=unit.now if "judged_by" in row else None, **values,
                    )  # fmt: skip
        page.wait_for_timeout(REST_OF_SETTINGS_MS)
        page.reload()

    return hand_in


def _take_his_away(hall: Hall) -> Callable[[Page], None]:
    """It fell silent seven minutes ago; three messages need somebody, some wait."""
    errors = ("multiple-matches", "unknown-outcome", "no-merge")

    def take_away(page: Page) -> None:
        write_faults(hall.server.his_folder, Faults(down=True))
        message, party = tables.OutboxMessage, tables.PartyState
        with open_records(hall.server.database_url) as database, database.write() as unit:
            sent = select(message.id).where(message.state == "done").order_by(message.id.desc())
            ids = unit.connection.scalars(sent.limit(8)).all()
            open_again = update(message).where(message.id.in_(ids))
            unit.connection.execute(open_again.values(state="new", settled_at=None))
            for message_id, error in zip(ids, errors, strict=False):
                changed = {"state": "dead", "last_error": error, "attempts": 3}
                if error == "no-merge":
                    changed["kind"] = "his.merge_patients"
                unit.connection.execute(
                    update(message).where(message.id == message_id).values(changed)
                )
            since = unit.now - timedelta(minutes=7)
            unit.connection.execute(
                update(party)
                .where(party.call_group == "write")
                .values(breaker="open", opened_at=since, last_error="transient")
            )
        page.wait_for_selector("#state .wrong")

    return take_away


# --- boards ----------------------------------------------------------------------------------------


def _cut_line_of_display(page: Page) -> None:
    page.context.set_offline(True)
    page.wait_for_selector(".lost:visible", timeout=TAIL_MS)


# --- a room ----------------------------------------------------------------------------------------


def _ask_why_missed(page: Page) -> None:
    page.keyboard.press("F4")
    page.wait_for_selector("dialog[open] .choice")


def _ask_for_tests(page: Page) -> None:
    page.click("#act-tests")
    for kind in ("laboratory", "imaging"):
        page.locator(f"dialog [data-kind={kind}]").first.click()
    page.wait_for_selector("dialog[open] .chosen-name")


def _ask_how_long(page: Page) -> None:
    page.click("#act-pause")
    page.wait_for_selector("dialog[open] .spans")


def _ask_for_keys(page: Page) -> None:
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open] .keys")


def _cut_line_of_room(page: Page) -> None:
    page.context.set_offline(True)
    page.wait_for_selector("#lost:visible", timeout=TAIL_MS)
    page.keyboard.press("F2")
    page.wait_for_timeout(500)


# --- the desk --------------------------------------------------------------------------------------


def _open_matters(page: Page) -> None:
    page.click("[data-tab=open]")
    page.wait_for_selector(".desk-filters")


def _open_room_of_the_day(page: Page) -> None:
    page.click("[data-tab=rooms]")
    page.locator("#list .desk-row", has_text=re.compile(r"[1-9]\d* người chờ")).first.click()
    page.wait_for_selector("#room-why")


def _open_visit(number: str, agent: Party) -> Callable[[Page], None]:
    def open_visit(page: Page) -> None:
        agent.post("/kiosks/heartbeat")
        page.fill("#search-text", number)
        page.press("#search-text", "Enter")
        page.wait_for_selector("#detail .question")
        page.wait_for_selector("#print-agent option:not([disabled])", state="attached")

    return open_visit


def _describe(page: Page) -> None:
    page.click("#register")
    page.get_by_role("button", name="Không có giấy tờ").click()
    page.check("#notice")
    page.fill("#full-name", "Nguyễn Thị Bưởi")
    page.fill("#born", "1958")
    page.get_by_label("Nữ").check()


def _take_number(page: Page) -> None:
    _describe(page)
    page.get_by_role("button", name="Tiếp tục").click()
    page.fill("#service-filter", "tim mach")
    page.locator(".services .desk-row").first.click()
    page.get_by_role("button", name="Lấy số", exact=True).click()
    page.wait_for_selector("#detail .big-number")


def _search(page: Page) -> None:
    page.fill("#search-text", "thi buoi")
    page.press("#search-text", "Enter")
    page.wait_for_selector("#detail .person")


def _go_on(page: Page) -> None:
    page.get_by_role("button", name="Làm tiếp tại đây").last.click()
    page.wait_for_selector("#detail .hint")


# --- the head --------------------------------------------------------------------------------------


def _ask_to_move(page: Page) -> None:
    page.locator("#rooms [data-do=move]:visible").first.click()
    page.wait_for_selector("#move[open]")


def _ask_for_state(page: Page) -> None:
    page.locator("#rooms [data-do=change]:visible").first.click()
    page.wait_for_selector("#state[open]")


def _move_and_read_log(page: Page) -> None:
    _ask_to_move(page)
    page.click("#move-do")
    page.wait_for_selector("#undo:visible")
    page.locator("#log li").first.scroll_into_view_if_needed()


# --- notices ---------------------------------------------------------------------------------------


def _change_announcement(page: Page) -> None:
    _announce(page)
    page.locator(".acts a.button").first.click()
    page.wait_for_selector("#form a[href='/staff/announcements']")


def _announce(page: Page) -> None:
    if page.locator("article.row").count():
        return
    for hour, text in (
        ("7h30, 13h", "Mời chuẩn bị sẵn căn cước và thẻ bảo hiểm y tế."),
        ("16h", "Nhà thuốc đóng cửa lúc 16 giờ 30. Mời nhận thuốc trước giờ ấy."),
    ):
        page.fill("[name=text_vi]", text)
        page.fill("[name=times]", hour)
        page.press("[name=times]", "Enter")
        page.wait_for_selector(f".row .text:has-text('{text[:12]}')")


# --- the trail -------------------------------------------------------------------------------------


def _check_chain(page: Page) -> None:
    page.locator("form[action='/staff/audit/check'] button").click()
    page.wait_for_selector(".chain .tag.good", timeout=TAIL_MS)


def _open_incident(page: Page) -> None:
    page.select_option("[name=kind]", "lost_machine")
    page.fill("[name=about]", "Sáng nay không thấy máy ở sảnh B. Dây mạng còn, máy đã bị tháo.")
    page.locator("form.stack button").click()
    page.wait_for_selector(".duty")


def _take_request(page: Page) -> None:
    page.fill("[name=name]", "Trần Thị Thử")
    page.fill("[name=reach]", "0900 000 000")
    page.fill("[name=about]", "Muốn xem những lần đã đăng ký khám trong tháng 11.")
    page.locator("form.stack button").click()
    page.wait_for_selector("[name=outcome]")


def _find_reads(page: Page) -> None:
    page.select_option("[name=event]", "group:reads")
    page.locator("form[role=search] button").click()
    page.wait_for_selector(".trail-table tbody tr")
    page.locator("#found").scroll_into_view_if_needed()


# --- displays --------------------------------------------------------------------------------------


def _make_display(page: Page) -> None:
    page.fill("[name=name]", "Sảnh tầng 3")
    for code in ("201", "202", "204", "205"):
        page.locator("label.choice", has_text=code).first.locator("input").check()
    page.locator("form.fields button").click()
    page.wait_for_selector("img.qr")


# --- settings --------------------------------------------------------------------------------------


def _change_letter(letter: str) -> Callable[[Page], None]:
    def change(page: Page) -> None:
        page.get_by_label("Hàng thường").fill(letter)
        page.get_by_role("button", name="Xem trước").click()

    return change


def _keep_minutes(page: Page) -> None:
    page.get_by_label("Có hẹn, được đến muộn").fill("20")
    page.get_by_role("button", name="Xem trước").click()
    page.get_by_role("button", name="Áp dụng").click()
    page.wait_for_selector(".done-now")


def _hand_in_file(page: Page) -> None:
    """With a room that is not there: refused whole, its row named."""
    text = page.evaluate("fetch('/staff/settings/settings.json').then((reply) => reply.text())")
    document = json.loads(text)
    document["displays"]["Sảnh tầng 1"]["rooms"][1] = "999"
    content = json.dumps(document).encode()
    file: FilePayload = {"name": "cau-hinh.json", "mimeType": "application/json", "buffer": content}
    page.set_input_files("[name=file]", file)
    page.get_by_role("button", name="Kiểm tra và xem trước").click()
    page.wait_for_selector("table.changes")
