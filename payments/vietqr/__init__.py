"""VietQR of NAPAS: the text behind the QR of a transfer to an account, written and read."""

from payments.vietqr.codec import decode, encode
from payments.vietqr.errors import VietQrError
from payments.vietqr.models import Service, VietQr

__all__ = ["Service", "VietQr", "VietQrError", "decode", "encode"]
