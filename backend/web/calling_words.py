"""How calls are worded, spoken and how loud: read and changed by staff."""

from __future__ import annotations

from typing import cast

from flask import Response

from backend.domain.calling_settings import TEMPLATES, CallingSettings, CallTemplate
from backend.domain.roles import StaffRole
from backend.services.change_calling_words import (
    KeptCallingWords,
    change_calling_words,
    get_calling_words,
)
from backend.web import calling_schemas as schemas
from backend.web.api import allow, api_blueprint, caller, json_reply, resources

WORDING_ROLES = (StaffRole.CONTENT_EDITOR, StaffRole.HEAD)

blueprint = api_blueprint("calling-words", "How calls are worded, spoken and how loud they are.")


@blueprint.get("/calling-words", responses={200: schemas.CallingWordsReply})
@allow(*WORDING_ROLES)
def show() -> Response:
    """The words of calls, with their version"""
    return json_reply(_reply(get_calling_words(resources().database)))


@blueprint.put("/calling-words", responses={200: schemas.CallingWordsReply})
@allow(*WORDING_ROLES)
def change(body: schemas.CallingWordsChange) -> Response:
    """Change the words of calls

    `version` is of the words as the person saw them: after somebody else's change 409. What cannot
    be kept is named in `fields` of a 422.
    """
    kept = change_calling_words(
        resources().database, _wish(body), version=body.version, staff=caller()
    )
    return json_reply(_reply(kept))


def _wish(body: schemas.CallingWords) -> CallingSettings:
    return CallingSettings(
        templates={
            kind: CallTemplate(vi=each.vi, en=each.en, times=each.times)
            for kind, each in body.templates.items()
        },
        person_word=body.person_word,
        languages=tuple(body.languages),
        region=body.region,
        rooms=body.rooms,
        leading_zeros=body.leading_zeros,
        rate=body.rate,
        pause_ms=body.pause_ms,
        chime=body.chime,
        gap_s=body.gap_s,
        drop_calls_after_s=body.drop_calls_after_s,
        silent=tuple(body.silent),
        volume=body.volume,
    )


def _reply(kept: KeptCallingWords) -> schemas.CallingWordsReply:
    words = kept.words
    sentences = {kind: words.get_template(kind) for kind in TEMPLATES}
    return schemas.CallingWordsReply(
        version=kept.version,
        changed_at=kept.changed_at,
        changed_by=kept.changed_by,
        templates={
            kind: schemas.CallSentence(vi=each.vi, en=each.en, times=each.times)
            for kind, each in sentences.items()
        },
        person_word=words.person_word,
        languages=list(words.languages),
        region=words.region,
        rooms=words.rooms,
        leading_zeros=words.leading_zeros,
        rate=words.rate,
        pause_ms=int(words.pause_ms),
        chime=words.chime,
        gap_s=words.gap_s,
        drop_calls_after_s=words.drop_calls_after_s,
        silent=cast("list[schemas.NoticeKind]", list(words.silent)),
        volume=dict(words.volume),
    )
