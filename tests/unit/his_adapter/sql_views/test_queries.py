from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import his_adapter.sql_views
from his_adapter.errors import GatewayMisconfigured
from his_adapter.models import Feature
from his_adapter.sql_views.queries import NEEDED, READS, WRITES, checked_statements

EXAMPLE = Path(his_adapter.sql_views.__file__).with_name("example_settings.toml")


def test_every_feature_but_insurance_can_be_made_of_statements() -> None:
    assert set(NEEDED) == set(Feature) - {Feature.CHECK_COVERAGE}
    assert {name for names in NEEDED.values() for name in names} == set(READS) | set(WRITES)


def test_the_example_uses_every_read() -> None:
    settings = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))["settings"]
    assert set(settings["reads"]) == set(READS)
    assert set(WRITES) - set(settings["writes"]) == {"merge_patients"}


def test_what_is_not_configured_is_not_declared() -> None:
    _, features = checked_statements({"rooms": "SELECT * FROM rooms LIMIT :limit"}, {})
    assert features == {Feature.LIST_ROOMS}


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM rooms",
        "SELECT 1; SELECT 2",
        "WITH gone AS (DELETE FROM rooms RETURNING *) SELECT * FROM gone",
        "SELECT * INTO copy FROM rooms",
        "/* select */ UPDATE rooms SET code = ''",
        "CALL rooms()",
        "",
    ],
)
def test_reads_only_select(statement: str) -> None:
    with pytest.raises(GatewayMisconfigured):
        checked_statements({"rooms": statement}, {})


def test_words_in_quotes_and_comments_write_nothing() -> None:
    statement = "SELECT 'update; delete' AS \"set\" FROM rooms -- drop it\nLIMIT :limit"
    assert checked_statements({"rooms": statement}, {})[1] == {Feature.LIST_ROOMS}


def test_unknown_names_and_parameters_are_refused() -> None:
    with pytest.raises(GatewayMisconfigured, match="no statement is called"):
        checked_statements({"beds": "SELECT 1"}, {})
    with pytest.raises(GatewayMisconfigured, match="asks for :patient"):
        checked_statements({"rooms": "SELECT * FROM rooms WHERE x = :patient"}, {})


def test_a_write_carries_the_key_and_can_be_looked_up() -> None:
    write = "SELECT * FROM cancel_visit(:key, :content, :ref, :reason)"
    with pytest.raises(GatewayMisconfigured, match=r"needs reads\.visit"):
        checked_statements({}, {"cancel_visit": write})
    with pytest.raises(GatewayMisconfigured, match=":key and :content"):
        checked_statements({}, {"cancel_visit": "SELECT cancel_visit(:ref)"})
