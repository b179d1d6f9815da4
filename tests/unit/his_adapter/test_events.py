from __future__ import annotations

from his_adapter.events import HisEvent


def test_events_are_words_for_a_log() -> None:
    assert all(event.value.startswith("his_") and event.value.islower() for event in HisEvent)
