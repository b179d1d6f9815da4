"""What can be chosen now."""

from __future__ import annotations

from datetime import date

from flask import Response

from backend.domain.catalogue import Room
from backend.errors import CatalogueUnavailable, ValidationFailed
from backend.services.offer_services import (
    MAX_ITEMS,
    OfferedDoctor,
    OfferedRoom,
    OfferedService,
    offer_doctors,
    offer_services,
    offer_slots,
)
from backend.web import catalogue_schemas as schemas
from backend.web.api import allow, api_blueprint, caller, json_reply, resources
from backend.web.kiosks import label

blueprint = api_blueprint("catalogue", "Services, doctors and hours that can be chosen now.")


@blueprint.get("/services", responses={200: schemas.ServiceList})
@allow("kiosk", "staff")
def services(query: schemas.ServiceQuery) -> Response:
    """Services with their rooms, who waits, and whether they take people now

    With a `scan_id` services that are not for the sex or age of that person say so.
    """
    offered = offer_services(
        resources(), caller=caller(), scan_id=query.scan_id, visit_kind=query.visit_kind
    )
    as_of = resources().catalogue.get().as_of
    if as_of is None:
        raise CatalogueUnavailable
    reply = schemas.ServiceList(
        items=[_service(each) for each in offered],
        complete=len(offered) < MAX_ITEMS,
        as_of=as_of,
    )
    return json_reply(reply)


@blueprint.get("/doctors", responses={200: schemas.DoctorList})
@allow("kiosk", "staff")
def doctors(query: schemas.DoctorQuery) -> Response:
    """Doctors of one service or of all, those with the fewest waiting first"""
    offered = offer_doctors(resources(), service_id=query.service_id)
    reply = schemas.DoctorList(
        items=[_doctor(each) for each in offered], complete=len(offered) < MAX_ITEMS
    )
    return json_reply(reply)


@blueprint.get("/slots", responses={200: schemas.SlotList})
@allow("kiosk", "staff")
def slots(query: schemas.SlotQuery) -> Response:
    """Hours with free places, of one service or of all, today unless another day is asked for"""
    try:
        day = date.fromisoformat(query.day) if query.day else None
    except ValueError as error:
        raise ValidationFailed("There is no such day") from error
    offered = offer_slots(
        resources(), service_id=query.service_id, practitioner_id=query.doctor_id, day=day
    )
    reply = schemas.SlotList(
        items=[
            schemas.SlotReply(
                id=each.id,
                start=each.start,
                end=each.end,
                free=each.free,
                service_id=each.service_id,
                room_id=each.room_id,
                doctor_id=each.practitioner_id,
            )
            for each in offered
        ],
        complete=len(offered) < MAX_ITEMS,
    )
    return json_reply(reply)


def _service(offered: OfferedService) -> schemas.ServiceReply:
    service = offered.service
    department = resources().catalogue.get().departments[service.department_id]
    return schemas.ServiceReply(
        id=service.id,
        code=service.code,
        name=label(service.name),
        department=schemas.DepartmentReply(id=department.id, name=label(department.name)),
        kind=service.kind,
        price_vnd=service.price_vnd,
        insurance_price_vnd=service.insurance_price_vnd,
        pooled=service.pooled,
        by_doctor=service.by_doctor,
        by_hour=service.by_hour,
        availability=schemas.Availability(offered.availability.value),
        next_open=offered.next_open,
        waiting=offered.waiting,
        wait_min=offered.wait_min,
        rooms=[_room(each) for each in offered.rooms],
    )


def _room(offered: OfferedRoom) -> schemas.RoomReply:
    room: Room = offered.room
    return schemas.RoomReply(
        id=room.id,
        code=room.code,
        name=label(room.name),
        floor=room.floor,
        landmark=label(room.landmark),
        open=offered.is_open,
        waiting=offered.waiting,
    )


def _doctor(offered: OfferedDoctor) -> schemas.DoctorReply:
    return schemas.DoctorReply(
        id=offered.practitioner.id,
        name=offered.practitioner.name,
        title=offered.practitioner.title,
        service_id=offered.service.id,
        room=_room(offered.room) if offered.room else None,
        availability=schemas.Availability(offered.availability.value),
        waiting=offered.waiting,
    )
