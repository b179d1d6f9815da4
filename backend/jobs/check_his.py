"""The cheap part of the HIS's self-test, at each start and once a day. What it finds stops nothing."""

from __future__ import annotations

from backend.events import Event
from backend.logging import log
from backend.services.resources import Resources
from his_adapter.conformance.settings import read_certify_settings
from his_adapter.selftest import findings


def check_his(resources: Resources) -> tuple[str, ...]:
    """Logs each finding that is wrong; returns their names. Only reads.

    Raises GatewayMisconfigured when the facts about the marker patient cannot be used.
    """
    facts = resources.config.his_certify
    settings = read_certify_settings(facts) if facts else None
    wrong = tuple(
        finding.check
        for finding in findings(resources.his, settings, thorough=False)
        if finding.ok is False
    )
    for check in wrong:
        log(Event.HIS_CHECK_FAILED, check=check)
    if not wrong:
        log(Event.HIS_CHECKED)
    return wrong
