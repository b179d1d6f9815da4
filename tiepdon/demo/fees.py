"""Three patients who pay by QR at the real kiosk, at a bank and a wallet that play their parts.

What came of the money is asked of the HIS and of the books, not of the kiosk.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import requests

from his_adapter.demo import personas
from his_adapter.demo.fees import OWED
from his_adapter.demo.gateway import open_gateway
from his_adapter.demo.personas import Persona
from his_adapter.models import Account, Identifier, IdentifierKind, PatientQuery
from kiosk_ui.driver import NothingToTapError
from kiosk_ui.presenters.views import Action, PaidView, PayView
from tiepdon.demo.banks import ACCOUNT, BANK, WALLET
from tiepdon.demo.office import give_back
from tiepdon.demo.patient import Patient
from tiepdon.demo.qr_witness import read_picture, read_vietqr
from tiepdon.demo.scene import WALK_IN, Scene, check_in, require
from tiepdon.demo.stage import StagedKiosk

ADVANCE_VND = 2_000_000
EXAMINATION_VND = 45_000
"""Of Khám Nội tổng hợp, for who has no insurance."""
TIMEOUT_S = 20
HIS_WITHIN_S = 40.0
PAYING = {"welcome": "pay", "pay_who": "own", "notice": "yes", "pay_bills": "pay"}
"""What is touched on the way to the QR."""


def examination_fee(scene: Scene) -> None:
    """Somebody without insurance takes a number, then pays for the examination with a bank's app."""
    persona = personas.NOT_INSURED
    check_in(scene, persona, WALK_IN)
    wait(lambda: account_of(scene, persona).due_vnd == EXAMINATION_VND, "the bill in the HIS")
    with scene.kiosk() as (patient, staged):
        to_qr(scene, patient, persona, method=BANK)
        text, code = read_glass(patient, amount_vnd=EXAMINATION_VND)
        transfer(scene, text)
        take_receipt(scene, patient, staged, code=code, since=time.perf_counter())
    his_has_it(scene, persona, lambda account: account.due_vnd == 0)
    prove_books(scene)


def advance_callback_lost(scene: Scene) -> None:
    """An advance by wallet. Nobody tells the hospital; it asks."""
    persona = personas.ADMITTED
    wallet = scene.stage.banks.wallet
    with scene.kiosk() as (patient, staged):
        wallet.faults.set_from("drop_webhook", {"n": 1})
        answers = {**PAYING, "pay_bills": "advance", "pay_advance": f"amount:{ADVANCE_VND}"}
        to_qr(scene, patient, persona, method=WALLET, answers=answers)
        view = patient.view_of(PayView)
        address = read_picture(patient.photograph())
        require(address.startswith(wallet.base_url), "the QR is not the wallet's")
        requests.post(address, data={"action": "confirm"}, timeout=TIMEOUT_S).raise_for_status()
        require(wallet.callbacks.settle(TIMEOUT_S), "the wallet still tells of it")
        require(patient.view_of(PayView).amount == view.amount, "paid without a word of anybody")
        asked_at = time.perf_counter()
        with contextlib.suppress(NothingToTapError):  # on a slow day the server has asked by itself
            asked_at = patient.tap(Action("check"))
        take_receipt(scene, patient, staged, since=asked_at, timed="asked")
    his_has_it(scene, persona, lambda account: account.advances_vnd == ADVANCE_VND)
    prove_books(scene)


def paid_twice(scene: Scene) -> None:
    """The second transfer is held; a cashier asks that it be given back, the office agrees."""
    persona = personas.OWES_SHARE
    (bill,) = OWED[persona]
    with scene.kiosk() as (patient, staged):
        to_qr(scene, patient, persona, method=BANK)
        text, code = read_glass(patient, amount_vnd=bill.due_vnd)
        transfer(scene, text)
        second = transfer(scene, text)
        require(scene.stage.banks.bank.callbacks.settle(TIMEOUT_S), "the bank still tells of it")
        take_receipt(scene, patient, staged, code=code, since=time.perf_counter())
    balances = prove_books(scene)
    require(balances.get("suspense") == bill.due_vnd, "the second transfer is not held")
    give_back(scene, second, amount_vnd=bill.due_vnd)
    his_has_it(
        scene,
        persona,
        lambda account: (
            (account.paid_vnd, account.due_vnd, account.credit_vnd) == (bill.due_vnd, 0, 0)
        ),
    )
    balances = prove_books(scene)
    require(balances.get("suspense", 0) == balances.get("refund", 0) == 0, "money is still held")


# --- at the kiosk ----------------------------------------------------------------------------------


def to_qr(
    scene: Scene,
    patient: Patient,
    persona: Persona,
    *,
    method: str,
    answers: dict[str, str] | None = None,
) -> None:
    """From the start screen, by the patient's own card, to a QR that can be paid."""
    chosen = PAYING if answers is None else answers
    patient.walk(chosen, to="scan")
    scene.stage.hold(persona)
    started = time.perf_counter()
    patient.wait(lambda: patient.screen == "pay_bills" and not patient.is_busy())
    patient.times_ms["card to what is due"] = (time.perf_counter() - started) * 1000
    patient.walk(chosen, to="pay_method")
    started = patient.tap(Action("method", method))
    patient.until("pay_qr")
    patient.times_ms["QR on the glass"] = (time.perf_counter() - started) * 1000


def read_glass(patient: Patient, *, amount_vnd: int) -> tuple[str, str]:
    """The text of the QR in a picture of the glass, and the code in it.

    Raises LostPatientError unless account, amount and code are right.
    """
    text = read_picture(patient.photograph())
    seen = read_vietqr(text)
    require(
        (seen.bin, seen.account) == (ACCOUNT.bin, ACCOUNT.number),
        "the QR pays into another account",
    )
    require((seen.amount_vnd, seen.currency) == (amount_vnd, "704"), "the QR has another amount")
    code = (seen.memo or "").split()[0]
    shown = [row.value for row in patient.view_of(PayView).rows]
    require(any(code in value for value in shown), "the code on the glass is not that of the QR")
    return text, code


def transfer(scene: Scene, text: str) -> dict[str, Any]:
    """With the bank's app: the text of the QR is read, confirmed and paid."""
    app = scene.stage.banks.bank_app
    read = requests.post(
        f"{app}/phone/read",
        data=text.encode(),
        headers={"Content-Type": "text/plain"},
        timeout=TIMEOUT_S,
    )
    read.raise_for_status()
    seen = read.json()
    require(seen["holder"] == ACCOUNT.holder, "the app shows another holder")
    wanted = {name: seen[name] for name in ("bin", "account", "amount", "memo")}
    paid = requests.post(f"{app}/phone/transfer", json=wanted, timeout=TIMEOUT_S)
    paid.raise_for_status()
    return dict(paid.json())


def take_receipt(
    scene: Scene,
    patient: Patient,
    staged: StagedKiosk,
    *,
    code: str | None = None,
    since: float,
    timed: str = "paid",
) -> None:
    """The kiosk says that the money is there, and the receipt comes out of the printer.

    Of what happened at `since` the times are told.
    """
    before = len(staged.printer.tickets)
    patient.wait(lambda: patient.screen == "paid", what="the money to be seen")
    patient.times_ms[f"{timed} to received"] = (time.perf_counter() - since) * 1000
    patient.until("paid")
    shown = patient.view_of(PaidView).code.replace(" ", "")
    require(code in {None, shown}, "the receipt has another code than the QR")
    scene.result.payment = shown
    patient.wait(lambda: len(staged.printer.tickets) > before, what="the receipt")
    scene.keep_ticket(staged, before + 1)
    patient.times_ms[f"{timed} to receipt"] = (time.perf_counter() - since) * 1000
    patient.look()


# --- what came of it -------------------------------------------------------------------------------


def account_of(scene: Scene, persona: Persona) -> Account:
    """What the HIS has of this person. Raises HisError."""
    his = open_gateway({"folder": str(scene.stage.server.his_folder)})
    try:
        number = Identifier(kind=IdentifierKind.MRN, value=persona.mrn or "")
        (match,) = his.find_patients(PatientQuery(identifiers=(number,))).items
        return his.read_account(match.ref)
    finally:
        his.close()


def his_has_it(scene: Scene, persona: Persona, holds: Callable[[Account], bool]) -> None:
    started = time.perf_counter()
    wait(lambda: holds(account_of(scene, persona)), "the HIS to have the money")
    wait(lambda: not scene.stage.server.untold(), "the server to know that the HIS has it")
    scene.result.times_ms["until the HIS has it"] = (time.perf_counter() - started) * 1000


def prove_books(scene: Scene) -> dict[str, int]:
    """`tiepdon payments verify`; the balances. Raises LostPatientError when they are not right."""
    command = [sys.executable, "-m", "tiepdon", "payments", "verify"]
    command += ["--db", scene.stage.server.database_url]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    require(told.returncode == 0, f"the books are wrong: {told.stdout[:500]}{told.stderr[-500:]}")
    return dict(json.loads(told.stdout)["balances"])


def wait(condition: Callable[[], bool], what: str) -> None:
    """Raises LostPatientError."""
    end_s = time.monotonic() + HIS_WITHIN_S
    while not condition():
        require(time.monotonic() < end_s, f"waited for {what}")
        time.sleep(0.2)
