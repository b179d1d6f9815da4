from __future__ import annotations

from dataclasses import replace
from typing import Any

from backend.jobs.check_his import check_his
from backend.services.resources import Resources

FACTS = {"full_name": "Nguyễn Minh Hòa", "birth_date": "1985-09-05", "gender": "male"}


def checked(resources: Resources, **facts: Any) -> tuple[str, ...]:
    section = {"marker_patient": "079085000000", "marker": FACTS | facts}
    config = replace(resources.config, his_certify=section)
    return check_his(replace(resources, config=config))


def test_a_his_in_order_has_no_findings(resources: Resources) -> None:
    assert check_his(resources) == ()
    assert checked(resources) == ()


def test_a_wrong_mapping_is_found_and_nothing_stops(resources: Resources) -> None:
    assert checked(resources, gender="female", full_name="Minh Hòa Nguyễn") == (
        "marker_name",
        "marker_gender",
    )
