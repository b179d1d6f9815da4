"""The words of a ticket: where to go, how long, what next. No name, no number of a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol

from backend.domain.catalogue import Catalogue, Room, Service
from backend.domain.placement import Place, describe_landmark, describe_rooms
from backend.domain.settings import Words

Language = Literal["vi", "en"]


class Note(StrEnum):
    """What the desk still has to look at."""

    CHECK_CARD = "check_card"
    NOT_SYNCED = "not_synced"
    SHOW_PAPERS = "show_papers"
    SHOW_IDENTITY = "show_identity"
    ASK_AGE = "ask_age"
    NAME_AT_DESK = "name_at_desk"


NOTES = {
    Note.CHECK_CARD: Words(
        vi="Cần kiểm tra thẻ bảo hiểm y tế tại quầy",
        en="Insurance card to be checked at the desk",
    ),
    Note.NOT_SYNCED: Words(
        vi="Chưa đồng bộ với hồ sơ bệnh viện", en="Not yet linked to your hospital record"
    ),
    Note.SHOW_PAPERS: Words(
        vi="Mời xuất trình giấy tờ tại quầy", en="Please show your papers at the desk"
    ),
    Note.SHOW_IDENTITY: Words(
        vi="Mời xuất trình giấy tờ tùy thân tại quầy",
        en="Please show an identity paper at the desk",
    ),
    Note.ASK_AGE: Words(
        vi="Mời hỏi quầy về số ưu tiên theo tuổi", en="Please ask the desk about age priority"
    ),
    Note.NAME_AT_DESK: Words(
        vi="Khi đến quầy, mời đưa giấy tờ để nhân viên ghi tên",
        en="Please show your papers at the desk, to be registered",
    ),
}

GO_IN = Words(
    vi="Khi nghe hoặc thấy số này, mời vào phòng.",
    en="Go in when you hear or see this number.",
)
GO_TO_DESK = Words(
    vi="Khi nghe hoặc thấy số này, mời đến quầy.",
    en="Come to the desk when you hear or see this number.",
)
AFTERWARDS = Words(vi="Sau đó mời đến {place}.", en="Afterwards please go to {place}.")
ON_FLOOR = Words(vi=", tầng {floor}", en=", floor {floor}")
UNNAMED_SERVICE = Words(vi="Khám bệnh", en="Examination")


@dataclass(frozen=True, kw_only=True)
class TicketFacts:
    """What a ticket is made of. `places` in the order of the steps, the first is where to go."""

    number: str
    issued_at: datetime
    places: Sequence[Place]
    wait_min: tuple[int, int] | None
    notes: Sequence[Note]
    token: str
    language: Language


class Stop(Protocol):
    """Where somebody is served; `room` is None while any room of the service may call."""

    @property
    def service(self) -> Service: ...

    @property
    def room(self) -> Room | None: ...


@dataclass(frozen=True, kw_only=True)
class Way:
    """Where to go, in the words of one language."""

    room: str
    floor: str
    landmark: str
    next: str


def name_service(service: Service) -> Words:
    """The service as it may stand on paper and screens that others see."""
    return UNNAMED_SERVICE if service.sensitive else service.name


def name_department(catalogue: Catalogue, service: Service) -> Words:
    if service.sensitive:
        return Words(vi="", en="")
    return catalogue.departments[service.department_id].name


def compose_ticket(
    facts: TicketFacts, catalogue: Catalogue, *, public_base: str | None
) -> dict[str, Any]:
    """The ticket as JSON (`Ticket` of the OpenAPI description)."""
    first = facts.places[0]
    _, floor = describe_rooms(catalogue, first.service, first.room)
    texts = _compose_texts(facts, catalogue, facts.language)
    hospital = catalogue.facility_name
    return {
        "hospital": hospital.vi if facts.language == "vi" else hospital.en,
        "issued_at": facts.issued_at.astimezone(catalogue.zone).isoformat(timespec="seconds"),
        "number": facts.number,
        "floor": floor,
        "wait_min": facts.wait_min,
        "qr": f"{public_base}/t/{facts.token}" if public_base else facts.token,
        "hotline": catalogue.hotline,
        "lang": facts.language,
        "vi": None if facts.language == "vi" else _compose_texts(facts, catalogue, "vi"),
        "practice": catalogue.practice,
        **texts,
    }


def _compose_texts(facts: TicketFacts, catalogue: Catalogue, language: Language) -> dict[str, Any]:
    service = facts.places[0].service
    way = describe_way(facts.places, catalogue, language)
    return {
        "service": _say(name_service(service), language),
        "department": _say(name_department(catalogue, service), language),
        "room": way.room,
        "landmark": way.landmark,
        "next": way.next,
        "notes": [_say(NOTES[note], language) for note in facts.notes],
    }


def describe_way(stops: Sequence[Stop], catalogue: Catalogue, language: Language) -> Way:
    """To the first of the stops, and what comes after it."""
    first = stops[0]
    room, floor = describe_rooms(catalogue, first.service, first.room)
    sentences = [_say(GO_TO_DESK if first.service.kind == "reception" else GO_IN, language)]
    for later in stops[1:]:
        place, its_floor = describe_rooms(catalogue, later.service, later.room)
        suffix = _say(ON_FLOOR, language).format(floor=its_floor) if its_floor else ""
        sentences.append(_say(AFTERWARDS, language).format(place=_say(place, language) + suffix))
    return Way(
        room=_say(room, language),
        floor=floor,
        landmark=_say(describe_landmark(catalogue, first.service, first.room), language),
        next=" ".join(sentences),
    )


def _say(words: Words, language: Language) -> str:
    return words.vi if language == "vi" else words.en
