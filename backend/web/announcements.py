"""Announcements and notices of the halls, kept by staff."""

from __future__ import annotations

from datetime import time

from flask import Response

from backend.domain.announcements import Announcement
from backend.domain.roles import StaffRole
from backend.services.keep_announcements import (
    KeptAnnouncement,
    add_announcement,
    change_announcement,
    list_announcements,
)
from backend.web import announcement_schemas as schemas
from backend.web.api import (
    IDEMPOTENT,
    allow,
    answer_reply,
    api_blueprint,
    caller,
    get_intent,
    json_reply,
    resources,
)

blueprint = api_blueprint("announcements", "What halls hear and idle boards show by timetable.")


@blueprint.get("/announcements", responses={200: schemas.AnnouncementList})
@allow(StaffRole.CONTENT_EDITOR)
def list_all(query: schemas.AnnouncementQuery) -> Response:
    """Announcements, those in use first"""
    found = list_announcements(resources().database, limit=query.limit + 1)
    reply = schemas.AnnouncementList(
        items=[_reply(each) for each in found[: query.limit]], complete=len(found) <= query.limit
    )
    return json_reply(reply)


@blueprint.post(
    "/announcements",
    responses={201: schemas.AnnouncementReply},
    openapi_extensions=IDEMPOTENT,
)
@allow(StaffRole.CONTENT_EDITOR)
def add(body: schemas.AnnouncementRequest) -> Response:
    """Add an announcement"""
    answer = add_announcement(
        resources().database,
        make_wish("", body),
        staff=caller(),
        intent=get_intent(),
        show=lambda kept: _reply(kept).model_dump_json(),
    )
    return answer_reply(answer)


@blueprint.put("/announcements/<announcement_id>", responses={200: schemas.AnnouncementReply})
@allow(StaffRole.CONTENT_EDITOR)
def change(path: schemas.AnnouncementPath, body: schemas.AnnouncementChange) -> Response:
    """Change an announcement, or switch it off

    `version` is of the announcement as the person saw it: after somebody else's change 409.
    """
    kept = change_announcement(
        resources().database,
        make_wish(path.announcement_id, body),
        version=body.version,
        staff=caller(),
    )
    return json_reply(_reply(kept))


def make_wish(announcement_id: str, body: schemas.AnnouncementRequest) -> Announcement:
    """The announcement that a request describes; its page makes the same one of its form."""
    return Announcement(
        id=announcement_id,
        text_vi=body.text_vi.strip(),
        text_en=body.text_en.strip(),
        spoken=body.spoken,
        zones=tuple(dict.fromkeys(" ".join(zone.split()) for zone in body.zones)),
        weekdays=tuple(sorted(set(body.weekdays))),
        times=tuple(time.fromisoformat(at) for at in sorted(set(body.times))),
        every_min=body.every_min,
        starts_at=time.fromisoformat(body.starts_at),
        ends_at=time.fromisoformat(body.ends_at),
        valid_from=body.valid_from,
        valid_to=body.valid_to,
        clip=body.clip,
        active=body.active,
    )


def _reply(kept: KeptAnnouncement) -> schemas.AnnouncementReply:
    return schemas.AnnouncementReply(
        id=kept.id,
        version=kept.version,
        text_vi=kept.text_vi,
        text_en=kept.text_en,
        spoken=kept.spoken,
        zones=list(kept.zones),
        weekdays=list(kept.weekdays),
        times=[f"{at:%H:%M}" for at in kept.times],
        every_min=kept.every_min,
        starts_at=f"{kept.starts_at:%H:%M}",
        ends_at=f"{kept.ends_at:%H:%M}",
        valid_from=kept.valid_from,
        valid_to=kept.valid_to,
        clip=kept.clip,
        active=kept.active,
        changed_at=kept.changed_at,
        changed_by=kept.changed_by,
    )
