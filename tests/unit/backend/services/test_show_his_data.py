"""What the desk sees of the HIS: now, or of when, or that it is silent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
from sqlalchemy import select, update

from backend.domain.ages import DataKind, Source
from backend.errors import VisitNotFound
from backend.jobs.follow_his import follow_his
from backend.services.remote_party import RemoteParty
from backend.services.resources import Resources
from backend.services.show_his_data import ShownKind, show_his_data
from backend.storage.catalogue import CatalogueSource
from backend.storage.catalogue_tables import Facility
from backend.storage.his_tables import HisCopy
from his_adapter.models import Feature
from tests.conftest import SettableClock
from tests.factories.clinic import FOLLOWED, FakeClinic
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital, make_person


@pytest.fixture
def clinic(clock: SettableClock) -> FakeClinic:
    return FakeClinic(clock, features=FOLLOWED | {Feature.READ_PATIENT})


@pytest.fixture
def resources(resources: Resources, hospital: Hospital, clinic: FakeClinic) -> Iterator[Resources]:
    with hospital.database.write() as unit:
        unit.connection.execute(update(Facility).values(his_features=sorted(clinic.features)))
    party = RemoteParty("his", max_calls=8, ticks=lambda: 0.0)
    yield replace(
        resources,
        his=cast("Any", clinic),
        his_party=party,
        catalogue=CatalogueSource(hospital.database),
    )
    party.close()


@pytest.fixture
def visit_id(desk: Desk) -> str:
    return desk.take("NOI", person=make_person(1, his_ref="BN-1")).id


def look(resources: Resources, visit_id: str) -> dict[DataKind, ShownKind]:
    return {shown.kind: shown for shown in show_his_data(resources, visit_id, actor="staff:x")}


def test_what_the_his_says_now(resources: Resources, visit_id: str, clinic: FakeClinic) -> None:
    clinic.order("BN-1")
    clinic.release(clinic.order("BN-1"))
    clinic.due["BN-1"] = 120_000
    shown = look(resources, visit_id)
    assert shown[DataKind.ORDERS].facts == {"open": 1, "done": 1, "cancelled": 0}
    assert shown[DataKind.RESULTS].facts == {"released": 1}
    assert shown[DataKind.PAYMENT].facts == {"due": True}
    assert shown[DataKind.PATIENT].source is Source.LIVE
    assert shown[DataKind.HISTORY].source is Source.NOT_OFFERED
    assert len(shown) == 7


def test_a_silent_his_leaves_dated_copies_and_no_results_or_money(
    resources: Resources, visit_id: str, clinic: FakeClinic, clock: SettableClock
) -> None:
    look(resources, visit_id)
    clinic.down = True
    clock.advance(minutes=30)
    shown = look(resources, visit_id)
    assert (shown[DataKind.PATIENT].source, shown[DataKind.PATIENT].age) == (Source.COPY, "08:00")
    assert shown[DataKind.ORDERS].source is Source.COPY
    for kind in (DataKind.RESULTS, DataKind.PAYMENT):
        assert (shown[kind].source, shown[kind].facts) == (Source.SILENT, {})
    clock.advance(hours=3)
    assert look(resources, visit_id)[DataKind.ORDERS].source is Source.SILENT


def test_copies_are_sealed_and_hold_no_results_or_money(
    resources: Resources, visit_id: str, clinic: FakeClinic
) -> None:
    clinic.order("BN-1")
    look(resources, visit_id)
    with resources.database.read() as connection:
        rows = connection.execute(select(HisCopy.kind, HisCopy.sealed)).all()
    assert {row.kind for row in rows} == {"patient", "orders"}
    assert all(b"open" not in row.sealed and b"version" not in row.sealed for row in rows)


def test_a_change_is_read_again_by_the_job(
    resources: Resources, visit_id: str, clinic: FakeClinic, clock: SettableClock
) -> None:
    follow_his(resources)
    look(resources, visit_id)
    clock.advance(minutes=10)
    clinic.order("BN-1", service=None)
    follow_his(resources)
    clinic.down = True
    orders = look(resources, visit_id)[DataKind.ORDERS]
    assert (orders.source, orders.age, orders.facts["open"]) == (Source.COPY, "08:10", 1)


def test_nobody_the_his_knows_and_nothing_that_is_here(resources: Resources, desk: Desk) -> None:
    assert show_his_data(resources, desk.take("NOI").id, actor="staff:x") == []
    with pytest.raises(VisitNotFound):
        show_his_data(resources, "unknown", actor="staff:x")
