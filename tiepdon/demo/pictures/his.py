"""What is sent to the HIS and to the insurer: tables of check-ins, and messages that wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from backend.domain.ids import new_id
from backend.services.change_settings import change_setting
from backend.storage.insurance_tables import CheckinDocument
from backend.storage.outbox_tables import OutboxMessage, PartyState
from backend.storage.visit_tables import Visit
from his_adapter.demo.faults import Faults, write_faults
from tiepdon.demo.hall import Hall, open_records
from tiepdon.demo.pictures.picture import DESK_TALL, Picture, press

if TYPE_CHECKING:
    from playwright.sync_api import Page

REST_OF_SETTINGS_MS = 6_000
"""Servers notice other settings within that time."""


def list_checkins(hall: Hall) -> list[Picture]:
    page = Picture(
        name="checkins", path="/staff/checkins", account="letan", size=DESK_TALL, ready=".board"
    )
    return [
        replace(page, prepare=_hand_in_checkins(hall)),
        replace(page, name="checkin", prepare=press(".board .button")),
    ]


def list_outbox(hall: Hall) -> list[Picture]:
    """The HIS is away from here on."""
    page = Picture(
        name="outbox", path="/staff/outbox", account="letan", size=DESK_TALL, ready="#state"
    )
    button = "#state .button"
    return [
        replace(page, prepare=_take_his_away(hall)),
        replace(page, name="outbox-message", ready=button, prepare=press(button)),
    ]


def _hand_in_checkins(hall: Hall) -> Callable[[Page], None]:
    """Check-in tables leave from here: one breaks a rule, one was refused, some arrived."""
    wrong = [{"rule": "CI-01", "field": "MA_DOITUONG_KCB", "severity": "error"}]
    rows: list[dict[str, Any]] = [
        {"state": "invalid", "findings": wrong},
        {"state": "refused", "result_code": "202"},
        *({"state": "received", "result_code": "200", "transaction_id": f"GD-{n}"} for n in "1234"),
        {"state": "accepted", "result_code": "200", "transaction_id": "GD-5", "judged_by": "letan"},
    ]

    def hand_in(page: Page) -> None:
        change = CheckinDocument
        with open_records(hall.server.database_url) as database:
            change_setting(database, "checkin_sender", "tiepdon")
            with database.write() as unit:
                visits = unit.connection.scalars(
                    select(Visit.id)
                    .where(Visit.use_insurance.is_(True))
                    .order_by(Visit.id.desc())
                    .limit(len(rows))
                ).all()
                for visit_id, row in zip(visits, rows, strict=False):
                    sent = unit.now - timedelta(minutes=4) if "result_code" in row else None
                    values = {"standard": "qd1931", "findings": [], **row}
                    unit.add(
                        change, id=new_id(), visit_id=visit_id, position=0,
                        created_at=unit.now - timedelta(minutes=5),
                        due_at=unit.now, sent_at=sent, received_at=sent,
                        judged_at=unit.now if "judged_by" in row else None, **values,
                    )  # fmt: skip
        page.wait_for_timeout(REST_OF_SETTINGS_MS)
        page.reload()

    return hand_in


def _take_his_away(hall: Hall) -> Callable[[Page], None]:
    """It fell silent seven minutes ago; three messages need somebody, some wait."""
    errors = ("multiple-matches", "unknown-outcome", "no-merge")

    def take_away(page: Page) -> None:
        write_faults(hall.server.his_folder, Faults(down=True))
        message, party = OutboxMessage, PartyState
        with open_records(hall.server.database_url) as database, database.write() as unit:
            sent = select(message.id).where(message.state == "done").order_by(message.id.desc())
            ids = unit.connection.scalars(sent.limit(8)).all()
            open_again = update(message).where(message.id.in_(ids))
            unit.connection.execute(open_again.values(state="new", settled_at=None))
            for message_id, error in zip(ids, errors, strict=False):
                changed = {"state": "dead", "last_error": error, "attempts": 3}
                if error == "no-merge":
                    changed["kind"] = "his.merge_patients"
                unit.connection.execute(
                    update(message).where(message.id == message_id).values(changed)
                )
            since = unit.now - timedelta(minutes=7)
            unit.connection.execute(
                update(party)
                .where(party.call_group == "write")
                .values(breaker="open", opened_at=since, last_error="transient")
            )
        page.wait_for_selector("#state .wrong")

    return take_away
