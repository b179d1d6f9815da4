"""The sound of a display: the calls of its rooms, the announcements of its zone.

Asked for by the page when a call reaches it; clips are made ahead, so the answer takes
milliseconds. A display that does not speak is told that there is nothing, like one that asks for
a call of another room or another day.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from backend.domain.announcements import Announcement
from backend.domain.calling_words import SpokenCall
from backend.domain.displays import is_counter
from backend.domain.reading import Language
from backend.errors import DisplayNotFound
from backend.services.list_spoken_notices import list_spoken_notices
from backend.services.manage_displays import KnownDisplay
from backend.services.render_speech import render_announcement, render_speech
from backend.services.resources import Resources
from backend.storage.queue_tables import Call


def get_spoken_call(
    resources: Resources, connection: Connection, display: KnownDisplay, call_id: str
) -> SpokenCall:
    """Number, room and which call it is; nothing else is ever said. Raises DisplayNotFound."""
    catalogue = resources.catalogue.get()
    row = connection.execute(
        select(Call.number, Call.room_id, Call.attempt).where(
            Call.id == call_id,
            Call.facility_id == resources.database.facility_id,
            Call.day == catalogue.today(resources.database.clock()),
            Call.undone_at.is_(None),
        )
    ).one_or_none()
    known = row is not None and row.room_id in display.room_ids and row.room_id in catalogue.rooms
    if row is None or not known or not display.speaks:
        raise DisplayNotFound
    return SpokenCall(
        number=row.number,
        room_code=catalogue.rooms[row.room_id].code,
        room_kind="counter" if is_counter(catalogue, row.room_id) else "room",
        attempt=row.attempt,
    )


def get_spoken_notice(
    resources: Resources, connection: Connection, display: KnownDisplay, notice_id: str
) -> SpokenCall:
    """Raises DisplayNotFound for what is not, or no more, to be said here."""
    now = resources.database.clock()
    notices = list_spoken_notices(connection, resources.catalogue.get(), display, now=now)
    for each in notices:
        if each.id == notice_id:
            return each.call
    raise DisplayNotFound


def speak_call(resources: Resources, call: SpokenCall, language: Language) -> bytes:
    """A WAV; English follows the Vietnamese at once, so only that begins with a chime.

    Raises ValidationFailed, VoiceUnavailable: the number stands on the screen all the same.
    """
    return render_speech(resources, call, language, with_chime=None if language == "vi" else False)


def speak_announcement(
    resources: Resources,
    display: KnownDisplay,
    announcements: list[Announcement],
    announcement_id: str,
    language: Language,
) -> bytes:
    """A WAV. Raises DisplayNotFound, VoiceUnavailable."""
    for each in announcements:
        is_ours = display.speaks and each.spoken and each.is_for(display.zone or None)
        if each.id == announcement_id and is_ours:
            return render_announcement(resources, each, language)
    raise DisplayNotFound
