"""Every feature has a method in the port and a refusal to start from."""

from __future__ import annotations

import pytest

from his_adapter.errors import NotSupported
from his_adapter.models import Feature
from his_adapter.partial import PartialGateway, overridden_features
from his_adapter.ports import HisGateway


@pytest.mark.parametrize("feature", list(Feature))
def test_what_is_not_overridden_is_not_supported(feature: Feature) -> None:
    assert hasattr(HisGateway, feature.value)
    with pytest.raises(NotSupported, match=feature.value):
        getattr(PartialGateway(), feature.value)("anything", key="k")


def test_what_is_overridden_is_a_feature() -> None:
    class OnlyReads(PartialGateway):
        def read_patient(self, ref: str) -> str:
            return ref

    assert overridden_features(OnlyReads) == {Feature.READ_PATIENT}
    assert overridden_features(PartialGateway) == frozenset()
