"""Displays over the API: staff of the computers and the head of the department run them."""

from __future__ import annotations

from flask import Response

from backend.domain.displays import DisplayKind, DisplayWish
from backend.domain.roles import StaffRole
from backend.services.manage_displays import (
    KnownDisplay,
    add_display,
    change_display,
    list_displays,
    revoke_display,
)
from backend.web import display_schemas as schemas
from backend.web.api import allow, api_blueprint, caller, json_reply, resources

DISPLAY_ROLES = (StaffRole.IT, StaffRole.HEAD)

blueprint = api_blueprint("displays", "Screens for patients in halls, at doors, above counters.")


@blueprint.get("/displays", responses={200: schemas.DisplayList})
@allow(*DISPLAY_ROLES)
def list_() -> Response:
    """Displays in use, by name, with when each was last seen"""
    items = [_reply(display) for display in list_displays(resources().database)]
    return json_reply(schemas.DisplayList(items=items))


@blueprint.post("/displays", responses={201: schemas.AddedDisplay})
@allow(*DISPLAY_ROLES)
def add(body: schemas.DisplayRequest) -> Response:
    """Add a display: the answer is the only time its address is told

    Without Idempotency-Key, because the first answer would have to be kept with the key in it: the
    same name a second time is `display_exists`.
    """
    server = resources()
    added = add_display(server.database, server.catalogue.get(), _wish(body), actor=caller().actor)
    reply = schemas.AddedDisplay(display=_reply(added.display), path=f"/d/{added.key}")
    return json_reply(reply, 201)


@blueprint.post("/displays/<display_id>", responses={200: schemas.Display})
@allow(*DISPLAY_ROLES)
def change(path: schemas.DisplayPath, body: schemas.DisplayRequest) -> Response:
    """Change a display; it keeps its address"""
    server = resources()
    changed = change_display(
        server.database,
        server.catalogue.get(),
        path.display_id,
        _wish(body),
        actor=caller().actor,
    )
    return json_reply(_reply(changed))


@blueprint.post("/displays/<display_id>/revoke", responses={204: None})
@allow(*DISPLAY_ROLES)
def revoke(path: schemas.DisplayPath) -> Response:
    """End the address of a display: its page is empty within 15 seconds"""
    revoke_display(resources().database, path.display_id, actor=caller().actor)
    return Response(status=204)


def _wish(body: schemas.DisplayRequest) -> DisplayWish:
    return DisplayWish(
        name=" ".join(body.name.split()),
        kind=DisplayKind(body.kind),
        room_ids=tuple(dict.fromkeys(body.room_ids)),
        zone=" ".join(body.zone.split()),
        speaks=body.speaks,
        english=body.english,
        show_names=body.show_names,
        distance_m=body.distance_m,
        screen_in=body.screen_in,
    )


def _reply(display: KnownDisplay) -> schemas.Display:
    return schemas.Display(
        id=display.id,
        name=display.name,
        kind=display.kind.value,
        room_ids=list(display.room_ids),
        zone=display.zone,
        speaks=display.speaks,
        english=display.english,
        show_names=display.show_names,
        distance_m=display.distance_m,
        screen_in=display.screen_in,
        created_at=display.created_at,
        last_seen_at=display.last_seen_at,
    )
