from __future__ import annotations

from his_adapter.events import HisEvent


def test_events_are_words_for_a_log() -> None:
    kinds = ("his_", "insurer_", "emulator_")
    assert all(event.value.startswith(kinds) and event.value.islower() for event in HisEvent)
