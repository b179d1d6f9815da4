"""Settings on pages: checked, shown, applied, taken back; a file the same way."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from backend.domain.roles import StaffRole
from backend.domain.settings_guide import GROUPS
from backend.services.change_settings import change_setting, read_settings
from backend.services.hash_password import hash_password
from backend.services.import_settings import export_settings
from backend.services.manage_users import insert_user
from backend.services.resources import Resources
from backend.services.staff_sessions import DEMO_ID
from backend.storage.audit_tables import AuditEvent
from tests.factories.accounts import PASSWORD, Accounts, sign_in
from tests.factories.hospital import Hospital

BASE = "/staff/settings"


class Form:
    """What a browser would send of the form a page holds, with changes typed into it."""

    def __init__(self, page: str) -> None:
        self.fields: list[tuple[str, str]] = []
        for tag in re.findall(r"<input[^>]*>", page):
            name, value = _attribute(tag, "name"), _attribute(tag, "value")
            kind = _attribute(tag, "type")
            if name is None or kind == "file" or (kind == "checkbox" and " checked" not in tag):
                continue
            self.fields.append((name, value if value is not None else "on"))
        for name, options in re.findall(
            r'<select name="([^"]+)".*?>(.*?)</select>', page, re.DOTALL
        ):
            chosen = re.search(r'<option value="([^"]*)" selected', options)
            self.fields.append((name, chosen[1] if chosen else ""))

    def type(self, **typed: str) -> Form:
        for name, value in typed.items():
            self.set(name, value)
        return self

    def set(self, name: str, value: str) -> Form:
        self.fields = [pair for pair in self.fields if pair[0] != name] + [(name, value)]
        return self

    def get(self, name: str) -> str:
        return dict(self.fields)[name]

    def send(self, browser: FlaskClient, path: str) -> TestResponse:
        data: dict[str, Any] = dict(self.fields)
        return browser.post(path, data=data)


def _attribute(tag: str, name: str) -> str | None:
    found = re.search(rf'\s{name}="([^"]*)"', tag)
    return html.unescape(found[1]) if found else None


@pytest.fixture
def it(browser: FlaskClient, accounts: Accounts) -> FlaskClient:
    """A browser of the IT desk, in a demo: without a second factor."""
    with accounts.database.write() as unit:
        insert_user(
            unit,
            f"{DEMO_ID}it",
            name="it",
            display_name="Đỗ Văn Máy",
            roles=[StaffRole.IT],
            password_hash=hash_password(PASSWORD),
            one_time=False,
        )
    sign_in(browser, "it")
    return browser


def open_form(browser: FlaskClient, group: str) -> Form:
    page = browser.get(f"{BASE}/{group}")
    assert page.status_code == 200
    return Form(page.text)


def apply(browser: FlaskClient, group: str, form: Form) -> TestResponse:
    shown = form.send(browser, f"{BASE}/{group}/preview")
    assert shown.status_code == 200, shown.text
    return Form(shown.text).send(browser, f"{BASE}/{group}")


def audited(resources: Resources, event: str) -> list[Any]:
    with resources.database.read() as connection:
        rows = connection.execute(
            select(AuditEvent.actor, AuditEvent.detail)
            .where(AuditEvent.event == event)
            .order_by(AuditEvent.id)
        ).all()
    return [(row.actor, row.detail) for row in rows]


@pytest.mark.parametrize("group", [group.key for group in GROUPS])
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_form_sent_back_as_it_stands_changes_nothing(
    it: FlaskClient, resources: Resources, group: str, lang: str
) -> None:
    it.set_cookie("lang", lang)
    before = export_settings(resources.database)
    shown = open_form(it, group).send(it, f"{BASE}/{group}/preview")
    assert shown.status_code == 200, shown.text
    assert ("Không có gì khác" if lang == "vi" else "Nothing differs") in shown.text
    assert export_settings(resources.database) == before


def test_a_change_is_shown_applied_and_taken_back(
    it: FlaskClient, resources: Resources, hospital: Hospital
) -> None:
    database = resources.database
    hospital.add_kiosk("Sảnh")
    form = open_form(it, "times").set("settings.late_min", "20")
    shown = form.send(it, f"{BASE}/times/preview")
    assert "15 phút" in shown.text
    assert "20 phút" in shown.text
    assert "Ngay lúc này: 0 người đang chờ, 0 số đã phát hôm nay, 1 ki-ốt đang dùng" in shown.text
    assert read_settings(database)["late_min"] == 15
    reply = Form(shown.text).send(it, f"{BASE}/times")
    assert reply.location == f"{BASE}/times?done=1"
    assert read_settings(database)["late_min"] == 20
    actor, detail = audited(resources, "setting_changed")[0]
    assert actor == f"staff:{DEMO_ID}it"
    assert detail == {"version": 1, "name": "settings.late_min", "before": 15, "after": 20}
    done = it.get(reply.location)
    assert "Đã áp dụng 1 mục" in done.text
    undone = Form(done.text).send(it, f"{BASE}/versions/1/undo")
    assert undone.location == f"{BASE}/versions?done=2"
    assert read_settings(database)["late_min"] == 15
    listed = it.get(undone.location).text
    assert "Đỗ Văn Máy" in listed
    assert "Đã hoàn tác 1 mục" in listed


def test_every_fault_stands_at_its_field(it: FlaskClient, resources: Resources) -> None:
    form = open_form(it, "times")
    form.set("settings.late_min", "rất lâu").set("settings.early_min", "99999")
    reply = form.send(it, f"{BASE}/times/preview")
    assert reply.status_code == 422
    assert 'value="rất lâu"' in reply.text
    for name in ("late_min", "early_min"):
        fault = re.search(rf'id="fault-settings.{name}" role="alert">([^<]+)<', reply.text)
        assert fault is not None
        assert fault[1] == "Cần một số nguyên từ 0 đến 10000."
    assert read_settings(resources.database)["late_min"] == 15


def test_letters_of_lanes(it: FlaskClient, resources: Resources) -> None:
    form = open_form(it, "numbers").set("settings.letters:N", "c")
    reply = form.send(it, f"{BASE}/numbers/preview")
    assert reply.status_code == 422
    assert "Cần một đến ba chữ in hoa" in reply.text
    form.set("settings.letters:N", "C")
    shown = form.send(it, f"{BASE}/numbers/preview")
    assert "Hàng thường: C" in shown.text
    assert "Phiếu đã phát giữ nguyên số" in shown.text
    Form(shown.text).send(it, f"{BASE}/numbers")
    assert read_settings(resources.database)["letters"]["N"] == "C"


def test_sums_are_typed_as_people_write_them(it: FlaskClient, resources: Resources) -> None:
    form = open_form(it, "payments").set("settings.advance_min_vnd", "200.000")
    form.set("settings.advances_vnd:0", "").set("settings.advances_vnd:7", "3000000")
    assert apply(it, "payments", form).status_code == 303
    settings = read_settings(resources.database)
    assert settings["advance_min_vnd"] == 200_000
    assert settings["advances_vnd"] == (500_000, 1_000_000, 2_000_000, 3_000_000)


def test_what_does_not_fit_together(it: FlaskClient) -> None:
    form = open_form(it, "payments").set("settings.advance_min_vnd", "90000000")
    reply = form.send(it, f"{BASE}/payments/preview")
    assert reply.status_code == 422
    assert "Lớn hơn số tạm ứng nhiều nhất" in reply.text


def test_kinds_of_visit_are_rows(it: FlaskClient, resources: Resources) -> None:
    form = open_form(it, "visits")
    form.set("settings.visit_kinds:1:vi", "").set("settings.visit_kinds:1:en", "")
    form.set("settings.visit_kinds:6:code", "vaccine")
    form.set("settings.visit_kinds:6:vi", "Tiêm chủng").set("settings.visit_kinds:6:en", "Vaccine")
    assert apply(it, "visits", form).status_code == 303
    kinds = [kind["code"] for kind in read_settings(resources.database)["visit_kinds"]]
    assert kinds == ["new", "medicine", "health_check", "results", "unsure", "vaccine"]


def test_a_priority_group_is_added_and_ends(it: FlaskClient, resources: Resources) -> None:
    form = open_form(it, "priority").set("new:code", "nguoi_ngheo")
    form.set("new:label_vi", "Người thuộc hộ nghèo").set("new:label_en", "Low income")
    form.set("new:rank", "4").set("new:valid_from", "2026-12-01")
    refused = form.send(it, f"{BASE}/priority/preview")
    assert refused.status_code == 422  # without a legal basis
    assert "Cần một dòng từ 1 đến 200 chữ" in refused.text
    again = Form(refused.text)
    again.set("priority_groups.nguoi_ngheo.legal_basis", "Nghị quyết 12/2026/NQ-HĐND")
    assert apply(it, "priority", again).status_code == 303
    page = it.get(f"{BASE}/priority").text
    assert "Người thuộc hộ nghèo" in page
    assert "Chưa đến ngày" in page
    ended = Form(page).set("priority_groups.nguoi_ngheo.valid_to", "2026-11-01")
    reply = ended.send(it, f"{BASE}/priority/preview")
    assert reply.status_code == 422
    assert "Ngày kết thúc trước ngày bắt đầu" in reply.text


def test_a_priority_group_is_not_written_over(it: FlaskClient, resources: Resources) -> None:
    before = export_settings(resources.database)
    form = open_form(it, "priority").set("new:code", "pregnant").set("new:label_vi", "Khác")
    reply = form.send(it, f"{BASE}/priority/preview")
    assert reply.status_code == 422
    assert "Bị ghi hai lần" in reply.text
    assert export_settings(resources.database) == before


@pytest.mark.parametrize("step", ["preview", "apply"])
def test_the_second_of_two_is_told(it: FlaskClient, resources: Resources, step: str) -> None:
    form = open_form(it, "times").set("settings.late_min", "25")
    if step == "apply":
        form = Form(form.send(it, f"{BASE}/times/preview").text)
    change_setting(resources.database, "late_min", 45)
    reply = form.send(it, f"{BASE}/times{'/preview' if step == 'preview' else ''}")
    assert reply.status_code == 409
    assert "Người khác vừa đổi phần này" in reply.text
    assert "25 phút" in reply.text
    assert Form(reply.text).get("settings.late_min") == "45"
    assert read_settings(resources.database)["late_min"] == 45


def test_somebody_elses_change_elsewhere_does_not_matter(
    it: FlaskClient, resources: Resources
) -> None:
    form = open_form(it, "times").set("settings.late_min", "25")
    change_setting(resources.database, "keep_tickets_months", 36)
    assert apply(it, "times", form).status_code == 303
    assert read_settings(resources.database)["keep_tickets_months"] == 36


def test_undo_ends_where_something_newer_was_changed(it: FlaskClient, resources: Resources) -> None:
    apply(it, "times", open_form(it, "times").set("settings.late_min", "25"))
    apply(it, "times", open_form(it, "times").set("settings.early_min", "25"))
    form = Form(it.get(f"{BASE}/versions").text)
    for number in ("1", "77", "x"):
        reply = form.send(it, f"{BASE}/versions/{number}/undo")
        assert reply.status_code == 409, number
        assert "đã có thay đổi mới hơn" in reply.text
    change_setting(resources.database, "early_min", 5)
    assert form.send(it, f"{BASE}/versions/2/undo").status_code == 409
    assert read_settings(resources.database)["early_min"] == 5


def test_back_from_the_preview_everything_typed_is_there(it: FlaskClient) -> None:
    form = open_form(it, "times").set("settings.late_min", "25")
    shown = Form(form.send(it, f"{BASE}/times/preview").text)
    assert Form(shown.send(it, f"{BASE}/times/edit").text).get("settings.late_min") == "25"


# --- the file --------------------------------------------------------------------------------


def upload(browser: FlaskClient, text: str | bytes) -> TestResponse:
    """As bytes: the test client leaves the files open that it makes for large forms."""
    token = Form(browser.get(f"{BASE}/import").text).get("csrf_token")
    data = text if isinstance(text, bytes) else text.encode()
    part = b'--edge\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    body = part % (b"csrf_token", b"", token.encode())
    body += part % (b"file", b'; filename="cau-hinh.json"', data) + b"--edge--\r\n"
    return browser.post(
        f"{BASE}/import/preview", data=body, content_type="multipart/form-data; boundary=edge"
    )


def take(browser: FlaskClient, shown: TestResponse) -> TestResponse:
    return Form(shown.text).send(browser, f"{BASE}/import")


def test_a_file_goes_out_and_comes_back(it: FlaskClient, resources: Resources) -> None:
    reply = it.get(f"{BASE}/settings.json")
    assert reply.headers["Content-Disposition"].startswith('attachment; filename="cau-hinh-')
    document = json.loads(reply.text)
    assert "Tệp giống cấu hình hiện tại" in upload(it, reply.text).text
    document["settings"]["late_min"] = 40
    document["facility"]["hotline"] = "1900 9999"
    shown = upload(it, json.dumps(document))
    assert "40 phút" in shown.text
    assert read_settings(resources.database)["late_min"] == 15
    assert take(it, shown).location == f"{BASE}/versions?done=1"
    assert read_settings(resources.database)["late_min"] == 40
    actor, detail = audited(resources, "settings_imported")[0]
    assert actor == f"staff:{DEMO_ID}it"
    assert len(detail["changes"]) == 2
    Form(it.get(f"{BASE}/versions").text).send(it, f"{BASE}/versions/1/undo")
    assert read_settings(resources.database)["late_min"] == 15


def test_a_file_with_faults_is_refused_whole(it: FlaskClient, resources: Resources) -> None:
    document = json.loads(export_settings(resources.database))
    document["settings"]["late_min"] = "x"
    document["settings"]["early_min"] = 40
    reply = upload(it, json.dumps(document))
    assert reply.status_code == 422
    assert "Có hẹn, được đến muộn<br>" in reply.text
    assert "settings.late_min</code>" in reply.text
    assert "Cần một số nguyên" in reply.text
    assert read_settings(resources.database)["early_min"] == 30


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "Mời chọn một tệp"),
        (b"\xff\xfe\x00", "không phải chữ UTF-8"),
        (b"{", "không đúng dạng JSON"),
        (b'{"format": "other"}', "chỉ đọc tiepdon-settings/1"),
    ],
)
def test_what_is_no_file_of_settings(it: FlaskClient, data: bytes, words: str) -> None:
    reply = upload(it, data)
    assert reply.status_code == 422
    assert words in reply.text


def test_a_large_file_is_read(it: FlaskClient) -> None:
    reply = upload(it, json.dumps({"format": "x", "filler": "y" * 900_000}))
    assert reply.status_code == 422
    assert "chỉ đọc" in reply.text
    assert "quá lớn" in upload(it, "y" * 1_100_000).text


def test_what_was_previewed_is_what_is_done(it: FlaskClient, resources: Resources) -> None:
    document = json.loads(export_settings(resources.database))
    document["settings"]["late_min"] = 40
    shown = upload(it, json.dumps(document))
    change_setting(resources.database, "early_min", 7)
    reply = take(it, shown)
    assert reply.status_code == 409
    assert "Người khác vừa đổi cấu hình" in reply.text
    assert read_settings(resources.database)["late_min"] == 15


def test_an_unknown_page(it: FlaskClient) -> None:
    assert it.get(f"{BASE}/nothing").status_code == 404


@pytest.mark.parametrize(
    ("change", "words", "place"),
    [
        ({"settings": {"standing": {"points": 900}}}, "Điểm xếp cấp", "settings.standing.points"),
        ({"settings": {"calling": {"rate": 9}}}, "Lời gọi số: tốc độ", "settings.calling.rate"),
        ({"settings": {"nothing": 1}}, "settings.nothing", "settings.nothing"),
        ({"displays": {"Sảnh": {"zone": "A"}}}, "Màn hình “Sảnh”: khu", "zone"),
        ({"kiosks": {"k": {"name": "A"}}}, "Ki-ốt “k”: tên", "kiosks.k.name"),
        (
            {"priority_groups": {"pregnant": {"rank": -1}}},
            "Thứ bậc",
            "priority_groups.pregnant.rank",
        ),
        (
            {"priority_groups": {"pregnant": {"x": 1}}},
            "không có mục này",
            "priority_groups.pregnant.x",
        ),
        ({"rooms": {}}, "Không có phần tên này", "rooms"),
        ({"settings": []}, "Cần tên và giá trị", "settings"),
    ],
)
def test_the_place_of_a_fault_is_said_in_words(
    it: FlaskClient, change: dict[str, Any], words: str, place: str
) -> None:
    reply = upload(it, json.dumps({"format": "tiepdon-settings/1"} | change))
    assert reply.status_code == 422
    assert words in html.unescape(reply.text)
    assert f"{place}</code>" in html.unescape(reply.text)


def test_a_long_priority_table_still_fits(it: FlaskClient, resources: Resources) -> None:
    document = json.loads(export_settings(resources.database))
    group = document["priority_groups"]["pregnant"]
    for number in range(60):
        document["priority_groups"][f"nhom_{number}"] = group | {
            "label_vi": "Nhóm ưu tiên " * 10 + "x"
        }
    take(it, upload(it, json.dumps(document)))
    form = open_form(it, "priority").set("priority_groups.nhom_59.rank", "9")
    assert apply(it, "priority", form).status_code == 303
