"""Every example of the fact sheet. Nothing here is a real key, customer or bill."""

from __future__ import annotations

import pytest

from payments.providers.bidv.signing import (
    ChecksumForm,
    getbill_checksum,
    paybill_checksum,
    secure_code,
)

SECRET = "demo-bidv-secret"


@pytest.mark.parametrize(
    ("form", "getbill", "paybill"),
    [
        (
            ChecksumForm.SHA256_PLUS,
            "O6XV8bxFuM3JaKHb1oTra4MIfccYgj0JPp1lM4gD2Pc=",
            "SOjYN32j3n1KbY/V7N7n+nz+gWJBLVA+n0TODNg5ywg=",
        ),
        (
            ChecksumForm.SHA256_BAR,
            "NI758UqxQnWh4GYe0zteBaKMBUnN3OcHOFZMDszi3ww=",
            "zHdbvbNG8iT9ik3fl113/Sv/aBqaIdb2kyArKm2+z80=",
        ),
        (
            ChecksumForm.HMAC_BAR,
            "cjauwHZ3lK5qw8vegwxIMkNzYIsgq6PBDzc5OZZjA7g=",
            "A0PxJfosY/dd0Mp4WYP7dEyGnZWygwgr2obmKk9uUOQ=",
        ),
        (
            ChecksumForm.MD5,
            "77def81cec49e70faed885f3457cd015",
            "c2217ef4fd1825450c17899ed3d4b65b",
        ),
    ],
)
def test_checksums(form: ChecksumForm, getbill: str, paybill: str) -> None:
    assert getbill_checksum(form, SECRET, service="123000", customer="HOSP2600000042") == getbill
    assert (
        paybill_checksum(
            form, SECRET, transaction="BIDV26112000001", bill="VP26AB7K9M", amount="350000"
        )
        == paybill
    )


def test_secure_code() -> None:
    code = secure_code(
        SECRET,
        interaction="261120091530",
        service="123000",
        merchant="DEMOMID",
        merchant_name="BENH VIEN DEMO",
    )
    assert code == "oBv45xCNWq/YGtxr5iYb76Aap/hR3j7229JoujHOVaA="
