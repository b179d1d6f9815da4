"""Two records merged at the desk: the HIS hears of it, whatever it can do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from backend.services.deliveries.merge_patients import deliver
from backend.services.deliveries.message import NO_MERGE, RECORD_GONE, Message, NeedsStaff
from backend.services.resources import Resources
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.visit_tables import Person
from his_adapter.models import Ref
from his_adapter.partial import PartialGateway
from tests.factories.desk import Desk
from tests.factories.hospital import make_person
from tests.factories.reception import Receptionist


class MergingHis(PartialGateway):
    def __init__(self) -> None:
        self.merged: list[tuple[Ref, Ref, str]] = []

    def merge_patients(self, keep: Ref, drop: Ref, *, key: str) -> Any:
        self.merged.append((keep, drop, key))
        return type("Answer", (), {"ref": keep})()


def merge(desk: Desk, resources: Resources, *refs: str | None) -> None:
    people = (
        make_person(1, his_ref=refs[0]),
        make_person(full_name="Trần Thử", name_key="tran thu", numbers={}, his_ref=refs[1]),
    )
    first, second = (desk.take(person=person) for person in people)
    lan = Receptionist(resources)
    lan.merge(lan.see(first.id).visit, lan.see(second.id).visit)


def find_message(resources: Resources) -> Message | None:
    with resources.database.read() as connection:
        row = connection.execute(
            select(OutboxMessage.__table__).where(OutboxMessage.kind == "his.merge_patients")
        ).one_or_none()
    if row is None:
        return None
    names = ("id", "party", "lane", "kind", "visit_id", "payload", "attempts")
    return Message(**{name: getattr(row, name) for name in names})


def test_the_his_is_told_which_record_stays(desk: Desk, resources: Resources) -> None:
    merge(desk, resources, "BN-1", "BN-2")
    message = find_message(resources)
    assert message is not None
    assert "BN-2" not in str(message.payload)
    his = MergingHis()
    told = deliver(replace(resources, his=his), message)  # type: ignore[arg-type]  # a part of it
    assert his.merged == [("BN-1", "BN-2", f"{message.id}.merge")]
    assert told is not None
    assert told.his_ref == "BN-1"


@pytest.mark.parametrize("refs", [("BN-1", None), (None, "BN-2")])
def test_one_record_there_needs_no_merging(
    desk: Desk, resources: Resources, refs: tuple[str | None, str | None]
) -> None:
    merge(desk, resources, *refs)
    assert find_message(resources) is None
    with resources.database.read() as connection:
        kept = connection.scalars(select(Person.his_ref)).all()
    assert kept == [refs[0] or refs[1]]


def test_a_his_that_cannot_merge_is_told_by_a_person(desk: Desk, resources: Resources) -> None:
    merge(desk, resources, "BN-1", "BN-2")
    message = find_message(resources)
    assert message is not None
    with pytest.raises(NeedsStaff, match=NO_MERGE):
        deliver(replace(resources, his=PartialGateway()), message)  # type: ignore[arg-type]
    gone = replace(message, payload=message.payload | {"kept": "nobody"})
    with pytest.raises(NeedsStaff, match=RECORD_GONE):
        deliver(replace(resources, his=PartialGateway()), gone)  # type: ignore[arg-type]


def test_what_waited_for_the_other_record_goes_on_in_the_lane_of_the_kept(
    desk: Desk, resources: Resources
) -> None:
    merge(desk, resources, "BN-1", "BN-2")
    with resources.database.read() as connection:
        lanes = connection.scalars(select(OutboxMessage.lane)).all()
        (kept,) = connection.scalars(select(Person.id))
    assert set(lanes) == {kept}
