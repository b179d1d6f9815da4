"""Everything the server refuses or fails at, as one tree.

BackendError
├── BadRequest                 what was sent cannot be used
│   ├── ValidationFailed · BodyTooLarge · IdempotencyKeyMissing · PasswordRefused
│   ├── SettingsFileRefused    a file of settings that cannot stand, with every reason
│   ├── StatementNotAccepted   a statement file that cannot be used, with the reader's own code
│   └── UnreadablePayload      an identity code that cannot be read, with the parser's own code
├── AccessRefused
│   ├── LoginRequired · NotAllowed · EnrolmentRefused · RateLimited
│   ├── SignInRefused · SecondFactorRefused · FormRefused · PartnerRefused
│   ├── SetUpCodeRefused
├── NotFound
│   ├── VisitNotFound · ServiceNotFound · ScanExpired · HelpCallNotFound
│   ├── UserNotFound · RoomNotFound · StepNotFound · ActNotFound
│   ├── AnnouncementNotFound · IncidentNotFound · DataRequestNotFound
│   ├── DisplayNotFound · PrintRequestNotFound
│   ├── PaymentNotFound · ReconciliationNotFound
│   ├── HeldMoneyNotFound · RefundNotFound · ShiftNotFound · ReportNotFound
├── Conflict                   what was asked does not fit the state of things
│   ├── IdempotencyKeyReused · MoveNotAllowed · ChangeNotAllowed · PersonNeedsStaff
│   ├── ChangedMeanwhile · NobodyWaiting · RoomNotOpen · ReasonNeeded · UndoOver · UserExists
│   ├── DisplayExists · ZoneHasVoice · PartnerExists · SetUpOver
│   ├── NothingToConfirm · DifferentPeople · SamePerson · AgentAway
│   ├── SlipNotValid           a transfer slip that is over, a re-visit slip that was used
│   ├── ReturnNotAllowed       a missed turn that only staff can mend
│   ├── StepOutNotAllowed      nothing to step out of now, or too often
│   ├── ServiceClosed · ServiceFull · SlotTaken · NotForThisPerson · AppointmentNotDue
│   ├── CheckinNotReady
│   ├── ReconciliationSigned   by somebody else already
│   ├── BreakChanged           the audit chain is broken elsewhere, or in another way, by now
│   ├── AlreadyDone            an incident or a request that is not open for this any more
│   ├── DutyOpen               an incident cannot be closed before it was told
│   ├── PackTooLarge           an incident's pack takes longer than a page may
│   ├── StillBeingPaid · MatchNotAllowed · RefundNotAllowed · SecondPersonNeeded
│   ├── ShiftTaken · DayNotOver · DayClosed · BooksNotBalanced
│   ├── FeeChanged · BeingPaid · PaymentOver · AmountNotAllowed
│   ├── AnnouncementChanged · TooManyAnnouncements · CallingWordsChanged
├── Unavailable                come again later
│   ├── StorageUnavailable · CatalogueUnavailable · VoiceUnavailable
│   ├── FeesUnavailable · MethodUnavailable
├── BackupFailed · BackupDamaged · RestoreRefused
├── BundleRefused · ReleaseRefused · ReleaseRolledBack
└── ConfigError                the server cannot start like this

`code` is stable and part of the contract; `message_key` names the sentence a screen shows.
No error text ever carries a name, a number or a payload of a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class BackendError(Exception):
    """Base of all. `status` is the HTTP status an edge answers with."""

    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong on the server"
    status: ClassVar[int] = 500
    message_key: ClassVar[str] = "error.internal"
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title


class BadRequest(BackendError):
    code = "bad_request"
    title = "The request cannot be used"
    status = 400
    message_key = "error.request"


class ValidationFailed(BadRequest):
    code = "validation_failed"
    title = "The request does not have the promised shape"
    status = 422


class ReasonMissing(BadRequest):
    code = "reason_missing"
    title = "A reason is needed, of at most 200 letters"
    status = 422


class CallingWordsRefused(BadRequest):
    """`fields` name what cannot be kept, as domain.calling_settings.find_faults does."""

    code = "calling_words_refused"
    title = "Some of the calling words or figures cannot be used"
    status = 422

    def __init__(self, fields: tuple[str, ...]) -> None:
        super().__init__()
        self.fields = fields


class SettingsFileRefused(BadRequest):
    """`faults` are sentences that begin with the place in the file; nothing was changed.

    `found` are the same as domain.settings_file.Fault.
    """

    code = "settings_file_refused"
    title = "This file of settings cannot be taken"
    status = 422

    def __init__(self, found: Sequence[object]) -> None:
        self.found = tuple(found)
        self.faults = tuple(str(fault) for fault in found)
        super().__init__("\n".join((f"{self.title}:", *self.faults)))


class BodyTooLarge(BadRequest):
    code = "body_too_large"
    title = "The request is too large"
    status = 413


class IdempotencyKeyMissing(BadRequest):
    code = "idempotency_key_missing"
    title = "Writes need an Idempotency-Key of 1 to 80 visible ASCII characters"


class PasswordRefused(BadRequest):
    """`fault` is a domain.passwords.PasswordFault."""

    code = "password_refused"
    title = "The new password is not good enough"
    status = 422

    def __init__(self, fault: str) -> None:
        super().__init__(self.title)
        self.fault = fault


class UnreadablePayload(BadRequest):
    """An identity payload that cannot be used; `payload_code` is the parser's code (E_…)."""

    code = "unreadable_payload"
    title = "The code cannot be read"
    status = 422
    message_key = "scan.unreadable"

    def __init__(self, payload_code: str, message_key: str | None = None) -> None:
        super().__init__(self.title)
        self.payload_code = payload_code
        self.payload_message_key = message_key or self.message_key


class AccessRefused(BackendError):
    code = "access_refused"
    title = "Not allowed"
    status = 403
    message_key = "error.access"


class LoginRequired(AccessRefused):
    code = "login_required"
    title = "A valid credential is needed"
    status = 401


class NotAllowed(AccessRefused):
    code = "not_allowed"
    title = "This credential may not do that"


class EnrolmentRefused(AccessRefused):
    code = "enrolment_refused"
    title = "The enrolment code is not valid"


class RateLimited(AccessRefused):
    code = "rate_limited"
    title = "Too many requests"
    status = 429
    message_key = "error.too_often"
    retryable = True

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(self.title)
        self.retry_after_s = retry_after_s


class SignInRefused(AccessRefused):
    """Unknown name, wrong password, locked or disabled: the four look the same from outside."""

    code = "sign_in_refused"
    title = "The name or the password is wrong, or the account is locked"
    status = 401


class SecondFactorRefused(AccessRefused):
    code = "second_factor_refused"
    title = "The code is wrong or was used before"
    status = 401


class SetUpCodeRefused(AccessRefused):
    """Unknown, used or expired: the three look the same."""

    code = "set_up_code_refused"
    title = "The code for the first set-up is not valid"
    status = 401


class FormRefused(AccessRefused):
    """A change that did not come from a page of ours, or from one that is too old."""

    code = "form_refused"
    title = "The token of the page is missing or too old"


class PartnerRefused(AccessRefused):
    """Unknown merchant, wrong signature, too old, used before: the four look the same."""

    code = "partner_refused"
    title = "The signature of the request is not valid, too old or was used before"
    status = 401


class NotFound(BackendError):
    code = "not_found"
    title = "There is no such thing here"
    status = 404
    message_key = "error.not_found"


class VisitNotFound(NotFound):
    code = "visit_not_found"
    title = "There is no such visit"


class ServiceNotFound(NotFound):
    code = "service_not_found"
    title = "There is no such service, doctor, room or hour"


class ScanExpired(NotFound):
    """Unknown, expired or of another kiosk: the three look the same from outside."""

    code = "scan_expired"
    title = "The scan has expired: scan again"
    status = 410
    message_key = "scan.expired"


class HelpCallNotFound(NotFound):
    code = "help_call_not_found"
    title = "There is no such help call"


class MessageNotFound(NotFound):
    code = "message_not_found"
    title = "There is no such message in the outbox"


class UserNotFound(NotFound):
    code = "user_not_found"
    title = "There is no such account"


class PrintRequestNotFound(NotFound):
    code = "print_request_not_found"
    title = "There is no such print request"


class RoomNotFound(NotFound):
    """Unknown, or not one this member of staff works for: the two look the same."""

    code = "room_not_found"
    title = "There is no such room"


class StepNotFound(NotFound):
    code = "step_not_found"
    title = "There is no such step today"


class ActNotFound(NotFound):
    code = "act_not_found"
    title = "There is nothing to undo"


class ReportNotFound(NotFound):
    """No such day, or one that has not begun."""

    code = "report_not_found"
    title = "There is no report of that day"


class HeldMoneyNotFound(NotFound):
    code = "held_money_not_found"
    title = "There is no such held money"


class RefundNotFound(NotFound):
    code = "refund_not_found"
    title = "There is no such refund"


class ShiftNotFound(NotFound):
    code = "shift_not_found"
    title = "There is no such shift"


class AnnouncementNotFound(NotFound):
    code = "announcement_not_found"
    title = "There is no such announcement"


class DisplayNotFound(NotFound):
    """Never there, or revoked: the two look the same."""

    code = "display_not_found"
    title = "There is no such display"


class KioskNotFound(NotFound):
    """Never there, or revoked: the two look the same."""

    code = "kiosk_not_found"
    title = "There is no such kiosk"


class OrderNotFound(NotFound):
    """Never given, of another kiosk, or what it brought is kept no longer."""

    code = "order_not_found"
    title = "There is no such order of this kiosk"


class Conflict(BackendError):
    code = "conflict"
    title = "This does not fit the present state"
    status = 409
    message_key = "error.conflict"


class NotADeadLetter(Conflict):
    """It is on its way, or was settled: nobody has to decide anything."""

    code = "not_a_dead_letter"
    title = "This message does not wait for anybody's decision"


class WrongRecord(Conflict):
    code = "wrong_record"
    title = "This is none of the records the HIS offered"


class IdempotencyKeyReused(Conflict):
    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used with another body"


class MoveNotAllowed(Conflict):
    code = "move_not_allowed"
    title = "This change of state is not allowed"


class ChangedMeanwhile(MoveNotAllowed):
    """Two presses, an old page, or two members of staff: the first one counts."""

    code = "changed_meanwhile"
    title = "Somebody changed this a moment ago: look again"
    message_key = "call.changed_meanwhile"


class NobodyWaiting(Conflict):
    code = "nobody_waiting"
    title = "Nobody is waiting here"
    message_key = "call.nobody_waiting"


class RoomNotOpen(Conflict):
    code = "room_not_open"
    title = "This room is paused or closed"
    message_key = "call.room_not_open"


class ReasonNeeded(Conflict):
    code = "reason_needed"
    title = "This needs a reason"
    message_key = "call.reason_needed"


class UndoOver(Conflict):
    code = "undo_over"
    title = "This can no longer be undone"
    message_key = "call.undo_over"


class SetUpOver(Conflict):
    code = "set_up_over"
    title = "This server has an administrator: its first set-up is over"


class KioskExists(Conflict):
    """A machine that is dead is replaced, not invited a second time under its name."""

    code = "kiosk_exists"
    title = "A kiosk of this name is in use"


class DisplayExists(Conflict):
    code = "display_exists"
    title = "A display of this name is in use"
    message_key = "display.exists"


class PartnerExists(Conflict):
    code = "partner_exists"
    title = "A partner of this name is in use"
    message_key = "partner.exists"


class ZoneHasVoice(Conflict):
    code = "zone_has_voice"
    title = "Another display speaks in this zone already"
    message_key = "display.zone_has_voice"


class SlipNotValid(Conflict):
    """Another category may be chosen without the slip."""

    code = "slip_not_valid"
    title = "The transfer slip is over, or the re-visit slip was used before"
    message_key = "desk.slip_not_valid"


class NothingToConfirm(Conflict):
    """Somebody decided it already, or there never was anything to decide."""

    code = "nothing_to_confirm"
    title = "There is nothing to confirm here any more"
    message_key = "desk.nothing_to_confirm"


class HistoryNotTaken(Conflict):
    """The HIS has no place for what patients say about their own health."""

    code = "history_not_taken"
    title = "The HIS takes no answers about somebody's health"
    message_key = "desk.history_not_taken"


class DifferentPeople(Conflict):
    """Two personal numbers: no two records of one person."""

    code = "different_people"
    title = "These records are of two different people"
    message_key = "desk.different_people"


class SamePerson(Conflict):
    code = "same_person"
    title = "Both tickets are of one record already"
    message_key = "desk.same_person"


class AgentAway(Conflict):
    code = "agent_away"
    title = "This print agent does not answer: choose another one"
    message_key = "desk.agent_away"


class ReturnNotAllowed(Conflict):
    """Missed too long ago or too often: staff decide."""

    code = "return_not_allowed"
    title = "Staff have to put this ticket back in line"
    message_key = "visit.return_not_allowed"


class StepOutNotAllowed(Conflict):
    """The number is being called, waits for nobody, or was left too often already."""

    code = "step_out_not_allowed"
    title = "This number cannot be set aside now"
    message_key = "visit.step_out_not_allowed"


class ChangeNotAllowed(Conflict):
    code = "change_not_allowed"
    title = "The visit can no longer be changed here"
    message_key = "visit.change_not_allowed"


class PersonNeedsStaff(Conflict):
    code = "person_needs_staff"
    title = "A person at the desk has to look at this"
    message_key = "visit.see_staff"


class UserExists(Conflict):
    code = "user_exists"
    title = "There is an account of that name"


class ServiceClosed(Conflict):
    code = "service_closed"
    title = "The service is closed now"
    message_key = "service.closed"


class ServiceFull(Conflict):
    code = "service_full"
    title = "The service takes no more people in this session"
    message_key = "service.full"


class SlotTaken(Conflict):
    code = "slot_taken"
    title = "The last place of this hour was just taken"
    message_key = "slot.taken"


class NotForThisPerson(Conflict):
    code = "not_for_this_person"
    title = "The service is not for people of this sex or age"
    message_key = "service.not_for_you"


class AppointmentNotDue(Conflict):
    code = "appointment_not_due"
    title = "The appointment cannot be used now"
    message_key = "appointment.not_due"


class AnnouncementChanged(Conflict):
    code = "announcement_changed"
    title = "Somebody changed this announcement meanwhile: look at it again"


class CallingWordsChanged(Conflict):
    code = "calling_words_changed"
    title = "Somebody changed the calling words meanwhile: look at them again"


class TooManyAnnouncements(Conflict):
    code = "too_many_announcements"
    title = "Too many announcements are in use: switch off old ones"


class CheckinNotReady(Conflict):
    """No check-in table can be made of this visit: the HIS has not registered it, it has no
    service, or the link to its person is gone.
    """

    code = "checkin_not_ready"
    title = "No check-in table can be made of this visit yet"
    message_key = "error.conflict"


class StillBeingPaid(Conflict):
    """The part that came counts for a payment whose rest may come at any moment."""

    code = "still_being_paid"
    title = "The patient is still paying the rest"


class MatchNotAllowed(Conflict):
    """`reason`: paid (nothing is due there), amount (another sum), taken (another payment holds
    its bills).
    """

    code = "match_not_allowed"
    title = "This money does not fit that payment"

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class RefundNotAllowed(Conflict):
    code = "refund_not_allowed"
    title = "Not more than what is held can be given back"


class SecondPersonNeeded(Conflict):
    """Who asked for a refund does not approve it."""

    code = "second_person_needed"
    title = "Another person has to decide this"


class ShiftTaken(Conflict):
    code = "shift_taken"
    title = "Somebody else is in charge at the moment"


class DayNotOver(Conflict):
    code = "day_not_over"
    title = "A day is closed once it is over"


class DayClosed(Conflict):
    code = "day_closed"
    title = "Somebody closed this day already"


class ReportNotReady(Conflict):
    """Nothing was counted of it yet, or nobody asks for its signature."""

    code = "report_not_ready"
    title = "There are no figures to sign yet"


class ReportSigned(Conflict):
    code = "report_signed"
    title = "Somebody signed this report meanwhile"


class BooksNotBalanced(Conflict):
    """Nothing is signed on books that do not add up."""

    code = "books_not_balanced"
    title = "The books do not add up"


class Unavailable(BackendError):
    code = "unavailable"
    title = "Not available at the moment"
    status = 503
    message_key = "error.unavailable"
    retryable = True


class StorageUnavailable(Unavailable):
    """The database does not answer, is locked, read-only or full. Nothing was written."""

    code = "storage_unavailable"
    title = "The database is not available: nothing was written"


class CatalogueUnavailable(Unavailable):
    code = "catalogue_unavailable"
    title = "The list of services has not been loaded yet"


class VoiceUnavailable(Unavailable):
    """Nothing here can say it: boards still show the call."""

    code = "voice_unavailable"
    title = "No voice can say this now"


class ConfigError(BackendError):
    code = "config"
    title = "The settings are not complete"


class BackupFailed(BackendError):
    """No backup was made, or a database could not be restored. What was there before stands."""

    code = "backup_failed"
    title = "The backup could not be made or used"


class BackupDamaged(BackendError):
    """Cut, altered, put in another order, or sealed with another key. Nothing was touched."""

    code = "backup_damaged"
    title = "This backup is damaged or belongs to another key"


class BundleRefused(BackendError):
    """Cut, altered, added to, or signed with another key. Nothing of it was used."""

    code = "bundle_refused"
    title = "This bundle cannot be trusted"


class ReleaseRefused(Conflict):
    """Another machine's, an older shape of the database, or the wrong moment. Nothing changed."""

    code = "release_refused"
    title = "This release cannot be installed here"


class ReleaseRolledBack(BackendError):
    """It did not get ready. The detail says what runs now."""

    code = "release_rolled_back"
    title = "The new release did not get ready"


class RestoreRefused(Conflict):
    """The database holds what the backup does not. Nothing was touched."""

    code = "restore_refused"
    title = "The database holds newer data than the backup"


class PaymentNotFound(NotFound):
    code = "payment_not_found"
    title = "There is no such payment"
    message_key = "payment.unknown"


class FeeChanged(Conflict):
    code = "fee_changed"
    title = "The hospital's figures changed since they were shown"
    message_key = "payment.fee_changed"


class BeingPaid(Conflict):
    code = "being_paid"
    title = "One of these bills is being paid already"
    message_key = "payment.being_paid"


class PaymentOver(Conflict):
    code = "payment_over"
    title = "This payment is paid or has ended"
    message_key = "payment.over"


class AmountNotAllowed(Conflict):
    code = "amount_not_allowed"
    title = "This amount cannot be paid like this"
    status = 422
    message_key = "payment.amount"


class FeesUnavailable(Unavailable):
    code = "his_unavailable"
    title = "The hospital's fees cannot be read at the moment"
    message_key = "payment.fees_unavailable"


class MethodUnavailable(Unavailable):
    code = "provider_unavailable"
    title = "This way of paying does not work at the moment"
    message_key = "payment.method_unavailable"


class StatementNotAccepted(BadRequest):
    """`reason` is the reader's own code: statement-headings, statement-too-large, …"""

    code = "statement_not_accepted"
    title = "This statement file cannot be used"
    status = 422

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class ReconciliationNotFound(NotFound):
    code = "reconciliation_not_found"
    title = "There is no such reconciliation"


class ReconciliationSigned(Conflict):
    code = "reconciliation_signed"
    title = "Somebody signed this reconciliation already"


class BreakChanged(Conflict):
    code = "break_changed"
    title = "The first break of the audit chain is another one, or cannot be acknowledged"


class IncidentNotFound(NotFound):
    code = "incident_not_found"
    title = "There is no such incident"


class DataRequestNotFound(NotFound):
    code = "data_request_not_found"
    title = "There is no such request about data"


class AlreadyDone(Conflict):
    code = "already_done"
    title = "This was done already, or it is closed"


class DutyOpen(Conflict):
    code = "duty_open"
    title = "It was not told yet"


class PackTooLarge(Conflict):
    code = "pack_too_large"
    title = "Too many audit rows to be packed while somebody waits"
