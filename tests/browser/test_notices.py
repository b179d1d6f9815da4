"""What halls are told, edited in real pages: announcements and the words of calls."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Response, expect

from tests.browser.conftest import Hall, OpenPage, list_serious_faults
from tests.browser.rooms import Rooms
from tiepdon.demo.server import DemoServer

SCRIPT = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
TELL_GAIN = """() => {
    const connect = AudioNode.prototype.connect;
    AudioNode.prototype.connect = function (target, ...more) {
        if (target instanceof GainNode)
            document.documentElement.dataset.gain = Math.round(target.gain.value * 100);
        return connect.call(this, target, ...more);
    };
}"""


def write(page: Page, text: str) -> None:
    page.fill("[name=text_vi]", text)
    page.fill("[name=times]", "8h, 14h30")
    page.get_by_role("button", name="Thêm thông báo").click()
    page.wait_for_url("**done=added")


def hear(page: Page, press: Callable[[], None], path: str) -> Response:
    """Presses a button to listen; the sound that came from the server."""
    with page.expect_response(lambda reply: reply.url.endswith(path)) as found:
        press()
    assert found.value.headers["content-type"] == "audio/wav"
    return found.value


def learn_volume(board: Page, volume: int) -> None:
    """Waits until the board has been told how loud its zone is."""
    for _ in range(10):
        with board.expect_response("**/state") as found:
            pass
        if found.value.json()["display"]["volume"] == volume:
            return
    raise AssertionError(f"never told of {volume} %")


@pytest.mark.parametrize("path", ["/staff/announcements", "/staff/calling-words"])
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_usable_by_everybody_on_any_screen(open_page: OpenPage, path: str, lang: str) -> None:
    page = open_page(path, name="bientap", lang=lang)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    for width, height in ((1280, 800), (390, 844), (360, 740)):
        page.set_viewport_size({"width": width, "height": height})
        assert list_serious_faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_home_leads_to_both_pages(open_page: OpenPage) -> None:
    page = open_page("/staff", name="bientap")
    page.get_by_role("link", name="Thông báo ở sảnh").click()
    page.wait_for_url("**/staff/announcements")
    page.go_back()
    page.get_by_role("link", name="Lời gọi số").click()
    page.wait_for_url("**/staff/calling-words")


def test_an_announcement_is_seen_heard_written_and_switched_off(open_page: OpenPage) -> None:
    page = open_page("/staff/announcements", name="bientap")
    page.fill("[name=text_vi]", "Nhà thuốc đóng cửa lúc 16 giờ 30.")
    expect(page.locator("#shown-vi")).to_have_text("Nhà thuốc đóng cửa lúc 16 giờ 30.")
    listen = page.get_by_role("button", name="Nghe thử tiếng Việt")
    hear(page, listen.click, "/staff/announcements/sound")
    expect(page.get_by_role("button", name="Dừng")).to_be_visible()
    page.get_by_role("button", name="Dừng").click()
    expect(listen).to_be_visible()
    write(page, "Nhà thuốc đóng cửa lúc 16 giờ 30.")
    row = page.locator("article", has_text="Nhà thuốc đóng cửa").first
    expect(row).to_contain_text("Lần đọc tới:")
    row.get_by_role("button", name="Tắt").click()
    page.wait_for_url("**done=off")
    expect(page.locator("article", has_text="Nhà thuốc đóng cửa").first).to_contain_text("Đã tắt")


def test_without_text_nothing_is_played_and_it_says_so(open_page: OpenPage) -> None:
    page = open_page("/staff/announcements", name="bientap")
    page.get_by_role("button", name="Nghe thử tiếng Anh").click()
    expect(page.get_by_text("Chưa đọc được.")).to_be_visible()


def test_a_script_in_a_notice_is_text(open_page: OpenPage) -> None:
    page = open_page("/staff/announcements", name="bientap")
    title = page.title()
    page.fill("[name=text_vi]", SCRIPT)
    expect(page.locator("#shown-vi")).to_have_text(SCRIPT)
    write(page, SCRIPT)
    expect(page.locator("article", has_text="onerror").first).to_contain_text(SCRIPT)
    assert page.title() == title


def test_two_editors_of_one_announcement(open_page: OpenPage) -> None:
    first = open_page("/staff/announcements", name="bientap")
    write(first, "Xe lăn ở cửa chính.")
    first.locator("article", has_text="Xe lăn").first.get_by_role("link", name="Sửa").click()
    first.wait_for_url("**#form")
    second = open_page(first.url, name="bientap")
    first.fill("[name=text_vi]", "Xe lăn ở cửa số 1.")
    first.get_by_role("button", name="Lưu").click()
    first.wait_for_url("**done=changed")
    second.fill("[name=text_vi]", "Xe lăn ở cửa số 2.")
    second.get_by_role("button", name="Lưu").click()
    expect(second.get_by_role("alert").first).to_contain_text("Người khác vừa sửa")
    expect(second.locator("[name=text_vi]")).to_have_value("Xe lăn ở cửa số 1.")
    expect(second.locator(".lost")).to_contain_text("Xe lăn ở cửa số 2.")
    assert list_serious_faults(second) == []


def test_words_are_seen_heard_kept_and_taken_back(open_page: OpenPage) -> None:
    page = open_page("/staff/calling-words", name="bientap")
    sentence = page.locator("[data-kind=call_room]")
    field = sentence.locator("[name='call_room.vi']")
    field.fill("Mời vào phòng {room}.")
    expect(sentence.locator("[data-fault]").first).to_be_visible()
    field.fill("Số {number} vào phòng {room} ạ.")
    shown = sentence.locator("[data-preview=vi] [data-shown]")
    expect(shown).to_have_text("Số A024 vào phòng 102 ạ.")
    expect(sentence.locator("[data-fault]").first).to_be_hidden()
    page.get_by_label("Miền Nam").check()
    spoken = sentence.locator("[data-preview=vi] [data-spoken]")
    expect(spoken).to_contain_text("hai mươi bốn")
    listen = sentence.get_by_role("button", name="Nghe thử").first
    hear(page, listen.click, "/staff/calling-words/sound")
    page.locator(".volume input[type=range]").first.fill("40")
    expect(page.locator(".volume output").first).to_have_text("40 %")
    field.press("Enter")  # the key saves, and plays nothing
    page.wait_for_url("**done=changed")
    expect(page.locator(".volume output").first).to_have_text("40 %")
    page.get_by_role("button", name="Quay lại bản trước").click()
    page.wait_for_url("**done=undone")
    expect(page.locator("[name='call_room.vi']")).to_have_value(
        "Mời {person} số {number} đến phòng {room}."
    )


def test_two_editors_of_the_words(open_page: OpenPage) -> None:
    first = open_page("/staff/calling-words", name="bientap")
    second = open_page("/staff/calling-words", name="bientap", lang="en")
    first.get_by_label("Miền Nam").check()
    first.get_by_role("button", name="Lưu").click()
    first.wait_for_url("**done=changed")
    second.fill("[name=gap_s]", "12")
    second.get_by_role("button", name="Save").click()
    expect(second.get_by_role("alert").first).to_contain_text("Somebody else")
    expect(second.locator(".lost")).to_contain_text("12")
    expect(second.get_by_label("South")).to_be_checked()
    first.get_by_role("button", name="Quay lại bản trước").click()
    first.wait_for_url("**done=undone")


def test_a_board_is_as_loud_as_its_zone(
    open_page: OpenPage, hall: Hall, server: DemoServer
) -> None:
    rooms = Rooms(server)
    try:
        board = open_page(f"/d/{rooms.add_display('Nghe', '204', speaks=True, zone='Sảnh nghe')}")
        expect(board.locator(".row")).to_have_count(1)
        board.evaluate(TELL_GAIN)
        page = open_page("/staff/calling-words", name="bientap")
        page.locator(".volume", has_text="Sảnh nghe").locator("[type=range]").fill("35")
        page.get_by_role("button", name="Lưu").click()
        page.wait_for_url("**done=changed")
        learn_volume(board, 35)
        hall.take("Khám Mắt")
        rooms.call("204")
        expect(board.locator("html")).to_have_attribute("data-gain", "35")
        page.get_by_role("button", name="Quay lại bản trước").click()
        page.wait_for_url("**done=undone")
    finally:
        rooms.database.close()
