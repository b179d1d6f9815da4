"""What the server remembers, sealed and for minutes, about who stands before a kiosk."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True, repr=False)
class PersonFacts:
    """The readable parts of a person. `birth_date` is YYYY, YYYY-MM or YYYY-MM-DD.

    `numbers` maps the kind of a number (id12, cmnd9, bhyt15, bhxh10, mrn, passport) to it.
    """

    full_name: str
    name_key: str
    birth_date: str | None
    gender: Literal["male", "female"] | None
    numbers: dict[str, str]
    his_ref: str | None = None
    address: str | None = None
    phone: str | None = None


@dataclass(frozen=True, kw_only=True)
class CoverageFacts:
    """What the look-up said, without card number or history."""

    outcome: str
    code: str | None = None
    valid_to: str | None = None
    registered_here: bool | None = None

    @property
    def provisional(self) -> bool:
        """The card is still to be checked at the desk."""
        return self.outcome not in {"ok", "none"}


@dataclass(frozen=True, kw_only=True, repr=False)
class CardFacts:
    """The card that is valid today, for the HIS and the XML tables; it never leaves the server.

    Days are YYYY-MM-DD. `facility_code` is where the person is registered for first contact.
    """

    number: str
    valid_from: str | None = None
    valid_to: str | None = None
    facility_code: str | None = None
    five_years_on: str | None = None


@dataclass(frozen=True, kw_only=True)
class AppointmentFacts:
    """A booking of this person. `start` is RFC 3339 with offset; refs are the HIS's own."""

    ref: str
    start: str
    state: str
    service_ref: str
    practitioner_ref: str | None = None
    room_ref: str | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class OnBehalfFacts:
    relation: str
    phone: str


@dataclass(frozen=True, kw_only=True)
class ScanContent:
    """Everything a later request needs of a scan; the raw payload is not in it.

    `visit_id` is set for a scanned ticket (then there may be no person). `known_to_his` is
    False when the HIS did not answer and the card's data stand alone.
    """

    person: PersonFacts | None = None
    verified: bool = True
    known_to_his: bool = False
    coverage: CoverageFacts | None = None
    card: CardFacts | None = None
    appointments: tuple[AppointmentFacts, ...] = ()
    visit_id: str | None = None
    on_behalf: OnBehalfFacts | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> ScanContent:
        """The inverse of `to_json`."""
        person, coverage, on_behalf = (
            document["person"],
            document["coverage"],
            document["on_behalf"],
        )
        card = document.get("card")
        return cls(
            person=PersonFacts(**person) if person else None,
            verified=document["verified"],
            known_to_his=document["known_to_his"],
            coverage=CoverageFacts(**coverage) if coverage else None,
            card=CardFacts(**card) if card else None,
            appointments=tuple(AppointmentFacts(**entry) for entry in document["appointments"]),
            visit_id=document["visit_id"],
            on_behalf=OnBehalfFacts(**on_behalf) if on_behalf else None,
        )
