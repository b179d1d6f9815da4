"""A kiosk asks which release it shall run, fetches it, and says how that went."""

from __future__ import annotations

from typing import Annotated, Literal

from flask import Response, send_file
from pydantic import Field

from backend.errors import NotFound
from backend.services.stage_release import find_release_for, record_release
from backend.web.api import allow, api_blueprint, caller, json_reply, resources
from backend.web.wire import Reply, Request, Word

blueprint = api_blueprint("releases", "Which release a kiosk runs.")

Version = Annotated[str, Field(pattern=r"^[0-9][0-9a-z.+]{0,59}$")]


class ReleaseWanted(Reply):
    """Nothing in it: stay as you are."""

    version: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None


class ReleaseTold(Request):
    version: Version
    state: Literal["installed", "rolled_back", "refused"]
    reason: Word | None = None


class ReleasePath(Request):
    version: Version


@blueprint.get("/kiosk/release", responses={200: ReleaseWanted})
@allow("kiosk")
def wanted() -> Response:
    """Which release this kiosk shall run"""
    staged = find_release_for(resources().database, kiosk_id=caller().id)
    if staged is None:
        return json_reply(ReleaseWanted())
    return json_reply(
        ReleaseWanted(version=staged.version, sha256=staged.sha256, size_bytes=staged.size_bytes)
    )


@blueprint.get("/kiosk/release/<version>/bundle", responses={200: None})
@allow("kiosk")
def bundle(path: ReleasePath) -> Response:
    """The signed file; `Range` goes on where a line broke off

    Only the release this kiosk shall run.
    """
    server = resources()
    staged = find_release_for(server.database, kiosk_id=caller().id)
    file = server.config.releases_folder / f"tiepdon-{path.version}.bundle"
    if staged is None or staged.version != path.version or not file.is_file():
        raise NotFound
    return send_file(
        file.absolute(), mimetype="application/octet-stream", conditional=True, etag=staged.sha256
    )


@blueprint.post("/kiosk/release", responses={204: None})
@allow("kiosk")
def told(body: ReleaseTold) -> Response:
    """Say that a release was installed, rolled back or refused; the IT desk hears of the latter"""
    record_release(
        resources().database,
        kiosk_id=caller().id,
        version=body.version,
        state=body.state,
        reason=body.reason,
    )
    return Response(status=204)
