from __future__ import annotations

import pytest

from backend.domain.releases import Target, choose_version

ALL = Target(scope="all", name="", version="1.0")
LAB = Target(scope="profile", name="laboratory", version="1.1")
ONE = Target(scope="kiosk", name="k1", version="1.2")


@pytest.mark.parametrize(
    ("targets", "version"),
    [
        ([], None),
        ([ALL], "1.0"),
        ([ALL, LAB], "1.1"),
        ([ONE, LAB, ALL], "1.2"),
        ([Target(scope="kiosk", name="k2", version="9")], None),
        ([Target(scope="profile", name="fees", version="9"), ALL], "1.0"),
    ],
)
def test_the_narrower_word_counts(targets: list[Target], version: str | None) -> None:
    assert choose_version(targets, kiosk_id="k1", profile="laboratory") == version
