"""C13-C17: hours that can be booked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from functools import partial

from his_adapter.conformance.case import case, expect
from his_adapter.conformance.dispatcher import Dispatcher, Job
from his_adapter.conformance.lab import RACERS, ZONE, Lab, race
from his_adapter.conformance.proxy import Fault, FaultKind, calm, nth
from his_adapter.models import (
    Appointment,
    AppointmentAction,
    AppointmentStatus,
    Feature,
    Patient,
    Ref,
    Slot,
    WriteKey,
)
from his_adapter.ports import HisGateway

_BOOKING = (Feature.CREATE_PATIENT, Feature.FIND_SLOTS, Feature.BOOK_APPOINTMENT)
_LIVE = frozenset({AppointmentStatus.BOOKED, AppointmentStatus.ARRIVED})
_MOST_EXCHANGES = 12


@case(
    "C13", "Tìm khung giờ: đúng biên 00:00 và 23:59, đúng múi giờ, không có giờ đã qua hay đã kín"
)
def slot_borders(lab: Lab) -> None:
    """Slot search borders: 00:00, 23:59, Z vs +07:00, past slots absent, busy absent"""
    lab.needs(Feature.FIND_SLOTS)
    slots = lab.slots(at_least=2)
    first = slots[0]
    starts = [slot.start for slot in slots]
    expect(starts == sorted(starts), "Khung giờ không theo thứ tự.", "slots are not in order")
    second = timedelta(seconds=1)
    expect(
        first.ref in _refs(lab, first.start, first.start + second),
        "Khung giờ bắt đầu đúng giờ tìm mà không có.",
        "a slot that begins with the search is absent",
    )
    expect(
        first.ref not in _refs(lab, first.start - timedelta(hours=1), first.start)
        and first.ref not in _refs(lab, first.start + second, first.start + timedelta(hours=1)),
        "Tìm ngoài giờ mà vẫn ra khung giờ đó: HIS bỏ qua điều kiện ngày giờ.",
        "a search that does not hold the slot's start gives it: date filters are ignored",
    )
    day = slots[-1].start.astimezone(ZONE).date()
    midnight = datetime.combine(day, time(0, 0), ZONE)
    last_minute = datetime.combine(day, time(23, 59), ZONE)
    local = _refs(lab, midnight, last_minute)
    expect(
        local == _refs(lab, midnight.astimezone(UTC), last_minute.astimezone(UTC)),
        "Cùng một khoảng giờ viết theo Z và +07:00 ra hai kết quả.",
        "the same hours in Z and +07:00 give two answers",
    )
    wanted = {slot.ref for slot in slots if midnight <= slot.start < last_minute}
    expect(
        wanted <= set(local),
        "Tìm trọn một ngày mà thiếu khung giờ.",
        "a whole day lacks some of its slots",
    )
    now = datetime.now(UTC)
    past = lab.gateway.find_slots(
        lab.hourly(), None, now - timedelta(days=2), now + timedelta(days=1), limit=lab.limit()
    ).items
    expect(
        all(slot.start >= now - timedelta(seconds=5) for slot in past),
        "Danh sách có khung giờ đã qua.",
        "slots of the past are offered",
    )
    if lab.can(*_BOOKING):
        _busy_is_absent(lab, slots)


def _busy_is_absent(lab: Lab, slots: Sequence[Slot]) -> None:
    slot = min(slots, key=lambda item: item.free)
    for _ in range(slot.free):
        lab.book(lab.register(), slot)
    expect(
        slot.ref not in _refs(lab, slot.start, slot.start + timedelta(minutes=1)),
        "Khung giờ đã kín vẫn được đưa ra.",
        "a full slot is still offered",
    )


def _refs(lab: Lab, start: datetime, end: datetime) -> list[Ref]:
    page = lab.gateway.find_slots(lab.hourly(), None, start, end, limit=lab.limit())
    return [slot.ref for slot in page.items]


@case("C14", "20 người giành một chỗ: chỉ một người được, người khác biết là hết chỗ")
def one_wins(lab: Lab) -> None:
    """20 racers for one slot (or last place of a window) → exactly one wins, losers get SlotTaken,
    no orphan appointment
    """
    lab.needs(*_BOOKING, Feature.FIND_APPOINTMENTS)
    slot = min(lab.slots(), key=lambda item: item.free)
    for _ in range(slot.free - 1):
        lab.book(lab.register(), slot)
    people = [lab.register() for _ in range(RACERS)]
    result = race(lambda racer: lab.book(people[racer], slot))
    holders = [person for person in people if _bookings(lab, person, slot)]
    expect(
        len(result.won) == 1,
        f"{RACERS} người giành một chỗ mà {len(result.won)} người được báo là đặt được.",
        f"{len(result.won)} of {RACERS} racers won one place",
    )
    expect(
        set(result.outcomes) <= {"ok", "slot-taken"},
        "Người thua không được báo là hết chỗ.",
        f"losers were told {sorted(set(result.outcomes) - {'ok'})}, not SlotTaken",
    )
    expect(
        [person.ref for person in holders] == [people[racer].ref for racer in result.won],
        "Người không đặt được vẫn có lịch hẹn trong HIS.",
        "losers left orphan appointments behind",
    )


@case("C15", "Đặt lịch bị đứt giữa chừng: sau khi đối chiếu không còn lịch hẹn mồ côi")
def broken_booking(lab: Lab) -> None:
    """Booking fails half-way (fault after first write) → no orphan after reconcile"""
    lab.needs(*_BOOKING, Feature.FIND_APPOINTMENTS, Feature.FIND_BY_KEY)
    slot = max(lab.slots(), key=lambda item: item.free)
    with lab.through_proxy() as (gateway, proxy):
        proxy.play(calm)
        clean = lab.register()
        lab.take_back_booking(
            gateway.book_appointment(clean.ref, slot.ref, slot.service, key=lab.key())
        )
        steps = min(len(proxy.exchanges), _MOST_EXCHANGES)
        lab.tidy()
        for step in range(1, steps + 1):
            patient = lab.register()
            proxy.play(nth(step, Fault(kind=FaultKind.RESET_AFTER)))
            before = _free(lab, slot)
            job = Job(
                key=lab.key(),
                send=partial(_send_booking, patient, slot),
            )
            dispatcher = Dispatcher(gateway, pace=lab.pace, give_up_after_s=60)
            booked = dispatcher.deliver(job)
            if isinstance(booked, Appointment):
                lab.take_back_booking(booked)
            held, free = _bookings(lab, patient, slot), _free(lab, slot)
            lab.tidy()
            expect(
                len(held) == 1 and before - free == 1,
                f"Đứt ở bước {step}/{steps}: có {len(held)} lịch hẹn và mất {before - free} chỗ.",
                f"cut after exchange {step} of {steps}: {len(held)} appointments,"
                f" {before - free} places gone",
            )


@case("C16", "Huỷ lịch trả lại chỗ; huỷ hai lần không sao")
def cancelling(lab: Lab) -> None:
    """Cancel frees the place; cancel twice is harmless"""
    lab.needs(*_BOOKING, Feature.CHANGE_APPOINTMENT)
    slot = lab.slots()[0]
    booked = lab.book(lab.register(), slot)
    taken = _free(lab, slot)
    for _ in range(2):
        gone = lab.gateway.change_appointment(
            booked.ref, AppointmentAction.CANCEL, version=booked.version, key=lab.key()
        )
        expect(
            gone.status is AppointmentStatus.CANCELLED,
            "Huỷ rồi mà lịch hẹn chưa ở trạng thái huỷ.",
            f"a cancelled appointment is {gone.status}",
        )
    expect(
        (taken, _free(lab, slot)) == (slot.free - 1, slot.free),
        "Huỷ lịch mà chỗ không được trả lại đúng.",
        f"places: {slot.free} before, {taken} booked, {_free(lab, slot)} cancelled",
    )


@case("C17", "Đổi giờ giữ hoặc nối với lịch hẹn cũ")
def rescheduling(lab: Lab) -> None:
    """Reschedule keeps or links the old appointment"""
    lab.needs(*_BOOKING, Feature.CHANGE_APPOINTMENT, Feature.FIND_APPOINTMENTS)
    slots = lab.slots(at_least=2)
    old, new = slots[0], slots[-1]
    patient = lab.register()
    booked = lab.book(patient, old)
    moved = lab.gateway.change_appointment(
        booked.ref,
        AppointmentAction.RESCHEDULE,
        version=booked.version,
        key=lab.key(),
        new_slot=new.ref,
    )
    lab.take_back_booking(moved)
    live = {item.ref for slot in (old, new) for item in _bookings(lab, patient, slot)}
    expect(
        moved.start == new.start and live == {moved.ref},
        "Đổi giờ xong người bệnh không có đúng một lịch hẹn.",
        f"after a reschedule the patient has {len(live)} live appointments",
    )
    expect(
        (_free(lab, old), _free(lab, new)) == (old.free, new.free - 1),
        "Đổi giờ mà chỗ cũ không được trả hoặc chỗ mới không bị trừ.",
        "a reschedule does not move the place",
    )


def _send_booking(patient: Patient, slot: Slot, his: HisGateway, key: WriteKey) -> Appointment:
    return his.book_appointment(patient.ref, slot.ref, slot.service, key=key)


def _bookings(lab: Lab, patient: Patient, slot: Slot) -> tuple[Appointment, ...]:
    minute = timedelta(minutes=1)
    return lab.gateway.find_appointments(
        patient.ref, slot.start - minute, slot.start + minute, statuses=_LIVE
    ).items


def _free(lab: Lab, slot: Slot) -> int:
    page = lab.gateway.find_slots(
        slot.service, None, slot.start, slot.start + timedelta(seconds=1), limit=lab.limit()
    )
    return next((item.free for item in page.items if item.ref == slot.ref), 0)
