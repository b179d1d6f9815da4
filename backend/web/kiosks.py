"""What a kiosk asks and tells about itself."""

from __future__ import annotations

import base64
from typing import cast

from flask import Response, current_app, request

from backend.domain.notice import NOTICE_FULL, NOTICE_SHORT, NOTICE_VERSION
from backend.domain.settings import Words
from backend.errors import ValidationFailed
from backend.services.enrol_kiosk import enrol_kiosk
from backend.services.limit_flood import FloodGate
from backend.services.limit_tries import ENROLMENTS_PER_ADDRESS, count_tries
from backend.services.order_kiosk import take_result
from backend.services.record_device_event import record_device_event
from backend.services.take_report import take_report
from backend.web import fleet_schemas, kiosk_schemas
from backend.web.api import allow, api_blueprint, caller, json_reply, public, resources
from backend.web.wire import Label
from his_adapter.models import Feature

FLOOD_GATE = "tiepdon_flood_gate"
"""Of what kiosks tell: a beat twice a minute, and one whenever something changed."""
BURST, PER_S = 20, 1.0
MAX_RESULT_BYTES = 3_000_000

enrolment = api_blueprint("enrolment", "A kiosk gets its credential.", bearer=False)
blueprint = api_blueprint("kiosks", "A kiosk and its devices.")


@enrolment.post("/kiosks/enrol", responses={201: kiosk_schemas.EnrolReply})
@public
def enrol(body: kiosk_schemas.EnrolRequest) -> Response:
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
    reply = kiosk_schemas.EnrolReply(token=enrolled.credential, kiosk_id=enrolled.kiosk_id)
    return json_reply(reply, 201)


@blueprint.get("/kiosk", responses={200: kiosk_schemas.KioskSettings})
@allow("kiosk")
def settings() -> Response:
    """What this kiosk needs to greet people"""
    server = resources()
    catalogue = server.catalogue.get()
    now = server.database.clock()
    groups = [
        group for group in catalogue.priority_groups if group.is_valid_on(catalogue.today(now))
    ]
    reply = kiosk_schemas.KioskSettings(
        kiosk_id=caller().id,
        name=caller().name,
        facility=label(catalogue.facility_name),
        hotline=catalogue.hotline,
        timezone=catalogue.zone.key,
        server_time=now.astimezone(catalogue.zone),
        notice=kiosk_schemas.Notice(
            version=NOTICE_VERSION,
            short=label(NOTICE_SHORT),
            full=Label(
                vi=NOTICE_FULL.vi.format(
                    facility=catalogue.facility_name.vi, hotline=catalogue.hotline
                ),
                en=NOTICE_FULL.en.format(
                    facility=catalogue.facility_name.en, hotline=catalogue.hotline
                ),
            ),
        ),
        visit_kinds=[
            kiosk_schemas.VisitKindOption(code=kind.code, label=label(kind.label))
            for kind in catalogue.settings.visit_kinds
        ],
        priority_groups=[
            kiosk_schemas.PriorityGroup(
                code=group.code, label=label(group.label), self_declared=group.self_declared
            )
            for group in groups
        ],
        sees_bookings=catalogue.his_can(Feature.FIND_APPOINTMENTS),
        practice=catalogue.practice,
        pays=bool(resources().config.payments) and catalogue.his_can(Feature.READ_ACCOUNT),
    )
    return json_reply(reply)


@blueprint.post("/kiosks/heartbeat", responses={200: fleet_schemas.KioskOrders, 204: None})
@allow("kiosk", "agent")
def heartbeat(body: fleet_schemas.Heartbeat) -> Response:
    """Say that this kiosk is alive, and how; hear how it shall be, and what it shall do once

    Twice a minute, or staff see it as silent; at once besides when something changed. The same
    command comes until it was answered. A flood is refused, this kiosk's only. A print agent hears
    204: it has requests of its own.
    """
    flood_gate().enter(caller().id)
    report = body.root.model_dump(mode="json") if body.root else None
    orders = take_report(
        resources().database,
        kiosk_id=caller().id,
        report=report,
        token_hash=caller().token_hash,
    )
    if caller().role == "agent":
        return Response(status=204)
    out = orders.out_of_service
    reply = fleet_schemas.KioskOrders(
        profile=orders.profile,
        out_of_service=Label(vi=out["vi"], en=out["en"]) if out else None,
        commands=[
            fleet_schemas.Command(id=order.id, kind=order.kind, expires_at=order.expires_at)
            for order in orders.orders
        ],
    )
    return json_reply(reply)


@blueprint.post("/kiosks/device-events", responses={204: None})
@allow("kiosk", "agent")
def device_event(body: kiosk_schemas.DeviceEventRequest) -> Response:
    """A printer or scanner of this kiosk changed its state; staff see what does not work"""
    flood_gate().enter(caller().id)
    record_device_event(
        resources().database,
        kiosk_id=caller().id,
        token_hash=caller().token_hash,
        device=body.device,
        state=body.state,
        reason=body.reason,
    )
    return Response(status=204)


@blueprint.post("/kiosk/commands/<command_id>/result", responses={204: None})
@allow("kiosk", max_bytes=MAX_RESULT_BYTES)
def command_result(path: fleet_schemas.CommandPath, body: fleet_schemas.CommandResult) -> Response:
    """What became of a command; the first answer counts, the same one may come again

    A picture or logs go with it, 2 MB at most.
    """
    flood_gate().enter(caller().id)
    try:
        file = (
            None
            if body.attachment_base64 is None
            else base64.b64decode(body.attachment_base64, validate=True)
        )
    except ValueError as error:
        raise ValidationFailed from error
    take_result(
        resources().database,
        caller().id,
        path.command_id,
        state=body.state,
        reason=body.reason,
        untrusted_file=file,
    )
    return Response(status=204)


def flood_gate() -> FloodGate:
    return cast("FloodGate", current_app.extensions[FLOOD_GATE])


def label(words: Words) -> Label:
    return Label(vi=words.vi, en=words.en)
