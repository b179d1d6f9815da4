"""Strings of NAPAS's own document, of public libraries, and our own with their faults."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from payments.models import Money
from payments.vietqr import Service, VietQr, VietQrError, decode, encode
from payments.vietqr.codec import MAX_CHARS, crc

BIDV_1, HDBANK = "1200000000001", "0680000000001"

# name: (text, what it says)
WHOLE = {
    "NAPAS 6.1.1, its inner length put right": (
        "00020101021138570010A00000072701270006970403011300110123456780208QRIBFTTA53037045802VN63049E6F",
        VietQr(bin="970403", account="0011012345678", dynamic=False),
    ),
    "NAPAS 6.1.2": (
        "00020101021138600010A00000072701300006970403011697040311012345670208QRIBFTTC53037045802VN63044F52",
        VietQr(
            bin="970403", account="9704031101234567", service=Service.TO_CARD, dynamic=False
        ),
    ),
    "NAPAS 6.1.3": (
        "00020101021238570010A00000072701270006970403011300110123456780208QRIBFTTA530370454061800005802VN62340107NPS68690819thanh toan don hang63042E2E",
        VietQr(
            bin="970403", account="0011012345678", dynamic=True, amount=Money(180_000),
            bill="NPS6869", memo="thanh toan don hang",
        ),
    ),
    "NAPAS 6.1.4, its long form": (
        "00020101021238600010A00000072701300006970403011697040311012345670208QRIBFTTC530370454061800005802VN62340107NPS68690819thanh toan don hang6304A203",
        VietQr(
            bin="970403", account="9704031101234567", service=Service.TO_CARD, dynamic=True,
            amount=Money(180_000), bill="NPS6869", memo="thanh toan don hang",
        ),
    ),
    "a Go library": (
        "00020101021238570010A00000072701270006970415011300110019324180208QRIBFTTA530370454061200005802VN62170813ung ho lu lut6304C15C",
        VietQr(
            bin="970415", account="0011001932418", dynamic=True, amount=Money(120_000),
            memo="ung ho lu lut",
        ),
    ),
    "letters in an account": (
        "00020101021238630010A0000007270133000697042201190023457923442ASDFLJ0208QRIBFTTA53037045405401235802VN62290825chuyen khoan alsdkf laksj6304E5DB",
        VietQr(
            bin="970422", account="0023457923442ASDFLJ", dynamic=True, amount=Money(40_123),
            memo="chuyen khoan alsdkf laksj",
        ),
    ),
    "a TypeScript library, static": (
        "00020101021138530010A0000007270123000697041601092576788590208QRIBFTTA53037045802VN6304AE9F",
        VietQr(bin="970416", account="257678859", dynamic=False),
    ),
    "a TypeScript library, dynamic": (
        "00020101021238530010A0000007270123000697041601092576788590208QRIBFTTA53037045405100005802VN62150811Chuyen tien630453E6",
        VietQr(
            bin="970416", account="257678859", dynamic=True, amount=Money(10_000),
            memo="Chuyen tien",
        ),
    ),
    "MoMo": (
        "00020101021138620010A000000727013200069710250118PSP1234567890000000208QRIBFTTA53037045802VN62190515MOMOW2W123456786304821F",
        VietQr(
            bin="971025", account="PSP123456789000000", dynamic=False,
            others=(("62.05", "MOMOW2W12345678"),),
        ),
    ),
    "MoMo before, with an object of its own that is no template": (
        "00020101021138620010A00000072701320006970454011899MM24011M348750800208QRIBFTTA53037045802VN62190515MOMOW2W3487508080030466304EBC8",
        VietQr(
            bin="970454", account="99MM24011M34875080", dynamic=False,
            others=(("80", "046"), ("62.05", "MOMOW2W34875080")),
        ),
    ),
    "T1": (
        "00020101021138570010A00000072701270006970418011312000000000010208QRIBFTTA53037045802VN63048B23",
        VietQr(bin="970418", account=BIDV_1, dynamic=False),
    ),
    "T2": (
        "00020101021238570010A00000072701270006970418011312000000000010208QRIBFTTA530370454063500005802VN62140810VP26AB7K9M6304079F",
        VietQr(
            bin="970418", account=BIDV_1, dynamic=True, amount=Money(350_000), memo="VP26AB7K9M"
        ),
    ),
    "T3": (
        "00020101021238570010A00000072701270006970437011306800000000010208QRIBFTTA5303704540715000005802VN62270109TU26001230810TU26AB7K9M6304AAA4",
        VietQr(
            bin="970437", account=HDBANK, dynamic=True, amount=Money(1_500_000),
            bill="TU2600123", memo="TU26AB7K9M",
        ),
    ),
    "T4": (
        "00020101021238600010A000000727013000069704180116V1HOSP26000000420208QRIBFTTA53037045408100000015802VN62140810VP26AB7K9N6304556B",
        VietQr(
            bin="970418", account="V1HOSP2600000042", dynamic=True, amount=Money(10_000_001),
            memo="VP26AB7K9N",
        ),
    ),
    "T5": (
        "00020101021238570010A00000072701270006970437011306800000000010208QRIBFTTA52048062530370454062750005802VN5914BENH VIEN DEMO6011HO CHI MINH62250707KIOSK010810VP26AB7K9P6304B4CF",
        VietQr(
            bin="970437", account=HDBANK, dynamic=True, amount=Money(275_000), mcc="8062",
            name="BENH VIEN DEMO", city="HO CHI MINH", terminal="KIOSK01", memo="VP26AB7K9P",
        ),
    ),
    "T6": (
        "00020101021238600010A00000072701300006970418011697041800000000010208QRIBFTTC53037045405500005802VN62140810VP26AB7K9Q6304A4EF",
        VietQr(
            bin="970418", account="9704180000000001", service=Service.TO_CARD, dynamic=True,
            amount=Money(50_000), memo="VP26AB7K9Q",
        ),
    ),
    "T7": (
        "00020101021238570010A00000072701270006970437011306800000000010208QRIBFTTA530370454099999999995802VN62290825AAAAAAAAAAAAAAAAAAAAAAAAA63044698",
        VietQr(
            bin="970437", account=HDBANK, dynamic=True, amount=Money(999_999_999), memo="A" * 25
        ),
    ),
    "T8": (
        "00020101021238570010A00000072701270006970418011312000000000020208QRIBFTTA530370454061000005802VN62060802VP63040D4F",
        VietQr(
            bin="970418", account="1200000000002", dynamic=True, amount=Money(100_000), memo="VP"
        ),
    ),
}  # fmt: skip
T2 = WHOLE["T2"][0]


def sealed(text: str) -> str:
    """With the right CRC after whatever stands in it."""
    return text + "6304" + crc(text + "6304")


def changed(old: str, new: str) -> str:
    body = T2[:-8]
    assert body.count(old) == 1, old
    return sealed(body.replace(old, new))


@pytest.mark.parametrize("name", WHOLE)
def test_what_the_strings_of_others_say(name: str) -> None:
    text, said = WHOLE[name]
    assert decode(text) == said


@pytest.mark.parametrize("name", [name for name in WHOLE if "no template" not in name])
def test_we_write_them_alike_to_the_sign(name: str) -> None:
    text, said = WHOLE[name]
    assert encode(said) == text


def test_the_check_value_of_the_crc() -> None:
    assert crc("123456789") == "29B1"
    assert WHOLE["T8"][0].endswith("0D4F")


def test_objects_in_any_order_are_written_again_in_ascending_order() -> None:
    text, said = WHOLE["T5"]
    account = "0208QRIBFTTA01270113" + HDBANK + "00069704370010A000000727"
    mixed = sealed(
        "00020162250810VP26AB7K9P0707KIOSK016011HO CHI MINH5914BENH VIEN DEMO5802VN"
        f"38{len(account)}{account}01021254062750005303704" + "52048062"
    )
    assert decode(mixed) == said
    assert encode(decode(mixed)) == text


def test_the_crc_may_be_in_lower_case() -> None:
    assert decode(T2[:-4] + T2[-4:].lower()) == WHOLE["T2"][1]


def test_a_name_in_vietnamese_and_objects_of_others_are_kept() -> None:
    text = sealed(T2[:-8] + "64160002vi0106Bệnh v" + "8003046")
    qr = decode(text)

    assert qr.others == (("64", "0002vi0106Bệnh v"), ("80", "046"))
    assert encode(qr) == text


@pytest.mark.parametrize("amount", ["350000", "350000."])
def test_a_point_without_decimals_is_well_written(amount: str) -> None:
    assert decode(changed("5406350000", f"54{len(amount):02}{amount}")).amount == Money(350_000)


REFUSED = {
    "nothing": ("", "bad-structure"),
    "a link": ("https://example.com/6304ABCD", "wrong-crc"),
    "one digit of the amount": (T2.replace("350000", "350001"), "wrong-crc"),
    "cut": (T2[:-1], "bad-structure"),
    "cut by four": (T2[:-4], "bad-structure"),
    "something behind": (T2 + "0", "bad-structure"),
    "a line end": (T2 + "\n", "bad-characters"),
    "inner length 12 for an account of 13": (changed("01131200", "01121200"), "bad-structure"),
    "grouping": (changed("5406350000", "5407350,000"), "wrong-amount"),
    "grouping by points": (changed("5406350000", "5407350.000"), "wrong-amount"),
    "a blank in the amount": (changed("5406350000", "5407350 000"), "wrong-amount"),
    "hundredths of a đồng": (changed("5406350000", "5409350000.00"), "wrong-amount"),
    "nothing to pay": (changed("5406350000", "54010"), "wrong-amount"),
    "an amount of zeros": (changed("5406350000", "5403000"), "wrong-amount"),
    "less than nothing": (changed("5406350000", "5402-1"), "wrong-amount"),
    "fourteen digits": (changed("5406350000", "541412345678901234"), "wrong-amount"),
    "only a point": (changed("5406350000", "5401."), "wrong-amount"),
    "digits of another script": (changed("5406350000", "5403１２３"), "bad-characters"),
    "a letter with marks in the memo": (changed("VP26AB7K9M", "Viện phí 1"), "bad-characters"),
    "NAPAS's misprint": (
        "00020101021138570010A00000072701270006970403011200110123456780208QRIBFTTA53037045802VN6304F4E5",
        "bad-structure",
    ),
    "NAPAS 6.1.4, headline with the CRC of the long form": (
        "00020101021238600010A00000072701300006970403011697040311012345670208QRIBFTTC53037045802VN6304A203",
        "wrong-crc",
    ),
    "a library's example, of a version that is not": (
        "00020001021238570010A00000072701270006970436011308810004580860208QRIBFTTA53037045802VN6304CD60",
        "bad-structure",
    ),
    "the same as version 01": (
        "00020101021238570010A00000072701270006970436011308810004580860208QRIBFTTA53037045802VN6304CD60",
        "wrong-crc",
    ),
    "VNPAY-QR": (
        "00020101021126280010A0000007750110010531314453037045408210900005802VN5910CELLPHONES62600312CPSHN ONLINE0517021908061613127850705ONLHN0810CellphoneS63047685",
        "vnpay-qr",
    ),
    "a receiver of another kind": (sealed("00020101021126080004ABCD5303704"), "other-scheme"),
    "no receiver": (sealed("00020101021153037045802VN"), "other-scheme"),
    "26 and 38": (
        changed("3857", "26280010A000000775011001053131443857"), "two-schemes"
    ),
    "another network": (changed("A000000727", "A000000728"), "other-scheme"),
    "dollars": (changed("5303704", "5303840"), "not-vnd"),
    "no currency": (changed("5303704", ""), "bad-structure"),
    "another country": (changed("5802VN", "5802TH"), "outside-standard"),
    "no country": (changed("5802VN", ""), "bad-structure"),
    "neither static nor dynamic": (changed("010212", "010213"), "outside-standard"),
    "no word on it": (changed("010212", ""), "bad-structure"),
    "a tip": (changed("5802VN", "5502015802VN"), "asks-for-tip"),
    "a fee": (changed("5802VN", "550202560410005802VN"), "asks-for-tip"),
    "a fee in percent": (changed("5802VN", "550203570155802VN"), "asks-for-tip"),
    "the memo is asked for": (changed("62140810VP26AB7K9M", "62070803***"), "asks-payer"),
    "a phone number is asked for": (
        changed("62140810VP26AB7K9M", "62210203***0810VP26AB7K9M"), "asks-payer"
    ),
    "a memo of 26": (changed("62140810VP26AB7K9M", "62300826" + "A" * 26), "wrong-memo"),
    "a memo of nothing": (changed("62140810VP26AB7K9M", "62040800"), "bad-structure"),
    "two memos": (changed("62140810VP26AB7K9M", "62100801A0801B"), "bad-structure"),
    "two amounts": (changed("5802VN", "540115802VN"), "bad-structure"),
    "the version not first": (changed("000201010212", "010212000201"), "bad-structure"),
    "something after the CRC": (sealed(T2 + "6405000"), "bad-structure"),
    "cash from a machine": (changed("0208QRIBFTTA", "0208QRCASHXX"), "wrong-service"),
    "an account with a hyphen": (changed("1200000000001", "120000000-001"), "wrong-account"),
    "a bank of letters": (changed("0006970418", "000697041A"), "wrong-bank"),
    "a bank and no account": (
        sealed("00020101021138280010A00000072701100006970418" + "53037045802VN"), "wrong-bank"
    ),
    "too long": (sealed("000201" + "8099" + "A" * 99 + "8199" + "A" * 400), "too-long"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_and_why(name: str) -> None:
    text, code = REFUSED[name]
    with pytest.raises(VietQrError) as refused:
        decode(text)
    assert refused.value.code == code
    assert not refused.value.retryable


printable = st.characters(min_codepoint=0x20, max_codepoint=0x7E)


def texts(most: int) -> st.SearchStrategy[str | None]:
    some = st.text(printable, min_size=1, max_size=most)
    return st.none() | some.filter(lambda text: text != "***")


whole = st.builds(
    VietQr,
    bin=st.from_regex(r"[0-9]{6}", fullmatch=True),
    account=st.from_regex(r"[0-9A-Za-z]{1,19}", fullmatch=True),
    service=st.none() | st.sampled_from(Service),
    dynamic=st.booleans(),
    amount=st.none() | st.integers(1, 10**13 - 1).map(Money),
    memo=texts(25),
    bill=texts(25),
    terminal=texts(25),
    mcc=st.none() | st.from_regex(r"[0-9]{4}", fullmatch=True),
    name=texts(25),
    city=texts(15),
    postcode=texts(10),
    others=st.sampled_from([(), (("80", "046"), ("62.05", "R1")), (("64", "0002vi"),)]),
)


@given(whole)
def test_what_is_written_is_read_alike(qr: VietQr) -> None:
    text = encode(qr)
    assert len(text) <= MAX_CHARS
    assert decode(text) == qr


@given(whole, st.data())
def test_a_changed_sign_is_found_out(qr: VietQr, data: st.DataObject) -> None:
    text = encode(qr)
    place = data.draw(st.integers(0, len(text) - 5))
    sign = data.draw(printable.filter(lambda sign: sign != text[place]))
    with pytest.raises(VietQrError):
        decode(text[:place] + sign + text[place + 1 :])


@given(st.text(max_size=600))
@example("6304FFFF")
@example("0" * 513)
@example("\udc80")
@example("²³01026304")
def test_any_text_gives_a_vietqr_or_our_own_error(text: str) -> None:
    for candidate in (text, sealed_or_bare(text)):
        with suppress(VietQrError):
            decode(candidate)


@given(st.text(st.sampled_from("0123456789"), max_size=200))
def test_any_digits_with_a_right_crc_too(text: str) -> None:
    with suppress(VietQrError):
        decode(sealed("000201" + text))


def sealed_or_bare(text: str) -> str:
    try:
        return sealed(text)
    except UnicodeEncodeError:
        return text
