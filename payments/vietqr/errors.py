"""What is wrong with a VietQR, or with what one was to be made of.

VietQrError
├── BadStructure      not a chain of objects with their lengths, or one twice or missing
│   └── TooLong       not looked at
├── BadCharacters     outside the signs the object may hold
├── WrongCrc          damaged, or changed on the way
├── OtherScheme       38 is missing, or is not NAPAS's
│   ├── VnpayQr       VNPAY-QR: another scheme, which banks' apps pay elsewhere
│   └── TwoSchemes    one app would pay one account, another app another
├── NotVnd
├── AsksForTip        the payer would pay more than the bill
├── AsksPayer         the payer would type what the hospital has to find the payment by
└── OutsideStandard   a value the standard has no room for
    └── WrongBank · WrongAccount · WrongService · WrongAmount · WrongMemo
"""

from __future__ import annotations

from payments.errors import PaymentError


class VietQrError(PaymentError):
    code = "vietqr"


class BadStructure(VietQrError):
    code = "bad-structure"


class TooLong(BadStructure):
    code = "too-long"


class BadCharacters(VietQrError):
    code = "bad-characters"


class WrongCrc(VietQrError):
    code = "wrong-crc"


class OtherScheme(VietQrError):
    code = "other-scheme"


class VnpayQr(OtherScheme):
    code = "vnpay-qr"


class TwoSchemes(OtherScheme):
    code = "two-schemes"


class NotVnd(VietQrError):
    code = "not-vnd"


class AsksForTip(VietQrError):
    code = "asks-for-tip"


class AsksPayer(VietQrError):
    code = "asks-payer"


class OutsideStandard(VietQrError):
    code = "outside-standard"


class WrongBank(OutsideStandard):
    code = "wrong-bank"


class WrongAccount(OutsideStandard):
    code = "wrong-account"


class WrongService(OutsideStandard):
    code = "wrong-service"


class WrongAmount(OutsideStandard):
    code = "wrong-amount"


class WrongMemo(OutsideStandard):
    code = "wrong-memo"
