"""Dead letters: replayed with the key they had, or given up with a reason; always audited."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend.domain.outbox import MessageState
from backend.errors import MessageNotFound, NotADeadLetter, ReasonMissing
from backend.events import Event
from backend.services.keep_outbox import (
    discard_message,
    get_message,
    list_messages,
    list_outbox_alarms,
    look_at_outbox,
    replay_all_dead,
    replay_message,
)
from backend.services.resources import Resources
from backend.storage.database import Database
from tests.conftest import SettableClock
from tests.factories.outbox import add_message, get_row, set_party
from tests.factories.reception import audited


def test_replayed_with_its_key_and_a_fresh_term(
    resources: Resources, database: Database, clock: SettableClock
) -> None:
    message_id = add_message(database, state="dead", attempts=7, last_error="expired")
    clock.advance(days=4)
    replay_message(database, message_id, actor="staff:lan")
    row = get_row(database, message_id)
    assert (row.state, row.attempts, row.next_at) == ("new", 7, clock.now)
    assert row.expires_at > clock.now
    (audit,) = audited(resources, Event.OUTBOX_REPLAYED)
    assert (audit.actor, audit.subject) == ("staff:lan", f"outbox:{message_id}")
    with pytest.raises(NotADeadLetter):
        replay_message(database, message_id, actor="staff:lan")


def test_given_up_with_a_reason(resources: Resources, database: Database) -> None:
    message_id = add_message(database, state="rejected", last_error="invalid")
    for reason in ("", "   ", "x" * 201, "a\x00b"):
        with pytest.raises(ReasonMissing):
            discard_message(database, message_id, reason=reason, actor="staff:lan")
    discard_message(database, message_id, reason=" đã nhập  tay ", actor="staff:lan")
    row = get_row(database, message_id)
    assert row.state == "discarded"
    assert row.settled_at is not None
    (audit,) = audited(resources, Event.OUTBOX_DISCARDED)
    assert audit.detail["reason"] == "đã nhập tay"


@pytest.mark.parametrize("state", ["new", "sending", "unknown", "done", "discarded"])
def test_only_dead_letters_wait_for_a_person(database: Database, state: str) -> None:
    message_id = add_message(database, state=state)
    with pytest.raises(NotADeadLetter):
        replay_message(database, message_id, actor="staff:lan")
    with pytest.raises(NotADeadLetter):
        discard_message(database, message_id, reason="x", actor="staff:lan")
    with pytest.raises(MessageNotFound):
        replay_message(database, "0" * 32, actor="staff:lan")
    with pytest.raises(MessageNotFound):
        get_message(database, "0" * 32)


def test_all_dead_letters_at_once(database: Database) -> None:
    for state in ("dead", "rejected", "new"):
        add_message(database, state=state)
    assert replay_all_dead(database, actor="command") == 2
    assert [each.state for each in list_messages(database)] == ["new"] * 3
    assert replay_all_dead(database, actor="command") == 0


def test_what_the_page_and_the_alarms_show(database: Database, clock: SettableClock) -> None:
    (his,) = look_at_outbox(database)
    assert (his.party, his.depth, his.oldest_at, his.away_since) == ("his", 0, None, None)
    assert list_outbox_alarms(database) == []
    began = clock.now
    for state in (MessageState.NEW, MessageState.UNKNOWN, MessageState.DEAD, MessageState.REJECTED):
        add_message(database, state=state)
    set_party(database, breaker="open", opened_at=began, delivered=12, last_error="transient")
    clock.advance(minutes=6)
    (his,) = look_at_outbox(database)
    assert (his.depth, his.unknown, his.dead, his.delivered) == (2, 1, 2, 12)
    assert his.oldest_at == began
    assert his.away_s(clock.now) == timedelta(minutes=6).total_seconds()
    alarms = {alarm.kind: alarm for alarm in list_outbox_alarms(database)}
    assert (alarms["away"].minutes, alarms["dead"].count) == (6, 2)
