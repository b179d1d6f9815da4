"""A HIS that speaks HL7 v2.5.1 over MLLP, behind the port.

People are found with QBP^Q22 and written with ADT^A28, A31, A40; visits with ADT^A04, A11; bookings
with SRM^S01, S02, S04; payments with DFT^P03. Orders, results and changes come by themselves
(`feed`). The standard has no question for what a key has written, for visits, bookings and free
hours: each is asked by the name the hospital gives it (`queries`), or not offered.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib.metadata import version as package_version
from types import MethodType
from typing import Any, TypeVar

from his_adapter.builtin.catalogue import load_catalogue
from his_adapter.builtin.checks import (
    MAX_ADDRESS,
    MAX_LIMIT,
    MAX_REASON,
    checked_identifier,
    checked_key,
    checked_limit,
    checked_moment,
    checked_name,
    checked_phone,
    checked_text,
)
from his_adapter.builtin.names import masked_name, search_key
from his_adapter.errors import (
    BrokenReply,
    HisError,
    InvalidData,
    KeyReused,
    MultipleMatches,
    NotFound,
    NotSupported,
    OutcomeUnknown,
    VersionConflict,
)
from his_adapter.hl7_v2.catalogue import CatalogueCalls, page
from his_adapter.hl7_v2.client import Hl7Client
from his_adapter.hl7_v2.config import Hl7Config, read_config
from his_adapter.hl7_v2.feed import FeedReceiver
from his_adapter.hl7_v2.feed_store import FeedStore
from his_adapter.hl7_v2.mapping import MAX_REF, Hl7Mapping, split_name
from his_adapter.hl7_v2.messages import Message
from his_adapter.models import (
    MAX_PART_BYTES,
    Appointment,
    AppointmentAction,
    AppointmentStatus,
    Capabilities,
    ChangePage,
    CheckIn,
    Feature,
    Health,
    HealthState,
    Identifier,
    IdentifierKind,
    MatchGrade,
    Order,
    OrderStatus,
    Page,
    Patient,
    PatientChanges,
    PatientDraft,
    PatientMatch,
    PatientQuery,
    PaymentPosting,
    PaymentReceipt,
    Ref,
    Report,
    ReportContent,
    ReportKind,
    Slot,
    Visit,
    VisitStatus,
    WriteKey,
    Written,
)
from his_adapter.partial import PartialGateway, overridden_features
from his_adapter.ports import DEFAULT_LIMIT, HisGateway

ADAPTER = "hl7_v2"
_GRADES = tuple(MatchGrade)
_SKEW_WORTH_TELLING_S = 60.0
_NOBODY = (("@PID.3.1", "TIEPDON-NOBODY"), ("@PID.3.5", "MR"))
_FEED = {Feature.LIST_ORDERS, Feature.LIST_REPORTS, Feature.READ_REPORT_PART, Feature.CHANGES}

Clock = Callable[[], datetime]
Item = TypeVar("Item")
WrittenT = TypeVar("WrittenT", Patient, Appointment, Visit, PaymentReceipt)


class Hl7Gateway(CatalogueCalls):
    """Safe from several threads; of several processes one receives the feed."""

    def __init__(self, config: Hl7Config, *, clock: Clock = lambda: datetime.now(UTC)) -> None:
        """Raises GatewayMisconfigured."""
        super().__init__(load_catalogue(config.catalogue_file))
        self._config = config
        self._clock = clock
        self._client = Hl7Client(config, clock=clock)
        self._mapping = Hl7Mapping(config, self._catalogue.facility.code)
        self._store: FeedStore | None = None
        self._receiver: FeedReceiver | None = None
        if config.feed is not None:
            self._store = FeedStore(config.feed.file, keep_days=config.feed.keep_days)
            self._receiver = FeedReceiver(
                config, config.feed, self._store, self._mapping, clock=clock
            )
            self._receiver.start()
        self._features = _declared(config)
        for feature in config.features_off:
            setattr(self, feature, MethodType(getattr(PartialGateway, feature), self))

    def capabilities(self) -> Capabilities:
        return Capabilities(
            features=self._features,
            facility=self._catalogue.facility,
            max_limit=MAX_LIMIT,
            adapter=ADAPTER,
            adapter_version=package_version("tiepdon"),
            his_version="HL7 v2.5.1",
            wants_person=True,
        )

    def health(self) -> Health:
        """Any answer to a question about nobody will do."""
        try:
            latency_ms, skew_s = self._client.probe(self._people_question(_NOBODY, 1)[0])
        except HisError as error:
            return Health(state=HealthState.DOWN, cause=str(error))
        state = HealthState.OK
        cause = None
        if skew_s is not None and abs(skew_s) > _SKEW_WORTH_TELLING_S:
            state, cause = HealthState.DEGRADED, "the clock of the HIS differs"
        return Health(state=state, latency_ms=latency_ms, clock_skew_s=skew_s, cause=cause)

    def close(self) -> None:
        if self._receiver is not None:
            self._receiver.close()
        self._client.close()

    # --- people

    def find_patients(
        self, query: PatientQuery, *, limit: int = DEFAULT_LIMIT
    ) -> Page[PatientMatch]:
        checked_limit(limit)
        if len(query.identifiers) > len(IdentifierKind):
            raise InvalidData("identifiers", "Quá nhiều số giấy tờ.")
        name = None if query.full_name is None else checked_name(query.full_name)
        if not query.identifiers and (name is None or query.birth_date is None):
            raise InvalidData("query", "Cần số giấy tờ, hoặc họ tên và ngày sinh.")
        found: dict[Ref, tuple[MatchGrade, Patient]] = {}
        whole = True
        for item in query.identifiers:
            for grade, patient in self._by_number(item, query, limit):
                _keep_surest(found, grade, patient)
        if name is not None and query.birth_date is not None:
            people, whole = self._by_name(name, query, limit)
            for grade, patient in people:
                _keep_surest(found, grade, patient)
        ranked = sorted(found.values(), key=lambda each: (_GRADES.index(each[0]), each[1].ref))
        return page([_match(patient, grade) for grade, patient in ranked], limit, whole=whole)

    def _by_number(
        self, item: Identifier, query: PatientQuery, limit: int
    ) -> list[tuple[MatchGrade, Patient]]:
        written = self._config.number_type(item.kind)
        value = item.value
        if written is None or not value.isascii() or not value.isprintable() or len(value) > 40:
            return []
        if not value.strip():
            return []
        # Never one alone: a second person with this number must be seen.
        groups, _ = self._ask_people(
            [("@PID.3.1", value), ("@PID.3.5", written.type)], max(limit, 2)
        )
        people = [self._mapping.read_patient(group) for group in groups]
        is_booking = item.kind is IdentifierKind.APPOINTMENT
        if not all(is_booking or self._mapping.carries(group, value) for group in groups):
            raise BrokenReply("somebody who was not asked for")
        if item.kind is IdentifierKind.CMND9:
            people = [each for each in people if not _is_contradicted(each, query)]
            if len(people) > 1:
                raise MultipleMatches("several people carry this number")
            proven = query.full_name is not None and query.birth_date is not None
            grade = MatchGrade.CERTAIN if proven else MatchGrade.POSSIBLE
            return [(grade, each) for each in people]
        if len(people) > 1:
            raise MultipleMatches("several people carry this number")
        return [
            (
                MatchGrade.POSSIBLE if _is_contradicted(each, query) else MatchGrade.CERTAIN,
                each,
            )
            for each in people
        ]

    def _by_name(
        self, name: str, query: PatientQuery, limit: int
    ) -> tuple[list[tuple[MatchGrade, Patient]], bool]:
        family, given, middle = split_name(name)
        wanted = query.birth_date
        assert wanted is not None  # noqa: S101 - the caller asks with a birth date only
        groups, whole = self._ask_people(
            [
                ("@PID.5.1", family),
                ("@PID.5.2", given),
                ("@PID.5.3", middle),
                ("@PID.7", wanted.isoformat().replace("-", "")),
            ],
            limit,
        )
        found = []
        for group in groups:
            patient = self._mapping.read_patient(group)
            known = patient.birth_date
            if known is None or not known.agrees_with(wanted) or _is_contradicted(patient, query):
                continue
            if query.gender and patient.gender not in {query.gender, "unknown"}:
                continue
            if query.phone and patient.phone not in {None, checked_phone(query.phone)}:
                continue
            exact = known.day is not None and wanted.day is not None
            found.append((MatchGrade.PROBABLE if exact else MatchGrade.POSSIBLE, patient))
        return found, whole

    def read_patient(self, ref: Ref) -> Patient:
        return self._mapping.read_patient(self._read_person(ref))

    def _read_person(self, ref: Ref) -> Message:
        """As the HIS tells it. Raises NotFound, BrokenReply."""
        _check_ref(ref)
        groups, _ = self._ask_people(
            [("@PID.3.1", ref), ("@PID.3.5", self._config.patient_id_type)], 2
        )
        if not groups:
            raise NotFound("no such patient")
        if len(groups) > 1 or not self._mapping.carries(groups[0], ref):
            raise BrokenReply("somebody who was not asked for")
        return groups[0]

    def create_patient(self, draft: PatientDraft, *, key: WriteKey) -> Patient:
        checked_key(key)
        draft = _checked_draft(draft)
        message = self._adt("A28", "ADT_A05")
        self._mapping.put_patient(message, draft)
        message.add("PV1").put(1, "1").put(2, "N")
        message.put(self._config.places.key, key)
        answer = self._client.write(message, key=key)

        def from_answer() -> Patient:
            if not answer.find("PID"):
                raise BrokenReply("the HIS did not say whom it has made")
            return self._mapping.read_patient(answer)

        return self._read_back(key, Patient, from_answer)

    def update_patient(
        self, ref: Ref, changes: PatientChanges, *, version: str, key: WriteKey
    ) -> Patient:
        """HL7 v2 knows no versions: the record is read and compared, then written as a whole."""
        checked_key(key)
        changes = _checked_changes(changes)
        told = self._read_person(ref)
        before = self._mapping.read_patient(told)
        if before.version != version:
            earlier = self._find_written(key, Patient)
            if earlier is None or earlier.ref != before.ref:
                raise VersionConflict("the patient was changed by somebody else")
            if not _agrees(earlier, changes):
                raise KeyReused("this key has written something else")
            return earlier
        message = self._adt("A31", "ADT_A05")
        self._mapping.put_changed(message, told, changes)
        message.add("PV1").put(1, "1").put(2, "N")
        message.put(self._config.places.key, key)
        message.put(self._config.places.version, version)
        self._client.write(message, key=key)
        return self._read_back(key, Patient, lambda: self.read_patient(before.ref))

    def merge_patients(self, keep: Ref, drop: Ref, *, key: WriteKey) -> Patient:
        if Feature.MERGE_PATIENTS not in self._features:
            raise NotSupported(Feature.MERGE_PATIENTS)
        checked_key(key)
        kept, dropped = self.read_patient(keep), self.read_patient(drop)
        message = self._adt("A40", "ADT_A39")
        self._mapping.put_patient(message, replace(kept, guardian=None), kept.ref)
        message.add("MRG").put_all(
            1, drop, "", "", self._catalogue.facility.code, self._config.patient_id_type
        )
        message.put(self._config.places.key, key)
        if dropped.ref != kept.ref:
            self._client.write(message, key=key)
        return self.read_patient(keep)

    def _ask_people(self, wanted: list[tuple[str, str]], limit: int) -> tuple[list[Message], bool]:
        """QBP^Q22: the groups of the people in the answer, and whether these are all."""
        message, tag = self._people_question(wanted, limit)
        return self._answered(self._client.ask(message), tag, limit, "PID")

    def _people_question(
        self, wanted: Sequence[tuple[str, str]], limit: int
    ) -> tuple[Message, str]:
        message = self._client.new_message("QBP", "Q22", "QBP_Q21")
        tag = secrets.token_hex(8)
        name = self._config.pdq_name.split("^")
        qpd = message.add("QPD").put_all(1, *name).put(2, tag)
        for field, value in wanted:
            if value:
                qpd.put_all(3, field, value)
        message.add("RCP").put(1, "I").put(2, str(limit)).put(2, "RD", 2)
        return message, tag

    # --- free hours, bookings

    def find_slots(
        self,
        service: Ref,
        practitioner: Ref | None,
        start: datetime,
        end: datetime,
        *,
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Slot]:
        start, end = checked_moment("start", start), checked_moment("end", end)
        checked_limit(limit)
        groups, whole = self._ask_named(
            Feature.FIND_SLOTS,
            [service, practitioner or "", self._mapping.time(start), self._mapping.time(end)],
            limit,
            "SCH",
        )
        start = max(start, self._clock())
        slots = [self._mapping.read_slot(group) for group in groups]
        found = [slot for slot in slots if slot.free and start <= slot.start < end]
        return page(sorted(found, key=lambda slot: (slot.start, slot.ref)), limit, whole=whole)

    def book_appointment(
        self, patient: Ref, slot: Ref, service: Ref, *, key: WriteKey
    ) -> Appointment:
        self._need(Feature.BOOK_APPOINTMENT)
        checked_key(key)
        for ref in (patient, slot, service):
            _check_ref(ref)
        message = self._srm("S01", key, slot=slot)
        self._mapping.put_reference(message, patient)
        message.add("RGS").put(1, "1").put(2, "A")
        message.add("AIS").put(1, "1").put(2, "A").put(3, service)
        message.put(self._config.places.key, key)
        return self._booked(message, key)

    def change_appointment(
        self,
        ref: Ref,
        action: AppointmentAction,
        *,
        version: str,
        key: WriteKey,
        reason: str = "",
        new_slot: Ref | None = None,
    ) -> Appointment:
        self._need(Feature.CHANGE_APPOINTMENT)
        checked_key(key)
        _check_ref(ref)
        reason = checked_text("reason", reason, max_chars=MAX_REASON)
        if action is AppointmentAction.CANCEL:
            message = self._srm("S04", key, filler=ref, reason=reason)
        elif new_slot is None:
            raise InvalidData("new_slot", "Cần chọn giờ mới.")
        else:
            _check_ref(new_slot)
            message = self._srm("S02", key, filler=ref, reason=reason, slot=new_slot)
        message.add("RGS").put(1, "1").put(2, "A")
        message.put(self._config.places.key, key)
        message.put(self._config.places.version, version)
        return self._booked(message, key)

    def find_appointments(
        self,
        patient: Ref,
        start: datetime,
        end: datetime,
        *,
        statuses: frozenset[AppointmentStatus] = frozenset({AppointmentStatus.BOOKED}),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Appointment]:
        start, end = checked_moment("start", start), checked_moment("end", end)
        _check_ref(patient)
        groups, whole = self._ask_named(
            Feature.FIND_APPOINTMENTS,
            [patient, self._mapping.time(start), self._mapping.time(end)],
            limit,
            "SCH",
        )
        known = [self._mapping.read_appointment(group) for group in groups]
        self._check_owner(patient, [item.patient for item in known])
        found = [item for item in known if item.status in statuses and start <= item.start < end]
        return page(sorted(found, key=lambda item: (item.start, item.ref)), limit, whole=whole)

    def _srm(
        self,
        event: str,
        key: WriteKey,
        *,
        slot: Ref | None = None,
        filler: str = "",
        reason: str = "",
    ) -> Message:
        message = self._client.new_message("SRM", event, "SRM_S01")
        arq = message.add("ARQ").put(1, key).put(2, filler).put(5, slot or "")
        arq.put(7, reason or "KIOSK", 2 if reason else 1)
        sender = self._config.sending_application
        arq.put(15, sender).put(19, sender)
        return message

    def _booked(self, message: Message, key: WriteKey) -> Appointment:
        answer = self._client.write(message, key=key)

        def from_answer() -> Appointment:
            groups = list(answer.groups("SCH"))
            if len(groups) != 1:
                raise BrokenReply("no booking")
            return self._mapping.read_appointment(groups[0])

        return self._read_back(key, Appointment, from_answer)

    # --- visits

    def check_in(self, request: CheckIn, *, key: WriteKey) -> Visit:
        checked_key(key)
        for ref in (request.patient, request.service, request.appointment, request.room):
            if ref is not None:
                _check_ref(ref)
        if request.service is None and request.appointment is None:
            raise InvalidData("service", "Cần dịch vụ hoặc lịch hẹn.")
        reason = request.reason and checked_text("reason", request.reason, max_chars=MAX_REASON)
        request = replace(request, reason=reason)
        message = self._adt("A04", "ADT_A01")
        if request.person is not None:
            self._mapping.put_patient(message, request.person, request.patient)
        else:
            self._mapping.put_patient(message, self.read_patient(request.patient), request.patient)
        self._mapping.put_check_in(message, request, request.service)
        message.put(self._config.places.key, key)
        answer = self._client.write(message, key=key)
        return self._read_back(key, Visit, lambda: self._mapping.read_visit(answer, message))

    def cancel_visit(self, ref: Ref, *, reason: str, key: WriteKey) -> Visit:
        checked_key(key)
        _check_ref(ref)
        reason = checked_text("reason", reason, max_chars=MAX_REASON)
        self._need(Feature.CANCEL_VISIT)
        before = self._find_visit(ref)
        message = self._adt("A11", "ADT_A09")
        self._mapping.put_reference(message, before.patient)
        message.add("PV1").put(1, "1").put(2, "O").put(19, ref).put(19, "VN", 5)
        if reason:
            message.add("PV2").put(3, reason, 2)
        message.put(self._config.places.key, key)
        self._client.write(message, key=key)
        return self._read_back(key, Visit, lambda: replace(before, status=VisitStatus.CANCELLED))

    def _find_visit(self, ref: Ref) -> Visit:
        groups, _ = self._ask_named(Feature.LIST_VISITS, ["", "", ref], 2, "PID")
        visits = [self._mapping.read_visit(group) for group in groups]
        if not visits:
            raise NotFound("no such visit")
        if [visit.ref for visit in visits] != [ref]:
            raise BrokenReply("a visit that was not asked for")
        return visits[0]

    def list_visits(self, patient: Ref, since: date, *, limit: int = DEFAULT_LIMIT) -> Page[Visit]:
        _check_ref(patient)
        checked_limit(limit)
        groups, whole = self._ask_named(
            Feature.LIST_VISITS, [patient, since.strftime("%Y%m%d"), ""], limit, "PID"
        )
        visits = [self._mapping.read_visit(group) for group in groups]
        self._check_owner(patient, [visit.patient for visit in visits])
        return page(
            sorted(visits, key=lambda visit: visit.created_at, reverse=True), limit, whole=whole
        )

    # --- money

    def post_payment(self, payment: PaymentPosting, *, key: WriteKey) -> PaymentReceipt:
        self._need(Feature.POST_PAYMENT)
        checked_key(key)
        if payment.amount_vnd <= 0:
            raise InvalidData("amount_vnd", "Số tiền không hợp lệ.")
        for ref in (payment.patient, payment.visit, payment.invoice):
            if ref is not None:
                _check_ref(ref)
        message = self._adt("P03", "DFT_P03", code="DFT")
        self._mapping.put_reference(message, payment.patient)
        self._mapping.put_payment(message, payment)
        message.put(self._config.places.key, key)
        answer = self._client.write(message, key=key)
        return self._read_back(
            key, PaymentReceipt, lambda: self._mapping.read_receipt(answer, message)
        )

    # --- what the HIS sends by itself

    def list_orders(
        self,
        patient: Ref,
        since: datetime,
        *,
        statuses: frozenset[OrderStatus] = frozenset(OrderStatus),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Order]:
        store, more = self._feed(Feature.LIST_ORDERS), checked_limit(limit) + 1
        since, known = checked_moment("since", since), self.read_patient(patient)
        return page(store.list_orders(known.ref, since, statuses=statuses, limit=more), limit)

    def list_reports(
        self,
        patient: Ref,
        since: datetime,
        *,
        kinds: frozenset[ReportKind] = frozenset(ReportKind),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Report]:
        store, more = self._feed(Feature.LIST_REPORTS), checked_limit(limit) + 1
        since, known = checked_moment("since", since), self.read_patient(patient)
        return page(store.list_reports(known.ref, since, kinds=kinds, limit=more), limit)

    def read_report_part(self, ref: Ref, part: str, *, patient: Ref) -> ReportContent:
        store = self._feed(Feature.READ_REPORT_PART)
        _check_ref(ref)
        content = store.read_part(ref, part[:MAX_REF], patient=self.read_patient(patient).ref)
        if len(content.body) > MAX_PART_BYTES:
            raise BrokenReply("a document that is too large")
        return content

    def changes(self, cursor: str | None, *, limit: int = DEFAULT_LIMIT) -> ChangePage:
        store = self._feed(Feature.CHANGES)
        return store.changes(cursor, limit=checked_limit(limit))

    # --- after a lost answer

    def find_by_key(self, key: WriteKey) -> Written | None:
        groups, _ = self._ask_named(Feature.FIND_BY_KEY, [checked_key(key)], 2, "SCH", "PID")
        # A booking begins with SCH and has a PID of its own.
        found = Message([segment for group in groups for segment in group.segments])
        mapping = self._mapping
        if not found.segments:
            return None
        if found.at(self._config.places.key) not in {"", key}:
            raise BrokenReply("what another key has written")
        if found.find("SCH"):
            return mapping.read_appointment(found)
        if len(groups) > 1:
            raise BrokenReply("several records of one key")
        if found.find("FT1"):
            return mapping.read_receipt(found)
        return mapping.read_visit(found) if found.find("PV1") else mapping.read_patient(found)

    def _find_written(self, key: WriteKey, kind: type[WrittenT]) -> WrittenT | None:
        if Feature.FIND_BY_KEY not in self._features:
            return None
        written = self.find_by_key(key)
        return written if isinstance(written, kind) else None

    def _read_back(
        self, key: WriteKey, kind: type[WrittenT], from_answer: Callable[[], WrittenT]
    ) -> WrittenT:
        """What the HIS has stored; it has acknowledged, so that a failure now is no refusal."""
        try:
            if Feature.FIND_BY_KEY in self._features:
                written = self._find_written(key, kind)
                if written is None:
                    raise BrokenReply("an acknowledged write cannot be found")
                return written
            return from_answer()
        except HisError as error:
            raise OutcomeUnknown("what was written cannot be read", key=key) from error

    # --- asking

    def _ask_named(
        self, feature: Feature, values: list[str], limit: int, *starts: str
    ) -> tuple[list[Message], bool]:
        """QBP^Q11 with the hospital's own name and our values in QPD-3 and further."""
        self._need(feature)
        message = self._client.new_message("QBP", "Q11", "QBP_Q11")
        tag = secrets.token_hex(8)
        name = getattr(self._config.queries, _QUERY_OF[feature])
        qpd = message.add("QPD").put_all(1, *name.split("^")).put(2, tag)
        for number, value in enumerate(values, start=3):
            qpd.put(number, value)
        message.add("RCP").put(1, "I").put(2, str(limit)).put(2, "RD", 2)
        return self._answered(self._client.ask(message), tag, limit, *starts)

    def _answered(
        self, answer: Message, tag: str, limit: int, *starts: str
    ) -> tuple[list[Message], bool]:
        """Raises BrokenReply."""
        qak = answer.find("QAK")
        if qak is None or qak.get(1) != tag:
            raise BrokenReply("the answer to another question")
        if qak.get(2) == "NF":
            return [], True
        groups, text = list(answer.groups(*starts)), qak.get(4)
        hits = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
        if not groups and (qak.get(2) != "OK" or hits != 0):
            raise BrokenReply("less than the answer says")
        more = bool(answer.first("DSC").get(1)) or (hits or 0) > len(groups)
        if more and len(groups) < limit and not answer.first("DSC").get(1):
            raise BrokenReply("less than the answer says")
        return groups, not more

    def _check_owner(self, asked: Ref, owners: list[Ref]) -> None:
        """Another number is right only when the record was merged."""
        if any(owner != asked for owner in owners):
            kept = self.read_patient(asked).ref
            if any(owner not in {asked, kept} for owner in owners):
                raise BrokenReply("something of somebody who was not asked for")

    def _adt(self, event: str, structure: str, *, code: str = "ADT") -> Message:
        message = self._client.new_message(code, event, structure)
        message.add("EVN").put(1, event).put(2, self._mapping.time(self._clock()))
        return message

    def _need(self, feature: Feature) -> None:
        if feature not in self._features:
            raise NotSupported(feature)

    def _feed(self, feature: Feature) -> FeedStore:
        self._need(feature)
        if self._store is None:
            raise NotSupported(feature)
        return self._store


_QUERY_OF = {
    Feature.FIND_BY_KEY: "by_key",
    Feature.LIST_VISITS: "visits",
    Feature.FIND_SLOTS: "slots",
    Feature.FIND_APPOINTMENTS: "appointments",
}


def _declared(config: Hl7Config) -> frozenset[Feature]:
    """What this hospital can do: what it has no name, no message or no feed for is left out."""
    off = set(config.features_off)
    off |= {feature for feature, name in _QUERY_OF.items() if not getattr(config.queries, name)}
    if config.feed is None:
        off |= _FEED
    if not config.takes_bookings:
        off |= {Feature.BOOK_APPOINTMENT, Feature.CHANGE_APPOINTMENT}
    if not config.takes_payments:
        off.add(Feature.POST_PAYMENT)
    if not config.merges:
        off.add(Feature.MERGE_PATIENTS)
    if not config.queries.visits:
        off.add(Feature.CANCEL_VISIT)  # whose visit it is must be known
    return overridden_features(Hl7Gateway) - off


def open_gateway(settings: Mapping[str, Any]) -> HisGateway:
    """Raises GatewayMisconfigured."""
    return Hl7Gateway(read_config(settings))


def _check_ref(ref: Ref) -> None:
    """Raises NotFound: nothing has such a name."""
    if not ref.isascii() or not ref.isprintable() or not 0 < len(ref) <= MAX_REF:
        raise NotFound("no such record")


def _checked_draft(untrusted: PatientDraft) -> PatientDraft:
    """Raises InvalidData."""
    for item in untrusted.identifiers:
        if item.kind in {IdentifierKind.APPOINTMENT, IdentifierKind.MRN}:
            raise InvalidData(f"identifiers.{item.kind}", "Mã này do hệ thống cấp.")
    return replace(
        untrusted,
        full_name=checked_name(untrusted.full_name),
        identifiers=tuple(sorted({checked_identifier(item) for item in untrusted.identifiers})),
        phone=untrusted.phone and checked_phone(untrusted.phone),
        address=untrusted.address
        and checked_text("address", untrusted.address, max_chars=MAX_ADDRESS),
        guardian=untrusted.guardian and checked_name(untrusted.guardian),
    )


def _checked_changes(untrusted: PatientChanges) -> PatientChanges:
    """Raises InvalidData."""
    checked = _checked_draft(
        PatientDraft(
            full_name=untrusted.full_name or "An",  # nothing is changed without a name
            phone=untrusted.phone,
            address=untrusted.address,
            guardian=untrusted.guardian,
            identifiers=untrusted.new_identifiers,
        )
    )
    return replace(
        untrusted,
        full_name=untrusted.full_name and checked.full_name,
        phone=checked.phone,
        address=checked.address,
        guardian=checked.guardian,
        new_identifiers=checked.identifiers,
    )


def _agrees(patient: Patient, changes: PatientChanges) -> bool:
    """These changes have been made."""
    names = ("full_name", "birth_date", "gender", "phone", "address", "guardian")
    wanted = {name: getattr(changes, name) for name in names}
    return all(
        value is None or value == getattr(patient, name) for name, value in wanted.items()
    ) and set(changes.new_identifiers) <= set(patient.identifiers)


def _is_contradicted(patient: Patient, query: PatientQuery) -> bool:
    if query.full_name and search_key(query.full_name) != search_key(patient.full_name):
        return True
    known = patient.birth_date
    return bool(known and query.birth_date and not known.agrees_with(query.birth_date))


def _keep_surest(
    found: dict[Ref, tuple[MatchGrade, Patient]], grade: MatchGrade, patient: Patient
) -> None:
    known = found.get(patient.ref)
    if known is None or _GRADES.index(grade) < _GRADES.index(known[0]):
        found[patient.ref] = (grade, patient)


def _match(patient: Patient, grade: MatchGrade) -> PatientMatch:
    return PatientMatch(
        ref=patient.ref,
        grade=grade,
        masked_name=masked_name(patient.full_name),
        birth_year=patient.birth_date.year if patient.birth_date else None,
    )
