"""Held money given back: what cashier and finance office press on their pages."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import Any

import requests

from tiepdon.demo.pictures.picture import DESK_TALL, Picture
from tiepdon.demo.scene import Scene, require
from tiepdon.demo.server import sign_in

TIMEOUT_S = 20
HELD = "/staff/payments/held"
REFUNDS = "/staff/payments/refunds"
HELD_PAGE = Picture(name="held", path=HELD, ready="main", account="thungan", size=DESK_TALL)
REFUNDS_PAGE = Picture(name="refunds", path=REFUNDS, ready="main", account="ketoan", size=DESK_TALL)


def give_back(scene: Scene, second: dict[str, Any], *, amount_vnd: int) -> None:
    """A cashier asks, the finance office agrees, the cashier transfers and notes the proof.

    `second` is the transfer, as the bank tells it.
    """
    started = time.perf_counter()
    address = scene.stage.server.address
    with (
        requests.Session() as cashier,
        requests.Session() as office,
        scene.staff_pages() as keep_page,
    ):
        sign_in(cashier, address, "thungan")
        sign_in(office, address, "ketoan")
        items = links(press(cashier, address, HELD), HELD)
        require(len(items) == 1, f"{len(items)} sums are held")
        keep_page(replace(HELD_PAGE, path=items[0]))
        asked = {"amount": str(amount_vnd), "reason": "Người bệnh chuyển khoản hai lần."}
        press(cashier, address, items[0], f"{items[0]}/refund", asked)
        (approve,) = actions(press(office, address, REFUNDS), "approve")
        require(not may_press(cashier, address, approve), "one person could do both")
        keep_page(REFUNDS_PAGE)
        press(office, address, REFUNDS, approve)
        back = scene.stage.banks.bank.send_back({"transaction_id": second["transaction_id"]})
        (paid_out,) = actions(press(cashier, address, REFUNDS), "paid-out")
        proof = back["sent_back"]["bank_reference"]
        press(cashier, address, REFUNDS, paid_out, {"proof": proof})
        keep_page(replace(HELD_PAGE, name="given-back", path=items[0]))
    scene.result.times_ms["held to given back"] = (time.perf_counter() - started) * 1000


def press(
    who: requests.Session,
    address: str,
    page: str,
    action: str | None = None,
    fields: dict[str, str] | None = None,
) -> str:
    """A page; with `action` its form of that address is sent, filled in. Gives what is shown then.

    Raises requests.RequestException.
    """
    shown = who.get(address + page, timeout=TIMEOUT_S)
    shown.raise_for_status()
    if action is None:
        return shown.text
    sent = who.post(
        address + action, data={**hidden(shown.text, action), **(fields or {})}, timeout=TIMEOUT_S
    )
    sent.raise_for_status()
    return sent.text


def may_press(who: requests.Session, address: str, action: str) -> bool:
    page = who.get(address + REFUNDS, timeout=TIMEOUT_S).text
    form = {"csrf_token": hidden(page, "")["csrf_token"]}
    return who.post(address + action, data=form, timeout=TIMEOUT_S).ok


def hidden(page: str, action: str) -> dict[str, str]:
    """What the form of that address sends along unseen; of any form when there is no such."""
    forms = re.findall(r"<form[^>]*>.*?</form>", page, re.DOTALL)
    wanted = [form for form in forms if f'action="{action}"' in form] or forms
    found: dict[str, str] = {}
    for form in wanted[:1]:
        for tag in re.findall(r"<input[^>]*>", form):
            facts = dict(re.findall(r'(\w+)="([^"]*)"', tag))
            if facts.get("type") == "hidden":
                found[facts["name"]] = facts.get("value", "")
    return found


def links(page: str, below: str) -> list[str]:
    return sorted(set(re.findall(rf'href="({re.escape(below)}/[0-9a-f]{{32}})"', page)))


def actions(page: str, name: str) -> list[str]:
    return sorted(set(re.findall(rf'action="({re.escape(REFUNDS)}/[0-9a-f]{{32}}/{name})"', page)))
