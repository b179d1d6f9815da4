"""What a kiosk asks and tells about itself."""

from __future__ import annotations

from flask import Response, request

from backend.domain.notice import NOTICE_FULL, NOTICE_SHORT, NOTICE_VERSION
from backend.domain.settings import Words
from backend.services.enrol_kiosk import enrol_kiosk
from backend.services.limit_tries import ENROLMENTS_PER_ADDRESS, count_tries
from backend.services.record_device_event import record_device_event, record_heartbeat
from backend.web import schemas
from backend.web.api import allow, api_blueprint, caller, json_reply, public, resources
from his_adapter.models import Feature

enrolment = api_blueprint("enrolment", "A kiosk gets its credential.", bearer=False)
blueprint = api_blueprint("kiosks", "A kiosk and its devices.")


@enrolment.post("/kiosks/enrol", responses={201: schemas.EnrolReply})
@public
def enrol(body: schemas.EnrolRequest) -> Response:
    """Exchange a one-time code for a credential

    The credential is said once and kept by the kiosk alone. Unknown, used and expired codes are
    refused alike.
    """
    server = resources()
    address = server.keys.hash("address", request.remote_addr or "")
    count_tries(server.database, (ENROLMENTS_PER_ADDRESS, address))
    enrolled = enrol_kiosk(
        server.database, untrusted_code=body.code, name=body.name, demo=server.config.demo
    )
    reply = schemas.EnrolReply(token=enrolled.credential, kiosk_id=enrolled.kiosk_id)
    return json_reply(reply, 201)


@blueprint.get("/kiosk", responses={200: schemas.KioskSettings})
@allow("kiosk")
def settings() -> Response:
    """What this kiosk needs to greet people"""
    server = resources()
    catalogue = server.catalogue.get()
    now = server.database.clock()
    groups = [
        group for group in catalogue.priority_groups if group.is_valid_on(catalogue.today(now))
    ]
    reply = schemas.KioskSettings(
        kiosk_id=caller().id,
        name=caller().name,
        facility=label(catalogue.facility_name),
        hotline=catalogue.hotline,
        timezone=catalogue.zone.key,
        server_time=now.astimezone(catalogue.zone),
        notice=schemas.Notice(
            version=NOTICE_VERSION,
            short=label(NOTICE_SHORT),
            full=schemas.Label(
                vi=NOTICE_FULL.vi.format(
                    facility=catalogue.facility_name.vi, hotline=catalogue.hotline
                ),
                en=NOTICE_FULL.en.format(
                    facility=catalogue.facility_name.en, hotline=catalogue.hotline
                ),
            ),
        ),
        visit_kinds=[
            schemas.VisitKindOption(code=kind.code, label=label(kind.label))
            for kind in catalogue.settings.visit_kinds
        ],
        priority_groups=[
            schemas.PriorityGroup(
                code=group.code, label=label(group.label), self_declared=group.self_declared
            )
            for group in groups
        ],
        sees_bookings=catalogue.his_can(Feature.FIND_APPOINTMENTS),
        practice=catalogue.practice,
        pays=bool(resources().config.payments) and catalogue.his_can(Feature.READ_ACCOUNT),
    )
    return json_reply(reply)


@blueprint.post("/kiosks/heartbeat", responses={204: None})
@allow("kiosk", "agent")
def heartbeat() -> Response:
    """Say that this kiosk is alive: twice a minute, or staff see it as silent"""
    record_heartbeat(resources().database, kiosk_id=caller().id)
    return Response(status=204)


@blueprint.post("/kiosks/device-events", responses={204: None})
@allow("kiosk", "agent")
def device_event(body: schemas.DeviceEventRequest) -> Response:
    """A printer or scanner of this kiosk changed its state; staff see what does not work"""
    record_device_event(
        resources().database,
        kiosk_id=caller().id,
        device=body.device,
        state=body.state,
        reason=body.reason,
    )
    return Response(status=204)


def label(words: Words) -> schemas.Label:
    return schemas.Label(vi=words.vi, en=words.en)
