from __future__ import annotations

import unicodedata
from datetime import date

from payments.models import Money
from payments.vietqr import VietQr
from payments.vietqr.banks import bank_name, bank_table, find_bank


def test_the_banks_of_the_hospital() -> None:
    assert bank_name("970418") == "BIDV"
    assert bank_name("970437") == "HDBank"


def test_a_bank_that_was_renamed_says_so() -> None:
    bank = find_bank("970406")
    assert bank is not None
    assert (bank.name, bank.note) == ("Vikki Bank", "trước là DongA Bank")


def test_an_unknown_bank_is_called_by_its_digits() -> None:
    assert find_bank("970499") is None
    assert bank_name("970499") == "970499"


def test_every_row_can_stand_in_a_qr_and_on_a_screen() -> None:
    table = bank_table()
    assert len(table.banks) == 55
    assert table.checked_on <= date(2100, 1, 1)
    for bin_, bank in table.banks.items():
        assert bin_ == bank.bin
        VietQr(bin=bin_, account="1", dynamic=False, amount=Money(1))
        assert 0 < len(bank.name) <= 24
        assert unicodedata.is_normalized("NFC", bank.name + bank.note)
