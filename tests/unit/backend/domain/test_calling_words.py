from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.calling_settings import CallingSettings, CallTemplate
from backend.domain.calling_words import (
    COMMA_MS,
    MAX_PHRASE_CHARS,
    STOP_MS,
    Phrase,
    SpokenCall,
    call_words,
    fixed_phrases,
    template_kind,
    text_phrases,
)
from backend.domain.reading import Language, UnreadableCode

PLAIN = CallingSettings()
CALL = SpokenCall(number="A102", room_code="102")


def spoken(call: SpokenCall, settings: CallingSettings = PLAIN, language: Language = "vi") -> str:
    return " | ".join(phrase.text for phrase in call_words(call, settings, language).phrases)


@pytest.mark.parametrize(
    ("call", "vi", "en"),
    [
        (
            CALL,
            "Mời bệnh nhân số A102 đến phòng 102.",
            "Number A102, please go to room 102.",
        ),
        (
            replace(CALL, room_kind="counter", room_code="3"),
            "Mời số A102 đến quầy 3.",
            "Number A102, please go to counter 3.",
        ),
        (
            replace(CALL, room_kind="counter", room_code="3", priority_lane=True),
            "Mời số A102 đến quầy ưu tiên 3.",
            "Number A102, please go to priority counter 3.",
        ),
        (
            replace(CALL, attempt=2),
            "Xin nhắc lại. Mời số A102 đến phòng 102.",
            "Second call. Number A102, room 102.",
        ),
        (
            replace(CALL, attempt=3),
            "Lần gọi cuối. Mời số A102 đến phòng 102.",
            "Last call. Number A102, room 102.",
        ),
        (
            SpokenCall(kind="missed", number="A7"),
            "Số A7 đã qua lượt. Mời quét lại phiếu tại máy hoặc báo quầy hướng dẫn.",
            "Number A7 missed the turn. Please scan your ticket again or see the help desk.",
        ),
        (
            SpokenCall(kind="get_ready", numbers=("A7", "A8", "A9")),
            "Các số A7, A8, A9 xin chuẩn bị.",
            "Numbers A7, A8 and A9, please get ready.",
        ),
        (
            SpokenCall(kind="pharmacy_range", number="X1", last_number="X20"),
            "Mời các số từ X1 đến X20 đến quầy thuốc.",
            "Numbers X1 to X20, please go to the pharmacy.",
        ),
        (
            SpokenCall(kind="results_ready", number="R4", room_code="203"),
            "Số R4 đã có kết quả. Mời trở lại phòng 203.",
            "Number R4, results are ready. Please return to room 203.",
        ),
        (
            SpokenCall(kind="room_moved", room_code="101", new_room_code="205"),
            "Phòng 101 chuyển sang phòng 205. Số thứ tự giữ nguyên.",
            "Room 101 has moved to room 205. Your number stays the same.",
        ),
        (
            SpokenCall(kind="room_paused", room_code="101", minutes=15),
            "Phòng 101 tạm nghỉ 15 phút. Xin lỗi vì phải chờ thêm.",
            "Room 101 is paused for 15 minutes. We are sorry.",
        ),
    ],
)
def test_the_wording_on_the_screen(call: SpokenCall, vi: str, en: str) -> None:
    assert call_words(call, PLAIN, "vi").shown == vi
    assert call_words(call, PLAIN, "en").shown == en


def test_a_call_in_pieces() -> None:
    words = call_words(CALL, PLAIN, "vi")
    assert words.phrases == (
        Phrase(text="Mời bệnh nhân số"),
        Phrase(text="a", pause_before_ms=300),
        Phrase(text="một trăm linh hai"),
        Phrase(text="đến phòng"),
        Phrase(text="một không hai", pause_before_ms=300),
    )
    assert words.times == 2
    assert spoken(CALL, language="en") == (
        "Number | A | one zero two | please go to room | one zero two"
    )


def test_settings_change_the_words() -> None:
    settings = CallingSettings(
        person_word="người bệnh", region="nam", rooms="cardinal", leading_zeros="digits"
    )
    call = replace(CALL, number="A004", room_code="104")
    assert spoken(call, settings) == (
        "Mời người bệnh số | a | không không bốn | đến phòng | một trăm lẻ bốn"
    )
    own = CallTemplate(vi="Phòng {room} mời số {number}", en="{room}, {number}", times=1)
    words = call_words(CALL, CallingSettings(templates={"call_room": own}), "vi")
    assert words.shown == "Phòng 102 mời số A102"
    assert words.times == 1


def test_signs_become_pauses() -> None:
    phrases = call_words(replace(CALL, attempt=2), PLAIN, "vi").phrases
    assert phrases[0].text == "Xin nhắc lại"
    assert phrases[1] == Phrase(text="Mời số", pause_before_ms=STOP_MS)
    english = call_words(CALL, PLAIN, "en").phrases
    assert english[3] == Phrase(text="please go to room", pause_before_ms=COMMA_MS)
    own = CallTemplate(vi="Xin mời. {number}: {room}.", en="{number} {room}")
    odd = call_words(CALL, CallingSettings(templates={"call_room": own}), "vi").phrases
    assert odd[1].pause_before_ms == STOP_MS


def test_a_room_no_voice_can_read_sends_people_to_the_screen() -> None:
    call = replace(CALL, room_code="Phòng khám HIV")
    words = call_words(call, PLAIN, "vi")
    assert spoken(call) == "Mời số | a | một trăm linh hai | Xin xem màn hình"
    assert words.shown == "Mời bệnh nhân số A102 đến phòng Phòng khám HIV."


def test_a_clinic_kind_in_a_code_is_never_spoken() -> None:
    for code in ("HIV 12", "DALIEU-12", "STI12", "PHỤ KHOA 12"):
        assert spoken(replace(CALL, room_code=code)).endswith("| mười hai")


@pytest.mark.parametrize("number", ["", "Nguyễn Văn Thử", "A", "001085000123456789"])
def test_what_is_no_number_is_not_called(number: str) -> None:
    with pytest.raises(UnreadableCode):
        call_words(replace(CALL, number=number), PLAIN, "vi")


def test_too_many_or_no_numbers_are_not_called() -> None:
    for numbers in ((), ("A1",) * 6):
        with pytest.raises(UnreadableCode):
            call_words(SpokenCall(kind="get_ready", numbers=numbers), PLAIN, "vi")


def test_a_moved_room_that_cannot_be_read_is_not_announced() -> None:
    with pytest.raises(UnreadableCode):
        call_words(SpokenCall(kind="room_moved", room_code="1", new_room_code="-"), PLAIN, "vi")


def test_nothing_of_a_person_fits_into_a_call() -> None:
    assert {entry.name for entry in fields(SpokenCall)} == {
        "kind", "number", "room_code", "room_kind", "attempt", "priority_lane",
        "numbers", "last_number", "new_room_code", "minutes",
    }  # fmt: skip


def test_fixed_pieces_are_all_that_calls_use_beside_numbers() -> None:
    for language in ("vi", "en"):
        fixed = fixed_phrases(PLAIN, language)
        assert len(set(fixed)) == len(fixed)
        for attempt in (1, 2, 3, 4):
            for room_kind in ("room", "counter"):
                call = replace(CALL, attempt=attempt, room_kind=room_kind, priority_lane=True)
                texts = {phrase.text for phrase in call_words(call, PLAIN, language).phrases}
                numbers = {"a", "A", "một trăm linh hai", "một không hai", "one zero two"}
                assert texts - numbers <= set(fixed)
    assert "Mời bệnh nhân số" in fixed_phrases(PLAIN, "vi")


def test_the_sentence_of_each_attempt() -> None:
    kinds = [template_kind(replace(CALL, attempt=attempt)) for attempt in (0, 1, 2, 3, 9)]
    assert kinds == [
        "call_room", "call_room", "second_call_room", "last_call_room", "last_call_room",
    ]  # fmt: skip


def test_free_text_in_clips() -> None:
    phrases = text_phrases("Nhà thuốc, tầng 1. Xin cảm ơn!", "vi")
    assert [phrase.text for phrase in phrases] == ["Nhà thuốc", "tầng một", "Xin cảm ơn"]
    assert [phrase.pause_before_ms for phrase in phrases] == [0, COMMA_MS, STOP_MS]
    assert text_phrases("!!! … ;;;", "vi") == ()


@pytest.mark.parametrize(
    ("text", "vi", "en"),
    [
        ("105", "một trăm lẻ năm", "one zero five"),
        ("16:30", "mười sáu giờ ba mươi", "sixteen thirty"),
        ("07:00", "bảy giờ", "seven"),
        ("150.000", "một trăm năm mươi ngàn", "150000"),
        ("0901234", "không chín không một hai ba bốn", "zero nine zero one two three four"),
        ("19001", "một chín không không một", "one nine zero zero one"),
    ],
)
def test_numbers_in_a_text_are_read_by_ourselves(text: str, vi: str, en: str) -> None:
    assert [phrase.text for phrase in text_phrases(text, "vi", "nam")] == [vi]
    assert [phrase.text for phrase in text_phrases(text, "en")] == [en]


@given(st.text(alphabet="0123456789:. ,٣७", max_size=80))
def test_any_digits_are_read(text: str) -> None:
    for phrase in text_phrases(text, "vi"):
        assert not set(phrase.text) & set("0123456789")


@given(st.text(max_size=1000))
def test_any_text_becomes_short_plain_pieces(text: str) -> None:
    for phrase in text_phrases(text, "vi"):
        assert 0 < len(phrase.text) <= MAX_PHRASE_CHARS
        assert not set(phrase.text) & set('<>[]{}&\\"`$;\0\n')


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_number_and_room_is_called_or_refused(number: str, room: str) -> None:
    try:
        words = call_words(replace(CALL, number=number, room_code=room), PLAIN, "vi")
    except UnreadableCode:
        return
    assert words.phrases
