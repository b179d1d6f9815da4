from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from his_adapter.errors import GatewayMisconfigured, NotSupported
from his_adapter.hl7_v2.config import host_and_port, read_config
from his_adapter.hl7_v2.gateway import Hl7Gateway
from his_adapter.models import Feature, IdentifierKind, PatientChanges, Ref, WriteKey
from his_adapter.partial import overridden_features
from his_adapter.registry import gateway_names, open_gateway

NEEDED = {"address": "127.0.0.1:2575", "catalogue_file": "catalogue.json"}


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"address": "http://his.example.vn"}, "address"),
        ({"address": "his:99999"}, "address"),
        ({"address": ""}, "address"),
        ({"places": {"key": "ZTD1"}}, "places.key"),
        ({"places": {"unknown": "ZTD-1"}}, "places.unknown"),
        ({"queries": {"everything": "ZK9"}}, "queries.everything"),
        ({"numbers": {"id12": {"type": ""}}}, "numbers.id12.type"),
        ({"features_off": ["fly"]}, "features_off"),
        ({"timezone": "Asia/Nowhere"}, "timezone"),
        ({"read_timeout_s": 0}, "read_timeout_s"),
        ({"feed": {"listen": "2575", "file": "x"}}, "feed.listen"),
        ({"secret": "s3cret-value"}, "secret"),
    ],
)
def test_a_mistake_is_named_by_its_place_alone(wrong: dict[str, Any], place: str) -> None:
    with pytest.raises(GatewayMisconfigured) as caught:
        read_config({**NEEDED, **wrong})
    assert f"{caught.value}".startswith(place)
    assert "s3cret-value" not in f"{caught.value}"


def test_only_what_the_hospital_has_a_name_for_is_offered(catalogue_file: Path) -> None:
    bare = Hl7Gateway(read_config({**NEEDED, "catalogue_file": str(catalogue_file)}))
    features = bare.capabilities().features
    assert {Feature.FIND_PATIENTS, Feature.CHECK_IN, Feature.CREATE_PATIENT} <= features
    for feature in (
        Feature.FIND_BY_KEY,
        Feature.LIST_VISITS,
        Feature.CANCEL_VISIT,
        Feature.FIND_SLOTS,
        Feature.LIST_ORDERS,
        Feature.CHANGES,
    ):
        assert feature not in features
    with pytest.raises(NotSupported):
        bare.list_orders(Ref("BN1"), None)  # type: ignore[arg-type]  # refused before it is looked at
    bare.close()
    assert features < overridden_features(Hl7Gateway)


def test_features_can_be_switched_off(catalogue_file: Path) -> None:
    settings = {
        **NEEDED,
        "catalogue_file": str(catalogue_file),
        "takes_bookings": False,
        "takes_payments": False,
        "merges": False,
        "features_off": ["update_patient"],
    }
    his = Hl7Gateway(read_config(settings))
    off = {
        Feature.BOOK_APPOINTMENT,
        Feature.CHANGE_APPOINTMENT,
        Feature.POST_PAYMENT,
        Feature.MERGE_PATIENTS,
        Feature.UPDATE_PATIENT,
    }
    assert not off & his.capabilities().features
    with pytest.raises(NotSupported):
        his.update_patient(Ref("BN1"), PatientChanges(), version="1", key=WriteKey("config-0001"))
    his.close()


def test_it_is_installed(catalogue_file: Path) -> None:
    assert "hl7_v2" in gateway_names()
    open_gateway("hl7_v2", {**NEEDED, "catalogue_file": str(catalogue_file)}).close()


def test_a_catalogue_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(GatewayMisconfigured):
        open_gateway("hl7_v2", {**NEEDED, "catalogue_file": str(tmp_path / "none.json")})


def test_addresses() -> None:
    assert host_and_port("[::1]:2575") == ("::1", 2575)
    assert host_and_port("his.example.vn:2575") == ("his.example.vn", 2575)


def test_numbers_have_usual_types_and_the_hospitals_own() -> None:
    config = read_config({**NEEDED, "numbers": {"id12": {"type": "CCCD"}}})
    own, usual = config.number_type(IdentifierKind.ID12), config.number_type(IdentifierKind.BHYT15)
    assert own is not None
    assert usual is not None
    assert (own.type, usual.type, usual.authority) == ("CCCD", "HC", "BHXH")
    assert config.number_type(IdentifierKind.APPOINTMENT) is None
