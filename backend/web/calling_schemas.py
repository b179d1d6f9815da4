"""Shapes of the words that people are called with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from backend.web.wire import Request, Word


class CallSentence(Request):
    """`times`: how often it is said. Fields in braces as in the sentence it takes the place of."""

    vi: Annotated[str, Field(max_length=1_000)]
    en: Annotated[str, Field(max_length=1_000)]
    times: Annotated[int, Field(ge=1, le=3)] = 1


NoticeKind = Literal["missed", "results_ready", "room_moved", "room_paused"]


class CallingWords(Request):
    """How calls are worded, spoken and how loud. `templates`: the usual one for what is missing.

    `volume` is in percent by zone; "" is for zones without one of their own.
    """

    templates: Annotated[dict[Word, CallSentence], Field(max_length=50)] = {}
    person_word: str
    languages: Annotated[list[Literal["vi", "en"]], Field(min_length=1, max_length=2)]
    region: Literal["bac", "nam"]
    rooms: Literal["digits", "cardinal"]
    leading_zeros: Literal["value", "digits"]
    rate: Annotated[float, Field(ge=0.5, le=1.5)]
    pause_ms: Annotated[int, Field(ge=0, le=2_000)]
    chime: bool
    gap_s: Annotated[float, Field(ge=0, le=60)]
    drop_calls_after_s: Annotated[float, Field(ge=5, le=600)]
    silent: Annotated[list[NoticeKind], Field(max_length=4)] = ["missed"]
    """What halls are not told by themselves."""
    volume: Annotated[
        dict[Annotated[str, Field(max_length=60)], Annotated[int, Field(ge=0, le=100)]],
        Field(max_length=100),
    ] = {}


class CallingWordsChange(CallingWords):
    version: Annotated[int, Field(ge=0)]
    """Of the words as the person saw them."""


class CallingWordsReply(CallingWords):
    """`templates` holds every sentence, also those that nobody changed."""

    version: int
    changed_at: datetime | None
    changed_by: str | None
