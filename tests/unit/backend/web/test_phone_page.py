from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from backend.domain.ids import new_token
from backend.services.act_on_step import StepAct, StepReason
from backend.services.resources import Resources
from backend.storage.catalogue_tables import Room, Service
from tests.conftest import SettableClock
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital
from tests.factories.rooms import Console

SAME_SITE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def hospital(hospital: Hospital) -> Hospital:
    hospital.add_room("12")
    hospital.add_service("MAT", "12")
    hospital.add_room("XN1")
    hospital.add_service("XN", "XN1", kind="laboratory")
    return hospital


@pytest.fixture
def desk(resources: Resources, hospital: Hospital) -> Desk:
    return Desk(resources, hospital)


@pytest.fixture
def room(resources: Resources, hospital: Hospital) -> Console:
    return Console(resources, hospital, "12")


@pytest.fixture
def look(client: FlaskClient) -> Callable[..., str]:
    """The page of a visit, its white space folded."""

    def look(visit: Any, *, lang: str = "vi") -> str:
        return flat(client.get(f"{address(visit)}?lang={lang}").text)

    return look


def flat(page: str) -> str:
    return re.sub(r"\s+", " ", page)


def address(visit: Any) -> str:
    token = visit.ticket.qr.rpartition("/")[2]
    return f"/t/{token}"


def test_in_line_then_near_then_called_then_in(
    desk: Desk, room: Console, look: Callable[..., str], clock: SettableClock
) -> None:
    taken = []
    for _ in range(5):
        clock.advance(seconds=30)
        taken.append(desk.take("MAT"))
    mine = taken[-1]
    page = look(mine)
    assert f"<title>Còn 4 người · {mine.number}</title>" in page
    assert 'data-alert=""' in page
    room.next()
    page = look(mine)
    assert "Sắp đến lượt bạn. Mời đến gần Phòng khám 12." in page
    near = alert_of(page)
    assert near
    for _ in range(3):
        room.next()
    assert 'class="summons"' not in look(mine)
    room.next()
    page = look(mine)
    assert 'class="summons"' in page
    assert f"<title>Mời đến Phòng khám 12 · {mine.number}</title>" in page
    assert 'data-urgent data-live="/t/' in page
    called = alert_of(page)
    assert called not in {"", near}
    room.act(room.seen.current[0], StepAct.AGAIN)  # type: ignore[union-attr]
    assert alert_of(look(mine)) not in {"", called}
    room.act(room.seen.current[0], StepAct.SERVE)  # type: ignore[union-attr]
    page = look(mine)
    assert "Đang khám" in page
    assert alert_of(page) == ""
    assert "Your steps today" in look(mine, lang="en")


def test_the_whole_way_as_stations(
    desk: Desk, room: Console, look: Callable[..., str], resources: Resources, hospital: Hospital
) -> None:
    visit = desk.take("MAT")
    (step,) = room.next().current
    room.send_on(step, "XN")
    page = look(visit)
    assert stations(page) == [
        ("done", "Lấy số"),
        ("done", "Khám bệnh"),
        ("now", "Khám XN"),
        ("to_come", "Trở lại gặp bác sĩ"),
    ]
    laboratory = Console(resources, hospital, "XN1")
    laboratory.next()
    laboratory.act(laboratory.seen.current[0], StepAct.FINISH)  # type: ignore[union-attr]
    page = look(visit)
    assert "Chờ kết quả" in page
    assert "mời quét phiếu này tại máy bất kỳ" in page
    seen = room.change()
    room.act(seen.aside[0], StepAct.RESULTS)
    page = look(visit)
    assert "Đã đủ kết quả. Mời trở lại Phòng khám 12." in page
    assert alert_of(page)


def test_a_missed_turn_says_how_to_come_back(
    desk: Desk, room: Console, look: Callable[..., str], clock: SettableClock
) -> None:
    visit = desk.take("MAT")
    (step,) = room.next().current
    room.act(step, StepAct.MISS, StepReason.NO_ANSWER)
    page = look(visit)
    assert "Mời quét lại phiếu tại máy bất kỳ, hoặc đến quầy tiếp đón." in page
    assert "Số được xếp lại sau 3 người nữa." in page
    assert "Bạn còn 2 lần." in page
    clock.advance(minutes=61)
    page = look(visit)
    assert "Mời đến quầy tiếp đón. Nhân viên sẽ giúp bạn." in page
    assert "quét lại" not in page


def test_a_sensitive_clinic_is_a_number_on_a_door(
    desk: Desk, look: Callable[..., str], hospital: Hospital
) -> None:
    with hospital.database.write() as unit:
        unit.connection.execute(
            update(Service)
            .where(Service.code == "MAT")
            .values(sensitive=True, name_vi="Phòng khám da liễu", name_en="Skin clinic")
        )
        unit.connection.execute(
            update(Room)
            .where(Room.code == "12")
            .values(name_vi="Phòng da liễu", name_en="Skin clinic")
        )
    hospital.touch_catalogue()
    visit = desk.take("MAT")
    for lang in ("vi", "en"):
        page = look(visit, lang=lang).lower()
        assert "da liễu" not in page
        assert "skin" not in page
    assert "<b>Phòng 12</b>" in look(visit)


# --- out and back ---------------------------------------------------------------------------------


def test_out_and_back_by_plain_forms(
    client: FlaskClient, desk: Desk, room: Console, look: Callable[..., str]
) -> None:
    visit = desk.take("MAT")
    page = look(visit)
    (action,) = re.findall('action="([^"]+)"', page)
    assert "Tôi ra ngoài một lát" in page
    for _ in range(2):  # a double tap is one wish
        reply = client.post(action, headers=SAME_SITE)
        assert reply.status_code == 303
        assert reply.headers["Location"] == f"{address(visit)}?lang=vi"
    page = look(visit)
    assert "Bạn đang ra ngoài" in page
    assert "Người trước bạn" not in page
    (action,) = re.findall('action="([^"]+)"', page)
    assert "Tôi đã quay lại" in page
    assert client.post(action, headers=SAME_SITE).status_code == 303
    page = look(visit)
    assert "Còn 2 lần." in page
    room.next()
    reply = client.post(f"{address(visit)}/step-out", headers=SAME_SITE)
    assert reply.status_code == 409
    assert "Bây giờ bạn chưa thể ra ngoài" in reply.text
    assert 'class="summons"' in reply.text
    assert "Tôi ra ngoài một lát" not in reply.text


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({}, True),
        ({"Origin": "null"}, True),
        ({"Origin": "http://localhost"}, True),
        (SAME_SITE, True),
        ({"Origin": "https://elsewhere.example"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, False),
    ],
)
def test_forms_of_other_sites_are_refused(
    client: FlaskClient,
    desk: Desk,
    look: Callable[..., str],
    headers: dict[str, str],
    *,
    taken: bool,
) -> None:
    visit = desk.take("MAT")
    reply = client.post(f"{address(visit)}/step-out", headers=headers)
    assert reply.status_code == (303 if taken else 403)
    assert ("Bạn đang ra ngoài" in look(visit)) is taken


def test_nothing_answers_to_a_dead_or_unknown_token(
    client: FlaskClient, desk: Desk, clock: SettableClock
) -> None:
    visit = desk.take("MAT")
    assert client.get(f"{address(visit)}/live").status_code == 200
    assert client.post(f"{address(visit)}/vanish").status_code == 404
    clock.advance(days=1)
    for path in (address(visit), f"/t/{new_token()}", "/t/x"):
        assert client.post(f"{path}/step-out").status_code == 404
        assert client.post(f"{path}/step-in").status_code == 404
        assert client.get(f"{path}/live").status_code == 404


def test_the_stream_hears_of_this_visit_and_its_line_until_the_day_ends(
    client: FlaskClient,
    desk: Desk,
    hospital: Hospital,
    clock: SettableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[Any] = []

    def remember(topics: Any, *, is_allowed: Callable[[], bool]) -> Any:
        opened.append((topics, is_allowed))
        return "", 200

    monkeypatch.setattr("backend.web.phone_page.stream", remember)
    visit = desk.take("MAT")
    client.get(f"{address(visit)}/live")
    ((topics, is_allowed),) = opened
    assert topics == {visit.id, hospital.rooms["12"]}
    assert is_allowed()
    clock.advance(days=1)
    assert not is_allowed()


def alert_of(page: str) -> str:
    (alert,) = re.findall('data-alert="([^"]*)"', page)
    return str(alert)


def stations(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<li class="(\w+)"[^>]*> ?<b>([^<]+)</b>', page)
