from __future__ import annotations

import pytest

from backend.errors import ChangeNotAllowed
from backend.services.cancel_visit import cancel_visit
from backend.services.reprint_ticket import reprint_ticket
from tests.factories.desk import Desk, read


def test_the_same_ticket_at_a_second_kiosk(desk: Desk, other_desk: Desk) -> None:
    visit = desk.take()
    answer = reprint_ticket(
        desk.resources,
        visit.id,
        scan_id=other_desk.scan_ticket(visit.id),
        kiosk=other_desk.kiosk,
        intent=other_desk.intent(),
    )
    again = read(answer)
    assert again.ticket == visit.ticket
    assert again.print_state == "pending"


def test_a_cancelled_ticket_is_not_printed(desk: Desk) -> None:
    visit = desk.take()
    cancel_visit(
        desk.resources,
        visit.id,
        scan_id=desk.scan_ticket(visit.id),
        kiosk=desk.kiosk,
        intent=desk.intent(),
    )
    with pytest.raises(ChangeNotAllowed):
        reprint_ticket(
            desk.resources,
            visit.id,
            scan_id=desk.scan_ticket(visit.id),
            kiosk=desk.kiosk,
            intent=desk.intent(),
        )
