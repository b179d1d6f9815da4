"""Whoever is shown a person leaves a trace: every module that opens a person says where it is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
BACKEND = ROOT / "backend"
READERS = {"find_people", "get_person", "find_person", "get_scan", "list_copies", "unseal"}
"""What gives the readable parts of somebody."""
TRACES = {
    "PERSON_READ",
    "PERSON_IDENTIFIED",
    "PERSON_CORRECTED",
    "CHECKIN_READ",
    "COVERAGE_EVIDENCE_READ",
    "DUES_READ",
    "PAYMENT_PAYER_READ",
    "INCIDENT_READ",
    "INCIDENT_EXPORTED",
    "DATA_REQUEST_READ",
    "VISIT_NAMED",
    "VISIT_CHANGED",
    "PRIORITY_CONFIRMED",
    "PARTNER_ASKED",
    "HISTORY_TAKEN",
}
UNTRACED = {
    # machines among themselves: nobody sees what was opened
    "backend/jobs/recheck_coverage.py": "asks the insurer again, shows nobody",
    "backend/services/build_checkin.py": "writes the table that goes to the insurer",
    "backend/services/deliveries/check_in.py": "sends to the HIS",
    "backend/services/deliveries/merge_patients.py": "sends to the HIS",
    "backend/services/deliveries/sealed.py": "sends to the HIS",
    "backend/services/settle_coverage.py": "compares an answer of the insurer",
    "backend/services/recognise_partner.py": "opens the secret of a partner, no person",
    "backend/services/second_factor.py": "opens the secret of an account, no person",
    "backend/services/show_payment.py": "opens the address of an invoice for its own payer",
    "backend/services/show_reconciliations.py": "compares a statement; payers are shown by "
    "list_suspense only",
    # the person themselves at a kiosk, whom identify_patient has noted
    "backend/services/find_own_visit.py": "who held the card up sees their own visit",
    "backend/services/number_visit.py": "gives the number to who was identified",
    "backend/services/offer_services.py": "age and sex decide what is offered, shown to nobody",
    "backend/services/start_visit.py": "gives the number to who was identified",
    "backend/services/register_for_partner.py": "answers the kiosk that identified them",
    # the page of a room
    "backend/services/show_room.py": "note_room_reads writes it for every page that loads a room",
    # what everybody in the hall may see
    "backend/services/show_display.py": "a setting of the hospital: masked names beside numbers",
    "backend/storage/repositories.py": "gives people to the services above",
    "backend/storage/his_copies.py": "gives copies to show_his_data",
    "backend/storage/crypto.py": "is what opens",
}


def test_who_opens_a_person_leaves_a_trace_or_says_why_not() -> None:
    silent = {}
    for path in sorted(BACKEND.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        called = READERS & _calls(ast.parse(text))
        name = str(path.relative_to(ROOT))
        traces = set(re.findall(r"Event\.([A-Z_]+)", text)) & TRACES
        if called and not traces and name not in UNTRACED:
            silent[name] = sorted(called)
    assert silent == {}


def test_what_is_excused_still_opens_somebody() -> None:
    """An excuse that nobody needs any more would hide the next one who does."""
    idle = []
    for name in UNTRACED:
        path = ROOT / name
        calls = _calls(ast.parse(path.read_text(encoding="utf-8"))) if path.exists() else set()
        if not READERS & calls and "crypto" not in name:
            idle.append(name)
    assert idle == []


def test_every_page_of_a_room_is_noted() -> None:
    for path in sorted(BACKEND.rglob("*.py")):
        calls = _calls(ast.parse(path.read_text(encoding="utf-8")))
        if "load_room" in calls:
            assert "note_room_reads" in calls, path


def _calls(tree: ast.AST) -> set[str]:
    return {
        node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
    }
