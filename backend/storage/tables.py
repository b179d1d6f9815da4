"""All tables. Constraints carry the invariants; every row names its facility.

Ids are 32 hex digits, ordered by time (domain.ids). Times are UTC on both databases and aware in
Python. Texts for people stand in Vietnamese and English. `his_ref` is the HIS's own reference.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    Time,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment. SQLite keeps no zone, so it is converted to UTC first on both."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


Json = JSON().with_variant(JSONB(), "postgresql")
BigKey = BigInteger().with_variant(Integer(), "sqlite")  # SQLite only counts up plain integers
Id = String(64)
Code = String(64)
Name = String(200)

OPEN_STEP_STATES = ("waiting", "called", "serving", "hold", "missed")
STEP_STATES = (*OPEN_STEP_STATES, "done", "cancelled")
PRINT_STATES = ("pending", "printed", "unconfirmed", "failed", "unknown")
PRINT_REQUEST_STATES = ("pending", "taken", "printed", "unconfirmed", "failed", "unknown")
KIOSK_KINDS = ("kiosk", "agent")
KIOSK_PROFILES = ("reception", "examination", "laboratory", "fees")
ROOM_STATES = ("open", "paused", "closed")
CHECKIN_STATES = (
    "queued", "invalid", "skipped", "unknown", "received", "refused", "accepted", "faulty",
)  # fmt: skip
RECHECK_STATES = ("pending", "known", "needs_person", "day_over")
UNDER_WAY_STATES = ("new", "sending", "unknown")
OUTBOX_STATES = (*UNDER_WAY_STATES, "done", "rejected", "dead", "discarded")
BREAKER_STATES = ("closed", "open", "half_open")
RECHECK_STATES = ("pending", "known", "needs_person", "day_over")
DISPLAY_KINDS = ("hall", "door", "counter")


def one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


OPEN_STEP = text(one_of("state", OPEN_STEP_STATES))
SPEAKING = text("speaks AND revoked_at IS NULL")
STANDING = text("revoked_at IS NULL")
STEP_IN_SIGHT = one_of("step.state", ("called", "serving", "done"))
"""A room has seen or sees them. With the prefix, because queries say it word for word."""
STEP_AWAY = one_of("step.state", ("hold", "missed", "cancelled"))
IN_SIGHT = text(STEP_IN_SIGHT.removeprefix("step."))
AWAY = text(STEP_AWAY.removeprefix("step."))
RETURNED = text("returns > 0")
UNDER_WAY = text(one_of("state", UNDER_WAY_STATES))
NOT_SETTLED = text("settled_at IS NULL")
SENDING = text("state = 'sending'")
IDENTIFIED = text("event = 'person_identified'")


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        date: Date(),
        time: Time(),
        dict[str, Any]: Json,
        list[Any]: Json,
        bytes: LargeBinary(),
    }


def primary() -> Mapped[str]:
    return mapped_column(Id, primary_key=True)


def facility_key() -> Mapped[str]:
    return mapped_column(Id, ForeignKey("facility.id"))


class Facility(Base):
    __tablename__ = "facility"
    id: Mapped[str] = primary()
    code: Mapped[str] = mapped_column(Code)
    name_vi: Mapped[str] = mapped_column(Name)
    name_en: Mapped[str] = mapped_column(Name)
    timezone: Mapped[str] = mapped_column(Code)
    hotline: Mapped[str] = mapped_column(Code)
    settings: Mapped[dict[str, Any]] = mapped_column(Json)
    """domain.settings.FacilitySettings as JSON."""
    catalogue_version: Mapped[int] = mapped_column(Integer, default=0)
    """Counts up with every change, so that processes notice that their copy is old."""
    catalogue_at: Mapped[datetime | None]
    his_features: Mapped[list[Any] | None] = mapped_column(Json)
    """What the HIS can do (names of the port's methods); none: it was never asked."""
    practice: Mapped[bool] = mapped_column(default=False, server_default=false())
    """For lessons, with invented people: set when the database is made, and never changed."""


# --- catalogue, filled from the HIS --------------------------------------------------------------


class Department(Base):
    __tablename__ = "department"
    __table_args__ = (UniqueConstraint("facility_id", "his_ref"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    his_ref: Mapped[str] = mapped_column(Name)
    code: Mapped[str] = mapped_column(Code)
    name_vi: Mapped[str] = mapped_column(Name)
    name_en: Mapped[str] = mapped_column(Name)
    position: Mapped[int] = mapped_column(Integer)
    """Place in the HIS's own order: the most asked for stand first on screens."""
    active: Mapped[bool] = mapped_column(default=True)


class Room(Base):
    __tablename__ = "room"
    __table_args__ = (UniqueConstraint("facility_id", "his_ref"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    his_ref: Mapped[str] = mapped_column(Name)
    department_id: Mapped[str | None] = mapped_column(ForeignKey("department.id"))
    code: Mapped[str] = mapped_column(Code)
    name_vi: Mapped[str] = mapped_column(Name)
    name_en: Mapped[str] = mapped_column(Name)
    floor: Mapped[str] = mapped_column(Code)
    landmark_vi: Mapped[str] = mapped_column(Name)
    landmark_en: Mapped[str] = mapped_column(Name)
    active: Mapped[bool] = mapped_column(default=True)


class Service(Base):
    __tablename__ = "service"
    __table_args__ = (
        UniqueConstraint("facility_id", "his_ref"),
        CheckConstraint("price_vnd >= 0", name="price"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    his_ref: Mapped[str] = mapped_column(Name)
    department_id: Mapped[str] = mapped_column(ForeignKey("department.id"))
    code: Mapped[str] = mapped_column(Code)
    name_vi: Mapped[str] = mapped_column(Name)
    name_en: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(Code)
    price_vnd: Mapped[int] = mapped_column(BigInteger)
    insurance_price_vnd: Mapped[int | None] = mapped_column(BigInteger)
    pooled: Mapped[bool]
    by_doctor: Mapped[bool]
    by_hour: Mapped[bool]
    minutes: Mapped[int | None]
    """Minutes one patient takes; none hides the wait range."""
    gender: Mapped[str | None] = mapped_column(Code)
    age_min_years: Mapped[int | None]
    age_max_years: Mapped[int | None]
    """The last age that may come, inclusive."""
    sensitive: Mapped[bool] = mapped_column(default=False)
    series_letter: Mapped[str | None] = mapped_column(String(4))
    """Letter of normal tickets of this service; none = the facility's letter of the lane."""
    visit_kinds: Mapped[list[Any]]
    """Codes of the visit kinds it is offered for; empty = all."""
    active: Mapped[bool] = mapped_column(default=True)


class ServiceRoom(Base):
    __tablename__ = "service_room"
    service_id: Mapped[str] = mapped_column(ForeignKey("service.id"), primary_key=True)
    room_id: Mapped[str] = mapped_column(ForeignKey("room.id"), primary_key=True)
    facility_id: Mapped[str] = facility_key()


class Practitioner(Base):
    __tablename__ = "practitioner"
    __table_args__ = (UniqueConstraint("facility_id", "his_ref"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    his_ref: Mapped[str] = mapped_column(Name)
    title: Mapped[str] = mapped_column(Code)
    name: Mapped[str] = mapped_column(Name)
    session_limit: Mapped[int | None]
    active: Mapped[bool] = mapped_column(default=True)


class PractitionerService(Base):
    """Who offers what, and where."""

    __tablename__ = "practitioner_service"
    practitioner_id: Mapped[str] = mapped_column(ForeignKey("practitioner.id"), primary_key=True)
    service_id: Mapped[str] = mapped_column(ForeignKey("service.id"), primary_key=True)
    room_id: Mapped[str | None] = mapped_column(ForeignKey("room.id"))
    facility_id: Mapped[str] = facility_key()


class OpeningSession(Base):
    """When a room takes people: a span of one weekday in the facility's zone."""

    __tablename__ = "opening_session"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("opens_at < closes_at", name="span"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    room_id: Mapped[str] = mapped_column(ForeignKey("room.id"))
    weekday: Mapped[int]
    """0 = Monday."""
    name: Mapped[str] = mapped_column(Code)
    opens_at: Mapped[time]
    closes_at: Mapped[time]
    limit: Mapped[int | None]
    """People the room takes in this session."""


class ClosedDay(Base):
    __tablename__ = "closed_day"
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    room_id: Mapped[str | None] = mapped_column(ForeignKey("room.id"))
    """None closes the whole facility."""
    day: Mapped[date]


class Slot(Base):
    """A bookable hour; `capacity` = people it takes, counted in Quota."""

    __tablename__ = "slot"
    __table_args__ = (
        UniqueConstraint("facility_id", "his_ref"),
        Index("ix_slot_service_starts", "facility_id", "service_id", "starts_at"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    his_ref: Mapped[str] = mapped_column(Name)
    service_id: Mapped[str] = mapped_column(ForeignKey("service.id"))
    practitioner_id: Mapped[str | None] = mapped_column(ForeignKey("practitioner.id"))
    room_id: Mapped[str | None] = mapped_column(ForeignKey("room.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    capacity: Mapped[int]


class Quota(Base):
    """Places taken of a limit: one row per limited thing and day, counted up atomically.

    `scope` = slot:ID, room:ROOM:SESSION or doctor:PRACTITIONER:SESSION. The check makes overselling
    impossible whatever the code does.
    """

    __tablename__ = "quota"
    __table_args__ = (CheckConstraint("taken BETWEEN 0 AND capacity", name="taken"),)
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    scope: Mapped[str] = mapped_column(Name, primary_key=True)
    capacity: Mapped[int]
    taken: Mapped[int]


class PriorityGroup(Base):
    """Who is called earlier, as data: law changes, hospitals differ."""

    __tablename__ = "priority_group"
    __table_args__ = (UniqueConstraint("facility_id", "code"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    code: Mapped[str] = mapped_column(Code)
    label_vi: Mapped[str] = mapped_column(Name)
    label_en: Mapped[str] = mapped_column(Name)
    rank: Mapped[int]
    """0 goes first among the groups a person belongs to."""
    age_from_years: Mapped[int | None]
    age_below_years: Mapped[int | None]
    self_declared: Mapped[bool]
    legal_basis: Mapped[str] = mapped_column(Name)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]


# --- people and their visits ---------------------------------------------------------------------
# From here on facility and catalogue are named without foreign keys. Their rows are never deleted,
# only switched off, and PostgreSQL would lock the one facility row for every row of every ticket,
# which makes it the busiest place of the database.


class Person(Base):
    """A patient as known here. Readable parts are sealed (storage.crypto)."""

    __tablename__ = "person"
    __table_args__ = (
        Index(
            "ix_person_his_ref",
            "facility_id",
            "his_ref",
            postgresql_where=text("his_ref IS NOT NULL"),
            sqlite_where=text("his_ref IS NOT NULL"),
        ),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    his_ref: Mapped[str | None] = mapped_column(Name)
    sealed: Mapped[bytes]
    """domain.scan.PersonFacts as JSON, encrypted for this id."""
    last_seen_at: Mapped[datetime] = mapped_column(index=True)


class PersonKey(Base):
    """What a person is found by: keyed hashes of numbers, of name with birth date, of the HIS ref.

    One person has several, so that a card and an insurance card lead to the same row.
    """

    __tablename__ = "person_key"
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    key_hash: Mapped[str] = mapped_column(Code, primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)


class Visit(Base):
    __tablename__ = "visit"
    __table_args__ = (
        Index("ix_visit_person_day", "person_id", "day"),
        Index("ix_visit_day", "facility_id", "day"),
        Index("ix_visit_phone", "facility_id", "day", "phone_hash"),
        Index("ix_visit_revisit", "facility_id", "revisit_hash"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    """None once the link between ticket and person has been purged."""
    day: Mapped[date]
    kind: Mapped[str] = mapped_column(Code)
    lane: Mapped[str] = mapped_column(String(1))
    priority_group: Mapped[str | None] = mapped_column(Code)
    priority_declared: Mapped[bool] = mapped_column(default=False)
    """True when the patient said so and papers are still to be seen."""
    provisional: Mapped[bool]
    verified: Mapped[bool]
    known_to_his: Mapped[bool]
    """False: registered from the card alone because the HIS did not answer."""
    use_insurance: Mapped[bool]
    coverage_outcome: Mapped[str | None] = mapped_column(Code)
    coverage_code: Mapped[str | None] = mapped_column(Code)
    papers: Mapped[dict[str, Any]]
    sealed_card: Mapped[bytes | None]
    """domain.scan.CardFacts as JSON, encrypted for this id."""
    sealed_slips: Mapped[bytes | None]
    """Numbers of transfer and re-visit slip as JSON, encrypted for this id."""
    revisit_hash: Mapped[str | None] = mapped_column(Code)
    """Keyed hash of the re-visit slip: it serves once."""
    registered_here: Mapped[bool | None]
    """Whether the insured person is registered with us for first contact."""
    category_code: Mapped[str | None] = mapped_column(Code)
    """MA_DOITUONG_KCB: a proposal until somebody at the desk has confirmed it."""
    category_reason: Mapped[str | None] = mapped_column(Code)
    category_confirmed: Mapped[bool] = mapped_column(server_default=false())
    sealed_on_behalf: Mapped[bytes | None]
    language: Mapped[str] = mapped_column(String(2))
    kiosk_id: Mapped[str | None] = mapped_column(Id)
    scan_id: Mapped[str] = mapped_column(Id)
    appointment_ref: Mapped[str | None] = mapped_column(Name)
    his_number: Mapped[str | None] = mapped_column(Code)
    his_record_code: Mapped[str | None] = mapped_column(Code)
    """MA_LK of the HIS."""
    his_key: Mapped[str | None] = mapped_column(String(80))
    """The key its check-in was asked for with before the number was given, see numbering."""
    changes: Mapped[int] = mapped_column(default=0)
    phone_hash: Mapped[str | None] = mapped_column(Code)
    """Keyed hash of the phone that came with the visit: it finds a visit, it tells nobody apart."""
    version: Mapped[int] = mapped_column(server_default="0")
    """Counts up with every decision of the desk: whoever decides says which one they saw."""
    handed_in_at: Mapped[datetime | None]
    """When a number that a kiosk gave without the server arrived here; it was taken before."""
    age_band: Mapped[str | None] = mapped_column(String(16))
    """domain.reports.counting.AgeBand on the day of the visit; for reports, tells nobody apart."""
    since_touch_ms: Mapped[int | None]
    """From the first touch at the kiosk to the wish, on the kiosk's own clock."""
    created_at: Mapped[datetime]


class CoverageEvidence(Base):
    """A look-up of a card that failed, stayed silent or left it open (NĐ 188/2025 Điều 38).

    Written with the scan or by a re-check; a visit takes over what its scan left.
    """

    __tablename__ = "coverage_evidence"
    __table_args__ = (
        Index("ix_coverage_evidence_visit", "visit_id"),
        Index("ix_coverage_evidence_scan", "scan_id"),
    )
    id: Mapped[str] = primary()
    """Our own id of the request."""
    facility_id: Mapped[str] = mapped_column(Id)
    scan_id: Mapped[str | None] = mapped_column(Id)
    visit_id: Mapped[str | None] = mapped_column(Id)
    party: Mapped[str] = mapped_column(Code)
    """Who was asked: the name of the insurer's adapter, or `his`."""
    problem: Mapped[str] = mapped_column(Code)
    """domain.coverage_evidence.Problem."""
    failure: Mapped[str | None] = mapped_column(Code)
    code: Mapped[str | None] = mapped_column(Code)
    http_status: Mapped[int | None]
    answer_sha256: Mapped[str | None] = mapped_column(Code)
    sealed_answer: Mapped[bytes | None]
    """The beginning of what came back, encrypted for this id."""
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime] = mapped_column(index=True)


class CoverageRecheck(Base):
    """The insurance of a visit that is asked about again until it is known or the day is over."""

    __tablename__ = "coverage_recheck"
    __table_args__ = (
        CheckConstraint(one_of("state", RECHECK_STATES), name="state"),
        Index(
            "ix_coverage_recheck_due",
            "next_at",
            postgresql_where=text("state = 'pending'"),
            sqlite_where=text("state = 'pending'"),
        ),
    )
    visit_id: Mapped[str] = mapped_column(
        ForeignKey("visit.id", ondelete="CASCADE"), primary_key=True
    )
    facility_id: Mapped[str] = mapped_column(Id)
    state: Mapped[str] = mapped_column(Code)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class CheckinDocument(Base):
    """A check-in table of one visit for the insurance gateway, and what became of it.

    A correction is a new row with the next position; what was sent stays as it was.
    """

    __tablename__ = "checkin_document"
    __table_args__ = (
        CheckConstraint(one_of("state", CHECKIN_STATES), name="state"),
        UniqueConstraint("visit_id", "position"),
        Index(
            "ix_checkin_document_due",
            "due_at",
            postgresql_where=text("state = 'queued'"),
            sqlite_where=text("state = 'queued'"),
        ),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    visit_id: Mapped[str] = mapped_column(ForeignKey("visit.id"))
    position: Mapped[int]
    """0 is the first of its visit, later ones are corrections."""
    state: Mapped[str] = mapped_column(Code)
    standard: Mapped[str | None] = mapped_column(Code)
    sealed: Mapped[bytes | None]
    """The XML as it was built last, encrypted for this id."""
    sent_key_hash: Mapped[str | None] = mapped_column(Code)
    """Keyed hash of what the gateway knows the row by (rule CI-15)."""
    findings: Mapped[list[Any]]
    """Rules and fields that were not kept; no values."""
    reason: Mapped[str | None] = mapped_column(Name)
    """Why it was sent again."""
    result_code: Mapped[str | None] = mapped_column(Code)
    transaction_id: Mapped[str | None] = mapped_column(Name)
    """`maGiaoDich`: what the portal calls it."""
    sealed_message: Mapped[bytes | None]
    """What the gateway wrote; it may quote values."""
    created_at: Mapped[datetime] = mapped_column(index=True)
    due_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    judged_at: Mapped[datetime | None]
    judged_by: Mapped[str | None] = mapped_column(Name)


class Step(Base):
    """One stay in one queue. At most one open per person, service and day."""

    __tablename__ = "step"
    __table_args__ = (
        CheckConstraint(one_of("state", STEP_STATES), name="state"),
        Index(
            "uq_step_open",
            "facility_id",
            "person_id",
            "service_id",
            "day",
            unique=True,
            postgresql_where=OPEN_STEP,
            sqlite_where=OPEN_STEP,
        ),
        Index(
            "ix_step_waiting",
            "queue_id",
            "day",
            "lane",
            "queue_key_at",
            postgresql_where=text("state = 'waiting'"),
            sqlite_where=text("state = 'waiting'"),
        ),
        Index("ix_step_visit", "visit_id"),
        # A ticket that is issued waits: these three cost its issue nothing.
        Index(
            "ix_step_in_sight",
            "room_id",
            "day",
            "state",
            "kind",
            postgresql_where=IN_SIGHT,
            sqlite_where=IN_SIGHT,
        ),
        Index(
            "ix_step_away",
            "queue_id",
            "day",
            "state",
            "hold_reason",
            postgresql_where=AWAY,
            sqlite_where=AWAY,
        ),
        Index(
            "ix_step_returned",
            "facility_id",
            "day",
            postgresql_where=RETURNED,
            sqlite_where=RETURNED,
        ),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    visit_id: Mapped[str] = mapped_column(ForeignKey("visit.id"))
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    day: Mapped[date]
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(Code)
    service_id: Mapped[str] = mapped_column(Id)
    room_id: Mapped[str | None] = mapped_column(Id)
    """None while the queue is pooled: the room is bound at the call."""
    practitioner_id: Mapped[str | None] = mapped_column(Id)
    slot_id: Mapped[str | None] = mapped_column(Id)
    queue_id: Mapped[str] = mapped_column(Id)
    """The room's id, or the service's when pooled: those with the same one wait together."""
    lane: Mapped[str] = mapped_column(String(1))
    queue_key_at: Mapped[datetime]
    """Virtual arrival: what the order within a lane goes by."""
    quota_scopes: Mapped[list[Any]]
    """Places this step holds; given back when it is cancelled."""
    his_ref: Mapped[str | None] = mapped_column(Name)
    """The visit the HIS made of this step."""
    state: Mapped[str] = mapped_column(Code)
    hold_reason: Mapped[str | None] = mapped_column(Code)
    """domain.visit.HoldReason while the step is on hold."""
    calls: Mapped[int] = mapped_column(server_default="0")
    """How often it was called since it last waited."""
    returns: Mapped[int] = mapped_column(server_default="0")
    """How often it came back after a missed turn."""
    state_at: Mapped[datetime]
    """Since when the state is what it is."""
    wait_low_min: Mapped[int | None]
    wait_high_min: Mapped[int | None]
    """What the patient was told; held against what happened."""
    version: Mapped[int] = mapped_column(server_default="0")
    """Counts up with every change: whoever acts says which one they saw."""


class StepChange(Base):
    """Every change of a step, timed. Marks T0 … T12 are those of waiting-time reports."""

    __tablename__ = "step_change"
    __table_args__ = (
        Index("ix_step_change_step", "step_id"),
        Index("ix_step_change_done", "facility_id", "to_state", "at"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    visit_id: Mapped[str] = mapped_column(ForeignKey("visit.id"))
    step_id: Mapped[str] = mapped_column(ForeignKey("step.id"))
    mark: Mapped[str | None] = mapped_column(String(3))
    from_state: Mapped[str | None] = mapped_column(Code)
    to_state: Mapped[str] = mapped_column(Code)
    at: Mapped[datetime]
    source: Mapped[str] = mapped_column(Code)
    """kiosk, caller, reception, phone, his or job."""
    reason: Mapped[str | None] = mapped_column(Code)
    room_id: Mapped[str | None] = mapped_column(Id)


class WaitHistory(Base):
    """How long people took in a room at one hour of the day, in the last days: one row, no person.

    Written by a job, so that a wait range costs the issue of a number nothing.
    """

    __tablename__ = "wait_history"
    __table_args__ = (CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),)
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    room_id: Mapped[str] = mapped_column(Id, primary_key=True)
    hour: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    cases: Mapped[int]
    median_s: Mapped[int]
    at: Mapped[datetime]
    """When it was counted."""


class Series(Base):
    """The counter numbers are taken from: its row lock is what makes them gapless."""

    __tablename__ = "series"
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    letter: Mapped[str] = mapped_column(String(4), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    last: Mapped[int]


class OfflineSeries(Base):
    """A letter that belongs to one journal of one kiosk for ever: the numbers it gives while the
    server is away. A kiosk that lost its journal gets another letter, so nothing comes twice.
    """

    __tablename__ = "offline_series"
    __table_args__ = (UniqueConstraint("journal_id"),)
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    letter: Mapped[str] = mapped_column(String(4), primary_key=True)
    kiosk_id: Mapped[str] = mapped_column(Id)
    journal_id: Mapped[str] = mapped_column(Id)
    granted_at: Mapped[datetime]


class Number(Base):
    """A number that was given out, once. A number without a visit says why it has none."""

    __tablename__ = "number"
    __table_args__ = (
        CheckConstraint("number > 0", name="positive"),
        CheckConstraint("visit_id IS NOT NULL OR reason IS NOT NULL", name="explained"),
        Index("ix_number_visit", "visit_id"),
    )
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    letter: Mapped[str] = mapped_column(String(4), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    visit_id: Mapped[str | None] = mapped_column(ForeignKey("visit.id"))
    reason: Mapped[str | None] = mapped_column(Code)


class Ticket(Base):
    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint(one_of("print_state", PRINT_STATES), name="print_state"),
        UniqueConstraint("token"),
        UniqueConstraint("visit_id"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    visit_id: Mapped[str] = mapped_column(ForeignKey("visit.id"))
    day: Mapped[date]
    number: Mapped[str] = mapped_column(Code)
    """As printed: letter and digits."""
    token: Mapped[str] = mapped_column(Code)
    content: Mapped[dict[str, Any]]
    """The printed words (web.visit_schemas.Ticket): no name, no number of a person."""
    print_state: Mapped[str] = mapped_column(Code)
    issued_at: Mapped[datetime]


class PrintJob(Base):
    """One attempt to print a ticket, as the kiosk reported it."""

    __tablename__ = "print_job"
    __table_args__ = (
        CheckConstraint(one_of("state", PRINT_STATES), name="state"),
        Index("ix_print_job_visit", "visit_id"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    visit_id: Mapped[str] = mapped_column(ForeignKey("visit.id"))
    kiosk_id: Mapped[str | None] = mapped_column(Id)
    state: Mapped[str] = mapped_column(Code)
    reason: Mapped[str | None] = mapped_column(Name)
    elapsed_ms: Mapped[int | None]
    reported_at: Mapped[datetime]


class PrintRequest(Base):
    """A ticket that staff want on paper, at one print agent. Its id is the agent's job id, so that
    the agent's own journal keeps it from being printed twice.
    """

    __tablename__ = "print_request"
    __table_args__ = (
        CheckConstraint(one_of("state", PRINT_REQUEST_STATES), name="state"),
        Index("ix_print_request_agent", "agent_id", "state", "requested_at"),
        Index("ix_print_request_visit", "visit_id"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    visit_id: Mapped[str] = mapped_column(ForeignKey("visit.id"))
    agent_id: Mapped[str] = mapped_column(Id)
    state: Mapped[str] = mapped_column(Code)
    requested_by: Mapped[str] = mapped_column(Name)
    requested_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(Name)


class Call(Base):
    """Who called which step where and when, and why it was next.

    The order of later calls follows from these rows alone: taking one back or adding one that was
    made while the server was away leaves nothing else to mend.
    """

    __tablename__ = "call"
    __table_args__ = (
        Index("ix_call_step", "step_id"),
        Index("ix_call_queue", "queue_id", "day", "called_at"),
        Index("ix_call_room", "room_id", "day", "called_at"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    day: Mapped[date]
    visit_id: Mapped[str] = mapped_column(ForeignKey("visit.id"))
    step_id: Mapped[str] = mapped_column(ForeignKey("step.id"))
    room_id: Mapped[str] = mapped_column(Id)
    queue_id: Mapped[str] = mapped_column(Id)
    lane: Mapped[str] = mapped_column(String(1))
    number: Mapped[str] = mapped_column(Code)
    attempt: Mapped[int]
    """1 is the call itself, more are calls again."""
    reason: Mapped[str] = mapped_column(Code)
    """domain.queueing.CallReason."""
    by_guard: Mapped[bool]
    offline: Mapped[bool]
    """Made by a room while the server was away, and handed in later."""
    called_by: Mapped[str] = mapped_column(Name)
    called_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]


class RoomDay(Base):
    """How a room works today, where that differs from the catalogue."""

    __tablename__ = "room_day"
    __table_args__ = (CheckConstraint(one_of("state", ROOM_STATES), name="state"),)
    room_id: Mapped[str] = mapped_column(Id, primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    facility_id: Mapped[str] = mapped_column(Id)
    state: Mapped[str] = mapped_column(Code)
    reason: Mapped[str | None] = mapped_column(Code)
    until: Mapped[datetime | None]
    """When a pause is meant to end; nothing happens by itself then."""
    practitioner_id: Mapped[str | None] = mapped_column(Id)
    """Who sees patients here today."""
    changed_by: Mapped[str] = mapped_column(Name)
    changed_at: Mapped[datetime]


class StaffAct(Base):
    """One thing a member of staff did to a queue, with what it takes to undo it for a while."""

    __tablename__ = "staff_act"
    __table_args__ = (
        Index("ix_staff_act_room", "room_id", "at"),
        Index("ix_staff_act_at", "facility_id", "at"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(Code)
    actor: Mapped[str] = mapped_column(Name)
    room_id: Mapped[str | None] = mapped_column(Id)
    reason: Mapped[str | None] = mapped_column(Code)
    steps: Mapped[list[Any]]
    """For each step it changed: id, the version it left, and the values from before (or null
    for a step it made)."""
    call_id: Mapped[str | None] = mapped_column(Id)
    room_before: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """Of a change of the room itself: how it worked before."""
    at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None] = mapped_column(Name)


class Scan(Base):
    """Who stood before a kiosk a moment ago: sealed, short-lived, bound to that kiosk."""

    __tablename__ = "scan"
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    kiosk_id: Mapped[str] = mapped_column(Id)
    """The kiosk, or the member of staff who scanned or took the scan over."""
    kind: Mapped[str] = mapped_column(Code)
    outcome: Mapped[str] = mapped_column(Code)
    sealed: Mapped[bytes]
    """domain.scan.ScanContent as JSON, encrypted for this id."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class NoticeAcceptance(Base):
    """Proof that the data notice was accepted before a person's data were used."""

    __tablename__ = "notice_acceptance"
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    scan_id: Mapped[str] = mapped_column(Id, index=True)
    """Leads to the visit that came of it."""
    version: Mapped[str] = mapped_column(Name)
    language: Mapped[str] = mapped_column(String(2))
    kiosk_id: Mapped[str] = mapped_column(Id)
    accepted_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


# --- in step with the HIS ------------------------------------------------------------------------


class HisFeed(Base):
    """How far this facility has followed its HIS. One row; whoever holds the lease reads on."""

    __tablename__ = "his_feed"
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    cursor: Mapped[str | None] = mapped_column(Text)
    """Of the port's `changes`; none = nothing was followed yet."""
    leased_until: Mapped[datetime | None]
    """One worker reads at a time."""
    pause_until: Mapped[datetime | None]
    """The HIS failed: nobody asks before this."""
    failures: Mapped[int]
    """In a row; they lengthen the pause."""
    answered_at: Mapped[datetime | None]
    """When the HIS last answered."""
    last_error: Mapped[str | None] = mapped_column(Code)
    last_error_at: Mapped[datetime | None]
    lags_ms: Mapped[list[Any]]
    """The last delays between a change in the HIS and its being applied here."""


class HisWatch(Base):
    """A visit that is kept in step. It is to be read while `noticed` is ahead of `applied`."""

    __tablename__ = "his_watch"
    __table_args__ = (Index("ix_his_watch_facility", "facility_id", "changed_at"),)
    visit_id: Mapped[str] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    facility_id: Mapped[str] = mapped_column(Id)
    noticed: Mapped[int]
    """Changes the HIS has told of."""
    applied: Mapped[int]
    """How many of them had been told when it was last read."""
    changed_at: Mapped[datetime | None]
    """The oldest change that is not applied yet."""
    read_at: Mapped[datetime | None]
    failures: Mapped[int]
    next_at: Mapped[datetime | None]
    """After a failure that has to do with this visit alone."""


class HisOrder(Base):
    """An order of the HIS and the step it opened or joined. What was ordered is not kept."""

    __tablename__ = "his_order"
    __table_args__ = (
        Index("ix_his_order_visit", "visit_id"),
        Index("ix_his_order_step", "step_id"),
    )
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    ref: Mapped[str] = mapped_column(Name, primary_key=True)
    visit_id: Mapped[str] = mapped_column(ForeignKey("visit.id"))
    step_id: Mapped[str | None] = mapped_column(ForeignKey("step.id"))
    """None: nobody knows where it is done, or it was over before it was seen."""
    version: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(Code)
    status: Mapped[str] = mapped_column(Code)
    released: Mapped[bool]
    """A result of it may be seen by the doctor."""
    preparation_vi: Mapped[str] = mapped_column(Text)
    preparation_en: Mapped[str] = mapped_column(Text)
    ordered_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class HisCopy(Base):
    """What the HIS said of one kind of data, sealed and dated. domain.ages says what it is for."""

    __tablename__ = "his_copy"
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(Code, primary_key=True)
    visit_id: Mapped[str] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    sealed: Mapped[bytes]
    version: Mapped[str] = mapped_column(Name)
    fetched_at: Mapped[datetime]
    stale: Mapped[bool]
    """The HIS said that it changed, and it was not read again yet."""


# --- kiosks and staff ----------------------------------------------------------------------------


class Kiosk(Base):
    __tablename__ = "kiosk"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        CheckConstraint(one_of("kind", KIOSK_KINDS), name="kind"),
        CheckConstraint(one_of("profile", KIOSK_PROFILES), name="profile"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(Code, server_default="kiosk")
    """An agent prints for staff and may do nothing else."""
    name: Mapped[str] = mapped_column(Name)
    profile: Mapped[str] = mapped_column(Code, server_default="reception")
    """Where it stands, and so what it offers first: one of KIOSK_PROFILES."""
    out_of_service: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """Words (vi, en) for the glass while staff have taken it out of service."""
    token_hash: Mapped[str] = mapped_column(Code)
    enrolled_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Partner(Base):
    """Somebody else's kiosks, a bank's: one name, one secret, all of its machines."""

    __tablename__ = "partner"
    __table_args__ = (
        UniqueConstraint("merchant_id"),
        Index(
            "uq_partner_name",
            "facility_id",
            "name",
            unique=True,
            postgresql_where=STANDING,
            sqlite_where=STANDING,
        ),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    name: Mapped[str] = mapped_column(Name)
    merchant_id: Mapped[str] = mapped_column(Code)
    sealed_secret: Mapped[bytes]
    """Readable: a signature can only be checked with the secret itself."""
    reads_cards: Mapped[bool]
    """Its machines read the chip and compare the face: who comes from there is verified."""
    notice_version: Mapped[str | None] = mapped_column(Code)
    """The data notice that its machines show before they ask for a person."""
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class PartnerSignature(Base):
    """Signatures that were used: each opens once."""

    __tablename__ = "partner_signature"
    signature_hash: Mapped[str] = mapped_column(Code, primary_key=True)
    facility_id: Mapped[str] = mapped_column(Id)
    seen_at: Mapped[datetime] = mapped_column(index=True)


class EnrolmentCode(Base):
    __tablename__ = "enrolment_code"
    code_hash: Mapped[str] = mapped_column(Code, primary_key=True)
    facility_id: Mapped[str] = mapped_column(Id)
    kiosk_name: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(Code, server_default="kiosk")
    profile: Mapped[str] = mapped_column(Code, server_default="reception")
    kiosk_id: Mapped[str | None] = mapped_column(Id)
    """New hardware for this kiosk: it keeps its place, name, profile and letters."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Heartbeat(Base):
    __tablename__ = "heartbeat"
    kiosk_id: Mapped[str] = mapped_column(Id, primary_key=True)
    facility_id: Mapped[str] = mapped_column(Id)
    at: Mapped[datetime]
    report: Mapped[dict[str, Any]]
    """The newest one; device events that came since are in it."""
    notes: Mapped[dict[str, Any]] = mapped_column(Json, server_default=text("'{}'"))
    """domain.kiosk_health.Notes"""


class DeviceEvent(Base):
    __tablename__ = "device_event"
    __table_args__ = (Index("ix_device_event_kiosk", "facility_id", "kiosk_id", "device", "at"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    kiosk_id: Mapped[str] = mapped_column(Id)
    device: Mapped[str] = mapped_column(Code)
    state: Mapped[str] = mapped_column(Code)
    reason: Mapped[str | None] = mapped_column(Name)
    at: Mapped[datetime]


class HelpCall(Base):
    __tablename__ = "help_call"
    __table_args__ = (
        CheckConstraint(one_of("kind", ("help", "emergency")), name="kind"),
        CheckConstraint(one_of("state", ("waiting", "acknowledged")), name="state"),
        Index("ix_help_call_state", "facility_id", "state", "created_at"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(Code)
    state: Mapped[str] = mapped_column(Code)
    kiosk_id: Mapped[str] = mapped_column(Id)
    screen: Mapped[str] = mapped_column(Code)
    visit_id: Mapped[str | None] = mapped_column(Id)
    scan_id: Mapped[str | None] = mapped_column(Id)
    """Who stood there, while the scan lives: staff go on with it."""
    chosen: Mapped[dict[str, Any] | None]
    """What had been chosen by then: codes and ids, nothing of the person."""
    created_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(Name)


class Announcement(Base):
    """A text for halls by timetable: domain.announcements says when it is due. Never deleted."""

    __tablename__ = "announcement"
    __table_args__ = (Index("ix_announcement_active", "facility_id", "active"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    text_vi: Mapped[str] = mapped_column(Text)
    text_en: Mapped[str] = mapped_column(Text)
    spoken: Mapped[bool]
    zones: Mapped[list[Any]]
    """Codes; empty = everywhere."""
    weekdays: Mapped[list[Any]]
    times: Mapped[list[Any]]
    """HH:MM in the facility's own time."""
    every_min: Mapped[int | None]
    starts_at: Mapped[time]
    ends_at: Mapped[time]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    clip: Mapped[str | None] = mapped_column(Name)
    """A phrase of a recorded clip pack."""
    active: Mapped[bool]
    version: Mapped[int]
    """Counts up: whoever changes an older one is told."""
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(Name)


class CallingWordsChange(Base):
    """One change of how calls are worded; what stood before is kept, to go back to it."""

    __tablename__ = "calling_words_change"
    facility_id: Mapped[str] = mapped_column(Id, ForeignKey("facility.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    """Counts up from 1: whoever changes an older one is told."""
    before: Mapped[dict[str, Any]] = mapped_column(Json)
    """domain.calling_settings.CallingSettings as JSON."""
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(Name)


class SettingsImport(Base):
    """Settings changed at once, by a file or on a page, or taken back; what stood before is kept."""

    __tablename__ = "settings_import"
    facility_id: Mapped[str] = mapped_column(Id, ForeignKey("facility.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    """Counts up from 1; the newest can be taken back."""
    changes: Mapped[list[Any]] = mapped_column(Json)
    """domain.settings_file.Change as JSON."""
    origin: Mapped[str] = mapped_column(Code, server_default="file")
    """services.keep_settings.Origin"""
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(Name)


class UserAccount(Base):
    """A member of staff."""

    __tablename__ = "user_account"
    __table_args__ = (UniqueConstraint("facility_id", "name"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    name: Mapped[str] = mapped_column(Name)
    """What is typed to sign in, in small letters."""
    display_name: Mapped[str] = mapped_column(Name)
    roles: Mapped[list[Any]] = mapped_column(Json)
    """Codes of domain.roles.StaffRole."""
    room_ids: Mapped[list[Any]] = mapped_column(Json)
    """Rooms this person may call for; empty: all."""
    password_hash: Mapped[str] = mapped_column(Text)
    must_change_password: Mapped[bool]
    password_until: Mapped[datetime | None]
    """A one-time password is worth nothing after this."""
    password_changed_at: Mapped[datetime]
    sealed_totp: Mapped[bytes | None]
    totp_confirmed_at: Mapped[datetime | None]
    """The second factor counts from here on."""
    totp_step: Mapped[int | None] = mapped_column(BigInteger)
    """Time step of the last code that was taken: it is not taken again."""
    recovery_hashes: Mapped[list[Any]] = mapped_column(Json)
    failed_tries: Mapped[int]
    locked_until: Mapped[datetime | None]
    last_login_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class UserSession(Base):
    """One sign-in of one browser. The browser holds the token, the row its hash."""

    __tablename__ = "user_session"
    __table_args__ = (UniqueConstraint("token_hash"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    user_id: Mapped[str] = mapped_column(
        Id, ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[str] = mapped_column(Code)
    created_at: Mapped[datetime] = mapped_column(index=True)
    last_seen_at: Mapped[datetime]
    way: Mapped[str] = mapped_column(Code)
    """How the person proved who they are: password or single_sign_on."""
    second_factor_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    address_hash: Mapped[str] = mapped_column(Code)


class ApiToken(Base):
    """Lets a program act as a member of staff."""

    __tablename__ = "api_token"
    __table_args__ = (UniqueConstraint("token_hash"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    user_id: Mapped[str] = mapped_column(
        Id, ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[str] = mapped_column(Code)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    """To the hour."""
    revoked_at: Mapped[datetime | None]


class Display(Base):
    """A screen for patients. Whoever holds its key sees the page, and nothing but that page."""

    __tablename__ = "display"
    __table_args__ = (
        CheckConstraint(one_of("kind", DISPLAY_KINDS), name="kind"),
        CheckConstraint(one_of("languages", ("vi", "vi+en")), name="languages"),
        UniqueConstraint("key_hash"),
        Index(
            "uq_display_name",
            "facility_id",
            "name",
            unique=True,
            postgresql_where=STANDING,
            sqlite_where=STANDING,
        ),
        Index(
            "uq_display_voice",
            "facility_id",
            "zone",
            unique=True,
            postgresql_where=SPEAKING,
            sqlite_where=SPEAKING,
        ),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    name: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(Code)
    room_ids: Mapped[list[Any]]
    zone: Mapped[str] = mapped_column(Code)
    """Whoever sits here hears one voice; empty = the facility is one zone."""
    speaks: Mapped[bool]
    languages: Mapped[str] = mapped_column(Code)
    show_names: Mapped[bool]
    """Masked names beside numbers; never for sensitive rooms."""
    distance_m: Mapped[int]
    """From the last seat to the screen."""
    screen_in: Mapped[int]
    """Diagonal of the screen in inches, as it is sold."""
    key_hash: Mapped[str] = mapped_column(Code)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]


class RateLimit(Base):
    """Tries per subject (a keyed hash) and window; old windows are purged."""

    __tablename__ = "rate_limit"
    subject: Mapped[str] = mapped_column(Name, primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    facility_id: Mapped[str] = mapped_column(Id)
    count: Mapped[int]


# --- written in the transaction that caused them -------------------------------------------------


class OutboxMessage(Base):
    """Something to tell another system. Carries our own ids only: the rest is read when it is
    sent. Of one lane at most one is under way at any time, whatever the code does.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        CheckConstraint(one_of("state", OUTBOX_STATES), name="state"),
        Index(
            "uq_outbox_message_sending",
            "facility_id",
            "party",
            "lane",
            unique=True,
            postgresql_where=SENDING,
            sqlite_where=SENDING,
        ),
        Index(
            "ix_outbox_message_due",
            "facility_id",
            "party",
            "id",
            postgresql_where=UNDER_WAY,
            sqlite_where=UNDER_WAY,
        ),
        Index(
            "ix_outbox_message_lane",
            "facility_id",
            "party",
            "lane",
            "id",
            postgresql_where=NOT_SETTLED,
            sqlite_where=NOT_SETTLED,
        ),
        Index("ix_outbox_message_visit", "visit_id"),
        Index("ix_outbox_message_settled", "settled_at"),
    )
    id: Mapped[str] = primary()
    """Also the key the other side recognises a repeated message by; orders the lane."""
    facility_id: Mapped[str] = mapped_column(Id)
    party: Mapped[str] = mapped_column(Code, server_default="his")
    lane: Mapped[str] = mapped_column(Id)
    """What must stay in order: the person's id, or an id of the message's own."""
    kind: Mapped[str] = mapped_column(Code)
    visit_id: Mapped[str | None] = mapped_column(ForeignKey("visit.id"))
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(Code, server_default="new")
    attempts: Mapped[int] = mapped_column(server_default="0")
    """How often it was taken up; also tells a worker that was late that it is no longer its."""
    next_at: Mapped[datetime]
    """When it is due; while it is being sent: when its worker counts as lost."""
    sent_at: Mapped[datetime | None]
    """When it was taken up last."""
    failed_alone: Mapped[int] = mapped_column(server_default="0")
    """How often it met a fault of its party although others had got through since its last try."""
    expires_at: Mapped[datetime]
    last_error: Mapped[str | None] = mapped_column(Code)
    his_ref: Mapped[str | None] = mapped_column(Name)
    """What the other side calls the record that came of it."""
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    """Done or discarded: nobody has to think of it any more."""


class PartyState(Base):
    """How another system is, as all processes see it together."""

    __tablename__ = "party_state"
    __table_args__ = (CheckConstraint(one_of("breaker", BREAKER_STATES), name="breaker"),)
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    party: Mapped[str] = mapped_column(Code, primary_key=True)
    call_group: Mapped[str] = mapped_column(Code, primary_key=True)
    """read or write"""
    breaker: Mapped[str] = mapped_column(Code, server_default="closed")
    failures: Mapped[int] = mapped_column(server_default="0")
    """In a row, since `failing_since`."""
    failing_since: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    """Since when it is away."""
    probe_at: Mapped[datetime | None]
    """When the next single try may go."""
    last_ok_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Code)
    delivered: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Messages that arrived, ever."""


class IdempotencyKey(Base):
    """The first answer to a caller's key, given again word for word."""

    __tablename__ = "idempotency_key"
    caller: Mapped[str] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    facility_id: Mapped[str] = mapped_column(Id)
    body_hash: Mapped[str] = mapped_column(Code)
    status: Mapped[int]
    reply: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(index=True)


class AuditEvent(Base):
    """Who did what to which row. `sequence` and `chain_hash` are filled by the sealer later."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index(
            "ix_audit_event_unsealed",
            "id",
            postgresql_where=text("sequence IS NULL"),
            sqlite_where=text("sequence IS NULL"),
        ),
        Index(
            "uq_audit_event_sequence",
            "facility_id",
            "sequence",
            unique=True,
            postgresql_where=text("sequence IS NOT NULL"),
            sqlite_where=text("sequence IS NOT NULL"),
        ),
        # What people search by, each in the order in which it is shown.
        Index("ix_audit_event_at", "facility_id", "at", "id"),
        Index("ix_audit_event_actor", "facility_id", "actor", "at", "id"),
        Index("ix_audit_event_event", "facility_id", "event", "at", "id"),
        Index("ix_audit_event_subject", "facility_id", "subject", "at", "id"),
        Index(
            "ix_audit_event_identified",
            "facility_id",
            "at",
            postgresql_where=IDENTIFIED,
            sqlite_where=IDENTIFIED,
        ),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(Name)
    """kiosk:ID, staff:ID, job:NAME or command."""
    event: Mapped[str] = mapped_column(Code)
    subject: Mapped[str] = mapped_column(Name)
    """table:ID"""
    detail: Mapped[dict[str, Any]]
    origin: Mapped[str | None] = mapped_column(Code)
    """Where from: an address of the network, or host:ACCOUNT for a command; none for a job."""
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    chain_hash: Mapped[str | None] = mapped_column(Code)


class AuditCheckpoint(Base):
    """Both ends of the audit chain. Who seals or purges holds this row: one at a time."""

    __tablename__ = "audit_checkpoint"
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    purged_sequence: Mapped[int] = mapped_column(BigInteger)
    """The newest row that was purged, 0 before; the oldest row that is left is chained to it."""
    purged_hash: Mapped[str] = mapped_column(Code)
    head_sequence: Mapped[int] = mapped_column(BigInteger)
    head_hash: Mapped[str] = mapped_column(Code)


class LiveEvent(Base):
    """Something boards, desks and phones show at once. Readers remember the last id they saw."""

    __tablename__ = "live_event"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    facility_id: Mapped[str] = mapped_column(Id)
    event: Mapped[str] = mapped_column(Code)
    subject: Mapped[str] = mapped_column(Name)
    detail: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(index=True)
