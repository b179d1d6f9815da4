"""Calls numbers as a room's staff do, without HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from backend.domain.ids import new_id
from backend.services.act_on_step import ActWish, StepAct, StepReason, act_on_step
from backend.services.call_next import NextWish, SeenStep, call_next
from backend.services.merge_offline_calls import MergeWish, OfflineCall, merge_offline_calls
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.run_room import MoveWish, RoomWish, change_room, move_people
from backend.services.send_on import (
    Destination,
    SendOnWish,
    TransferWish,
    send_on,
    transfer_step,
)
from backend.services.undo_act import undo_act
from backend.storage.repositories import Answer, Intent
from backend.web.room_schemas import MergedCallsReply, RoomNowReply, RoomStep
from tests.factories.hospital import Hospital


class Console:
    """One page of one room; it remembers what it last saw."""

    def __init__(
        self, resources: Resources, hospital: Hospital, room: str, name: str = "NV"
    ) -> None:
        self.resources = resources
        self.hospital = hospital
        self.room_id = hospital.rooms[room]
        self.caller = Caller(role="staff", id=f"staff-{name}", name=name)
        self.seen: RoomNowReply | None = None

    def intent(self, key: str | None = None, body: str = "b") -> Intent:
        return Intent(caller=self.caller.actor, key=key or new_id(), body_hash=body)

    def read(self, answer: Answer) -> RoomNowReply:
        self.seen = RoomNowReply.model_validate_json(answer.body)
        return self.seen

    def next(self, *, finish: bool = True, key: str | None = None) -> RoomNowReply:
        current = self.seen.current if self.seen and finish else []
        wish = NextWish(
            finish=[SeenStep(step_id=step.step_id, version=step.version) for step in current],
            after_call=self.seen.last_call if self.seen else None,
            check_call=self.seen is not None,
        )
        return self.read(
            call_next(
                self.resources, self.room_id, wish, caller=self.caller, intent=self.intent(key)
            )
        )

    def act(self, step: RoomStep, kind: StepAct, reason: StepReason | None = None) -> RoomNowReply:
        wish = ActWish(kind=kind, version=step.version, reason=reason)
        return self.read(
            act_on_step(
                self.resources,
                self.room_id,
                step.step_id,
                wish,
                caller=self.caller,
                intent=self.intent(),
            )
        )

    def send_on(self, step: RoomStep, *services: str, **more: Any) -> RoomNowReply:
        to = [Destination(service_id=self.hospital.services[service]) for service in services]
        wish = SendOnWish(to=to, version=step.version, **more)
        return self.read(
            send_on(
                self.resources,
                self.room_id,
                step.step_id,
                wish,
                caller=self.caller,
                intent=self.intent(),
            )
        )

    def transfer(
        self, step: RoomStep, room: str, reason: StepReason | None = StepReason.WRONG_ROOM
    ) -> RoomNowReply:
        wish = TransferWish(room_id=self.hospital.rooms[room], version=step.version, reason=reason)
        return self.read(
            transfer_step(
                self.resources,
                self.room_id,
                step.step_id,
                wish,
                caller=self.caller,
                intent=self.intent(),
            )
        )

    def undo(self, act_id: str | None = None) -> RoomNowReply:
        if act_id is None:
            assert self.seen is not None
            assert self.seen.undo is not None
            act_id = self.seen.undo.id
        return self.read(
            undo_act(self.resources, self.room_id, act_id, caller=self.caller, intent=self.intent())
        )

    def merge(
        self, *calls: OfflineCall, list_at: datetime, key: str | None = None
    ) -> list[tuple[str, str | None]]:
        """Outcome and reason of each call."""
        answer = merge_offline_calls(
            self.resources,
            self.room_id,
            MergeWish(list_at=list_at, calls=calls),
            caller=self.caller,
            intent=self.intent(key),
        )
        results = MergedCallsReply.model_validate_json(answer.body).results
        return [(each.outcome, each.reason) for each in results]

    def change(self, **wish: Any) -> RoomNowReply:
        return self.read(
            change_room(
                self.resources,
                self.room_id,
                RoomWish(**wish),
                caller=self.caller,
                intent=self.intent(),
            )
        )

    def move(self, **wish: Any) -> RoomNowReply:
        return self.read(
            move_people(
                self.resources,
                self.room_id,
                MoveWish(**wish),
                caller=self.caller,
                intent=self.intent(),
            )
        )


def numbers(steps: list[RoomStep]) -> list[str]:
    return [step.number for step in steps]
