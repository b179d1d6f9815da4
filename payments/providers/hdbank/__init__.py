"""HDBank's dynamic QR at hospitals, as its partner's document describes it (v1.0.3 of 28/06/2024).

Read in full in one public copy of that document ("Đặc tả yêu cầu kết nối QRCode động HDBank"); no
test host was within reach. Written there, and kept to here: `data` = Base64 of the JSON, `sign` =
HMAC-SHA256, both in the body or, encoded for URLs, in the query; the calls `POST /payments/qrCode`
and `GET /merchants/invoices`; statuses 00 01 10 99; the IPN by GET and its answers 00 to 05 and 99;
times as yyyyMMddHHmmss in UTC, at most one minute from the bank's clock.

Not written, and a guess here: that the signed text is the Base64 (the formula says
"HMACSHA256(data, secret)"); that the signature is hexadecimal (a sibling document of the same
partner shows it so; the examples of this one are no signatures at all): a setting; what the Base64
`qrCode` holds, a picture as its example begins or the text: both are read; what a repeated
invoiceId does; whether and when an IPN is repeated; that its replies carry no signature (their
examples have none). There is no cancelling, no refund and no list of a day.
"""
