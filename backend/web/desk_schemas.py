"""Shapes of the reception desk and of print agents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from backend.web.scan_schemas import NoticeAcceptance, OnBehalf, ScanReply
from backend.web.visit_schemas import Papers, Ticket
from backend.web.wire import Id, Label, Language, Reply, Request, ShortText, Version

NeedName = Literal["name", "coverage", "identity", "priority", "print", "missed"]
PrintStateName = Literal["pending", "taken", "printed", "unconfirmed", "failed", "unknown"]


class TodayQuery(Request):
    need: NeedName | None = None
    before: Id | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 30


class DeskStep(Reply):
    id: str
    version: int
    kind: str
    state: str
    hold_reason: str | None
    service: Label
    room: Label | None


class DeskVisit(Reply):
    """Nothing of the person. `needs` says what the desk still has to look at."""

    id: str
    version: int
    number: str
    lane: str
    state: str
    created_at: datetime
    kiosk: str | None
    print_state: str
    needs: list[NeedName]
    steps: list[DeskStep]
    his_number: str | None


class TodayReply(Reply):
    items: list[DeskVisit]
    next: str | None
    counts: dict[str, int]


class SearchRequest(Request):
    """A queue number, a number or phone of a person, a name without accents, or a scanned code."""

    text: Annotated[str, Field(min_length=1, max_length=1_000)]


class DeskPerson(Reply):
    full_name: str
    birth_date: str | None
    gender: Literal["male", "female"] | None
    masked_numbers: dict[str, str]
    masked_phone: str | None


class FoundVisit(Reply):
    visit: DeskVisit
    person: DeskPerson | None


class SearchReply(Reply):
    items: list[FoundVisit]
    complete: bool
    understood: bool


class DeskGuardian(Reply):
    relation: str
    masked_phone: str


class DeskPrint(Reply):
    id: str
    agent: str
    state: PrintStateName
    reason: str | None
    requested_at: datetime


class DeskCategory(Reply):
    """MA_DOITUONG_KCB: a proposal until `confirmed`. `code` null: nothing can be proposed yet."""

    code: str | None
    title: Label | None
    reason: str | None
    confirmed: bool


class OpenedVisitReply(Reply):
    visit: DeskVisit
    person: DeskPerson | None
    address: str | None
    guardian: DeskGuardian | None
    priority: Label | None
    declared: bool
    verified: bool
    provisional: bool
    use_insurance: bool
    coverage: str | None
    known_to_his: bool
    category: DeskCategory
    evidence: int
    prints: list[DeskPrint]


class DecisionReply(Reply):
    id: str
    version: int


class PriorityRequest(Request):
    version: Version
    reason: Literal[
        "papers_seen", "plain_to_see", "no_papers", "not_eligible", "patient_withdrew", "mistake"
    ]


class IdentityRequest(Request):
    version: Version
    reason: Literal[
        "id_card", "vneid", "passport", "birth_certificate", "other_papers", "known_to_staff"
    ]


class CoverageRequest(Request):
    version: Version
    decision: Literal["valid", "not_valid", "patient_pays"]


class CategoryRequest(Request):
    version: Version
    code: Annotated[str, Field(pattern=r"^[0-9]{1,2}(\.[0-9]{1,2})?$")]
    reason: Literal[
        "as_proposed", "slip_seen", "no_slip", "listed_disease", "emergency", "residence",
        "card_seen", "other",
    ]  # fmt: skip
    papers: Papers | None = None
    """What was read off the slip that decides."""


class PersonRequest(Request):
    """How the person of a visit is reached; null leaves a field as it is."""

    version: Version
    phone: Annotated[str, Field(pattern=r"^[0-9+ .-]{8,20}$")] | None = None
    address: (
        Annotated[str, Field(min_length=1, max_length=400, pattern=r"^[^\x00-\x1f\x7f]+$")] | None
    ) = None


Said = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]


class HistoryRequest(Request):
    """What the patient says about their own health; null: not asked."""

    version: Version
    allergies: Said | None = None
    illnesses: Said | None = None
    medicines: Said | None = None
    language: Language = "vi"


class ResumeRequest(Request):
    step_id: Id
    version: Version
    """Of the step."""


class SeenVisitRequest(Request):
    visit_id: Id
    version: Version


class MergeRequest(Request):
    keep: SeenVisitRequest
    other: SeenVisitRequest
    confirmed: bool = False


class MergeReply(Reply):
    merged: bool
    cancelled: list[str]
    same_name: bool
    same_birth_date: bool


class DescribedRequest(Request):
    """Somebody without a card: what they say, and what staff saw."""

    full_name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
    birth_date: Annotated[str, Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")]
    gender: Literal["male", "female"] | None = None
    phone: Annotated[str, Field(pattern=r"^[0-9+ ]{8,16}$")] | None = None
    number: (
        Annotated[str, Field(min_length=4, max_length=40, pattern=r"^[0-9A-Za-z -]+$")] | None
    ) = None
    """A personal, insurance or passport number, where a paper names one."""
    papers_seen: bool = False
    notice: NoticeAcceptance | None = None
    on_behalf: OnBehalf | None = None


class ContinueReply(Reply):
    """`screen` is where the kiosk stood; `scan` is null when it has to be scanned again."""

    screen: str
    visit_id: str | None
    chosen: dict[str, object]
    scan: ScanReply | None


class DeskRoom(Reply):
    id: str
    code: str
    name: Label
    floor: str
    state: Literal["open", "paused", "closed"]
    reason: str | None
    until: datetime | None
    doctor_id: str | None
    doctor: str | None
    waiting: int
    shared: int
    in_session: bool
    changed_by: str | None
    changed_at: datetime | None


class DeskDoctor(Reply):
    id: str
    name: str


class DeskRoomList(Reply):
    items: list[DeskRoom]
    doctors: list[DeskDoctor]


# --- print agents ------------------------------------------------------------------------------


class AgentReply(Reply):
    """`printer` is the state the agent told last."""

    id: str
    name: str
    answers: bool
    printer: str | None


class AgentList(Reply):
    items: list[AgentReply]


class PrintRequestRequest(Request):
    agent_id: Id


class PrintRequestReply(Reply):
    id: str


class PrintRequestPath(Request):
    print_request_id: Id


class VisitPrintPath(Request):
    visit_id: Id
    print_request_id: Id


class TakenPrint(Reply):
    """`again`: handed out before, its end was not told. The id is the job id."""

    id: str
    visit_id: str
    again: bool
    ticket: Ticket


class TakenPrintList(Reply):
    items: list[TakenPrint]


class PrintEndRequest(Request):
    state: Literal["printed", "unconfirmed", "failed", "unknown"]
    reason: ShortText | None = None
    elapsed_ms: Annotated[int, Field(ge=0, le=3_600_000)] | None = None


class HisKindReply(Reply):
    """`source`: live, copy (`age` says of when), silent or not_offered. `facts` are counts, codes
    and yes or no; never a value of a result, an amount or a name.
    """

    kind: str
    source: str
    at: datetime | None
    age: str
    facts: dict[str, str | int | bool | None]


class HisDataReply(Reply):
    """What the HIS has of this visit, kind by kind; empty while it does not know the person."""

    items: list[HisKindReply]
