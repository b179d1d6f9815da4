"""The page of a ticket on the phone of who holds it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tiepdon.demo.hall import Hall, RoomStaff
from tiepdon.demo.pictures.picture import PHONE, PHONE_LONG, PHONE_TALL, Picture


def list_pictures(hall: Hall) -> list[Picture]:
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
