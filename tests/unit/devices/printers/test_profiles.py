from __future__ import annotations

import pytest
from escpos.printer import Dummy

from devices.errors import UnknownDevice
from devices.printers.profiles import DEFAULT_PROFILE, PROFILES, get_profile
from devices.printers.rendering import WIDTHS_PX


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_can_be_drawn_and_encoded(name: str) -> None:
    profile = get_profile(name)
    assert profile.width_px in WIDTHS_PX
    features = Dummy(profile=profile.escpos_name).profile.features
    needed = {"full": "paperFullCut", "partial": "paperPartCut"}.get(profile.cut)
    has_cutter = features["paperFullCut"] or features["paperPartCut"]
    assert features[needed] if needed else not has_cutter
    assert profile.reports_status or not profile.gives_proof


def test_print_time_grows_with_the_ticket() -> None:
    profile = get_profile(DEFAULT_PROFILE)
    assert profile.print_time_s(1000) == pytest.approx(1.0)
    assert profile.print_time_s(0) > 0


def test_unknown_profile() -> None:
    with pytest.raises(UnknownDevice, match="generic-80"):
        get_profile("dot-matrix")
