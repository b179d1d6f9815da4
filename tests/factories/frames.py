"""A frame of every screen, in both languages: for golden pictures and layout tests.

The people and the hospital are invented; serial parts of numbers are zeros.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kiosk_ui.presenters.views import (
    Action,
    CardView,
    Choice,
    ChoiceView,
    Chrome,
    Frame,
    Icon,
    IdleWarning,
    KeypadView,
    MessageView,
    Phrase,
    Row,
    ScanView,
    TicketView,
    Tone,
    View,
)

LANGUAGES = ("vi", "en")
STEPS = 6

Say = Callable[[str, str], Phrase]


def speaker(language: str) -> Say:
    """Takes a text in both languages, says the one wanted."""
    return lambda vi, en: Phrase(key="sample", text=vi if language == "vi" else en)


def choice(
    action: str,
    label: Phrase,
    icon: Icon | None = None,
    detail: Phrase | None = None,
    tone: Tone = Tone.PLAIN,
    *,
    enabled: bool = True,
    selected: bool = False,
) -> Choice:
    name, _, value = action.partition(":")
    return Choice(
        action=Action(name, value),
        label=label,
        detail=detail,
        icon=icon,
        tone=tone,
        enabled=enabled,
        selected=selected,
    )


def chrome(say: Say, language: str, *, step: int | None, home: bool = False) -> Chrome:
    return Chrome(
        facility=say("Trung tâm Y tế khu vực Thạch Lũng", "Thach Lung Area Medical Centre"),
        place=say("Sảnh chính, tầng 1", "Main hall, ground floor"),
        clock="08:42",
        hotline="1900 0000",
        language=language,
        other_language=choice(
            "language:en" if language == "vi" else "language:vi",
            Phrase(key="sample", text="English" if language == "vi" else "Tiếng Việt"),
            Icon.LANGUAGE,
        ),
        help=choice("help", say("Gọi người giúp", "Call for help"), Icon.HELP),
        emergency=choice(
            "emergency",
            say("Cấp cứu", "Emergency"),
            Icon.EMERGENCY,
            say(
                "Khó thở, đau ngực, chảy máu nhiều, co giật",
                "Trouble breathing, chest pain, heavy bleeding, seizure",
            )
            if home
            else None,
            Tone.DANGER,
        ),
        large_text=False,
        lowered=False,
        toggle_large_text=choice("large_text", say("Chữ to", "Large text"), Icon.LARGE_TEXT),
        toggle_lowered=choice("lower", say("Hạ màn hình", "Lower screen"), Icon.LOWER),
        back=None if home else choice("back", say("Quay lại", "Back"), Icon.BACK),
        restart=None if home else choice("restart", say("Làm lại", "Start over"), Icon.HOME),
        step=None if step is None else (step, STEPS),
    )


def make_frames(language: str) -> dict[str, Frame]:
    """Every screen by name."""
    say = speaker(language)
    screens: dict[str, tuple[int | None, View]] = {
        **_beginning(say),
        **_identity(say),
        **_questions(say),
        **_ending(say),
    }
    frames = {
        name: Frame(
            screen=name,
            chrome=replace(
                chrome(say, language, step=step, home=name in {"welcome", "out_of_service"}),
                **_way_out(say, name),
            ),
            view=view,
        )
        for name, (step, view) in screens.items()
    }
    frames["welcome_notice"] = replace(
        frames["welcome"],
        chrome=replace(
            frames["welcome"].chrome,
            notice=say(
                "Máy in đang tạm dừng. Số sẽ hiện trên màn hình.",
                "The printer is paused. Your number will show on the screen.",
            ),
        ),
    )
    frames["idle"] = replace(
        frames["summary"],
        idle=IdleWarning(
            title=say(
                "Bạn còn ở đây không? Máy sẽ xóa thông tin sau 14 giây.",
                "Are you still there? Your details will be cleared in 14 seconds.",
            ),
            seconds_left=14,
            more_time=choice("more_time", say("Tôi cần thêm thời gian", "I need more time")),
            finish=choice(
                "finish", say("Kết thúc và xóa thông tin", "Finish and clear my details")
            ),
        ),
    )
    return frames


def _way_out(say: Say, name: str) -> dict[str, Choice | None]:
    """Once there is a ticket the way out is the end, and there is no way back."""
    if name in {"done", "done_unprinted", "my_ticket", "existing_visit"}:
        return {"back": None, "restart": choice("finish", say("Kết thúc", "Finish"), Icon.CROSS)}
    return {"back": None, "restart": None} if name == "printing" else {}


def large(frame: Frame) -> Frame:
    return replace(frame, chrome=replace(frame.chrome, large_text=True))


def lowered(frame: Frame) -> Frame:
    return replace(frame, chrome=replace(frame.chrome, lowered=True))


def _beginning(say: Say) -> dict[str, tuple[int | None, View]]:
    no_code = (
        choice("type_number", say("Tự nhập số", "Type my number"), Icon.KEYPAD),
        choice(
            "no_papers", say("Trẻ em hoặc không có giấy tờ", "Child, or no papers"), Icon.PERSON
        ),
    )
    scan = ScanView(
        title=say("Mời đưa mã QR trên thẻ vào khung", "Hold the QR code of your card in the frame"),
        subtitle=say(
            "Dùng căn cước, thẻ bảo hiểm y tế hoặc mã VNeID trên điện thoại.",
            "Use your ID card, health insurance card or the VNeID code on your phone.",
        ),
        camera=True,
        choices=no_code,
    )
    return {
        "welcome": (
            None,
            ChoiceView(
                title=say("Đăng ký khám bệnh", "Check in for your visit"),
                subtitle=say(
                    "Chạm vào việc cần làm. Không biết chọn gì? Bấm “Gọi người giúp”.",
                    "Tap what you need. Not sure? Tap “Call for help”.",
                ),
                choices=(
                    choice(
                        "start:visit",
                        say("Tôi đến khám hôm nay", "I am here to see a doctor"),
                        Icon.DOCTOR,
                        say("Lấy số thứ tự khám bệnh", "Take a queue number"),
                        Tone.PRIMARY,
                    ),
                    choice(
                        "start:booked",
                        say("Tôi đã hẹn trước", "I have an appointment"),
                        Icon.CALENDAR,
                        say("Báo là tôi đã đến", "Tell us that you have arrived"),
                    ),
                    choice(
                        "start:results",
                        say("Tôi trở lại với kết quả", "I am back with my results"),
                        Icon.RESULTS,
                        say("Hoặc đổi, hủy, in lại phiếu", "Or change, cancel or reprint a ticket"),
                    ),
                    choice(
                        "start:info",
                        say("Tra giá, sơ đồ, hướng dẫn", "Prices, map, information"),
                        Icon.INFO,
                    ),
                ),
            ),
        ),
        "notice": (
            1,
            CardView(
                title=say("Trước khi bắt đầu", "Before we start"),
                icon=Icon.SHIELD,
                body=(
                    say(
                        "Máy dùng họ tên, ngày sinh, số căn cước và thông tin bảo hiểm để đăng ký khám.",
                        "We use your name, birth date, ID number and insurance details to register you.",
                    ),
                    say(
                        "Máy không lưu ảnh thẻ.",
                        "We do not store a picture of your card.",
                    ),
                ),
                choices=(
                    choice("accept", say("Đồng ý, tiếp tục", "I agree, continue")),
                    choice("refuse", say("Không, tôi vào quầy", "No, I will go to the desk")),
                    choice("more", say("Xem thông báo đầy đủ", "Read the full notice")),
                ),
            ),
        ),
        "scan": (2, scan),
        "scan_busy": (
            2,
            replace(
                scan,
                busy=True,
                title=say("Đã đọc được mã", "The code was read"),
                subtitle=say("Đang tìm thông tin, xin đợi.", "Looking you up, please wait."),
            ),
        ),
        "scan_problem": (
            2,
            replace(
                scan,
                problem=say(
                    "Chưa đọc được mã. Mời lau thẻ rồi đưa lại, hoặc tự nhập số.",
                    "The code could not be read. Wipe the card and try again, or type your number.",
                ),
            ),
        ),
        "scan_without_camera": (
            2,
            replace(
                scan,
                camera=False,
                title=say("Mời quét mã bằng máy cầm tay", "Please use the hand scanner"),
                subtitle=say(
                    "Máy ảnh đang tạm nghỉ. Đưa thẻ hoặc điện thoại dưới máy quét.",
                    "The camera is away. Hold your card or phone under the scanner.",
                ),
            ),
        ),
    }


def _identity(say: Say) -> dict[str, tuple[int | None, View]]:
    typed = KeypadView(
        title=say("Nhập số căn cước hoặc số thẻ", "Type your ID or card number"),
        subtitle=say("Số căn cước có 12 chữ số.", "An ID number has 12 digits."),
        entry="079 085 000",
        placeholder="000 000 000 000",
        erase=say("Xóa", "Erase"),
        clear=say("Xóa hết", "Clear"),
        submit=choice("submit", say("Tiếp tục", "Continue"), enabled=False),
        aside=(choice("insurance_card", say("Tôi có thẻ bảo hiểm", "I have an insurance card")),),
    )
    continue_, not_me = (
        say("Đúng, tiếp tục", "Yes, continue"),
        say("Không phải tôi", "This is not me"),
    )
    return {
        "typed_number": (2, typed),
        "typed_insurance_number": (
            2,
            replace(
                typed,
                title=say("Nhập số thẻ bảo hiểm y tế", "Type your insurance card number"),
                subtitle=say("Chọn chữ cái trước, rồi nhập số.", "Letters first, then the digits."),
                letters=("DN", "HT", "GD", "TE", "HN", "CK"),
                entry="",
                placeholder="GD 0 00 00 000 00000",
                problem=say(
                    "Số thẻ chưa đúng. Mời xem lại trên thẻ.",
                    "This number is not right. Please look at your card again.",
                ),
                aside=(),
            ),
        ),
        "typed_birth_date": (
            2,
            replace(
                typed,
                title=say("Nhập ngày sinh", "Type your birth date"),
                subtitle=say("Ngày, tháng rồi năm. Ví dụ 05 09 1958.", "Day, month, then year."),
                entry="05 / 09 / 1958",
                submit=choice("submit", say("Tiếp tục", "Continue")),
                aside=(),
            ),
        ),
        "confirm_identity": (
            3,
            CardView(
                title=say("Đây có phải là bạn không?", "Is this you?"),
                rows=(
                    Row(
                        label=say("Họ và tên", "Full name"),
                        value="Nguyễn Thị Ngọc Ánh",
                        icon=Icon.PERSON,
                        reveal=Action("reveal"),
                    ),
                    Row(
                        label=say("Ngày sinh", "Birth date"), value="05/09/1958", icon=Icon.CALENDAR
                    ),
                    Row(
                        label=say("Số căn cước", "ID number"),
                        value="•••••••••000",
                        icon=Icon.CARD,
                    ),
                ),
                choices=(
                    choice("confirm", continue_),
                    choice("deny", not_me),
                    choice("on_behalf", say("Tôi đăng ký hộ", "I check in for them")),
                ),
            ),
        ),
        "existing_visit": (
            None,
            CardView(
                title=say("Bạn đã có số hôm nay", "You already have a number today"),
                icon=Icon.TICKET,
                tone=Tone.GOOD,
                rows=(
                    Row(label=say("Số", "Number"), value="A027", icon=Icon.TICKET),
                    Row(
                        label=say("Nơi khám", "Where"),
                        value=say("Phòng 12, tầng 1", "Room 12, ground floor").text,
                        icon=Icon.ROOM,
                    ),
                ),
                choices=(
                    choice("reprint", say("In lại phiếu", "Print the ticket again"), Icon.PRINTER),
                    choice("another", say("Khám thêm khoa khác", "Another department")),
                    choice("finish", say("Kết thúc", "Finish")),
                ),
            ),
        ),
        "insurance": (
            3,
            CardView(
                title=say("Bảo hiểm y tế còn hạn", "Your health insurance is valid"),
                subtitle=say(
                    "Nhân viên sẽ kiểm tra lại tại quầy.", "Staff will check again at the desk."
                ),
                icon=Icon.SHIELD,
                tone=Tone.GOOD,
                rows=(
                    Row(label=say("Mức hưởng", "Covered"), value="80 %", icon=Icon.SHIELD),
                    Row(
                        label=say("Hạn dùng", "Valid until"), value="31/12/2026", icon=Icon.CALENDAR
                    ),
                    Row(
                        label=say("Nơi đăng ký", "Registered at"),
                        value=say(
                            "Trung tâm Y tế khu vực Thạch Lũng", "Thach Lung Area Medical Centre"
                        ).text,
                        icon=Icon.ROOM,
                    ),
                ),
                choices=(choice("next", say("Tiếp tục", "Continue")),),
            ),
        ),
        "insurance_slow": (
            3,
            CardView(
                title=say("Cổng bảo hiểm trả lời chậm", "The insurance service is slow"),
                icon=Icon.SHIELD_WARNING,
                tone=Tone.CAUTION,
                body=(
                    say(
                        "Máy in số trước cho bạn. Nhân viên sẽ kiểm tra thẻ tại quầy.",
                        "We will print your number first. Staff will check your card at the desk.",
                    ),
                    say("Quyền lợi của bạn không thay đổi.", "Your cover does not change."),
                ),
                choices=(choice("next", say("Tiếp tục", "Continue")),),
            ),
        ),
    }


def _questions(say: Say) -> dict[str, tuple[int | None, View]]:
    unsure = choice(
        "unsure",
        say("Tôi không chắc – nhờ nhân viên chọn", "I am not sure – staff will choose"),
        Icon.QUESTION,
    )

    def waiting(count: int) -> Phrase:
        return say(f"{count} người đang chờ", f"{count} people waiting")

    departments = [
        (say("Khoa Nội tổng hợp", "General medicine"), Icon.DOCTOR, waiting(14)),
        (say("Khoa Nhi", "Children"), Icon.CHILD, waiting(9)),
        (say("Tai Mũi Họng", "Ear, nose and throat"), Icon.DOCTOR, waiting(3)),
        (say("Phụ sản", "Women and birth"), Icon.PREGNANT, waiting(5)),
        (say("Tim mạch", "Heart"), Icon.HEART, waiting(7)),
    ]
    return {
        "visit_kind": (
            4,
            ChoiceView(
                title=say("Hôm nay bạn khám gì?", "What is your visit for?"),
                choices=(
                    choice("kind:new", say("Khám bệnh mới", "A new problem"), Icon.DOCTOR),
                    choice(
                        "kind:follow_up",
                        say("Tái khám bệnh mạn tính", "Follow-up of a long illness"),
                        Icon.CALENDAR,
                        say(
                            "Huyết áp, tiểu đường và bệnh khác", "Blood pressure, diabetes, others"
                        ),
                    ),
                    choice(
                        "kind:medicine",
                        say("Lấy thuốc theo hẹn", "Medicine on appointment"),
                        Icon.PILL,
                    ),
                    choice("kind:check", say("Khám sức khỏe", "Health check"), Icon.HEART),
                ),
                aside=(unsure,),
            ),
        ),
        "department": (
            4,
            ChoiceView(
                title=say("Bạn muốn khám khoa nào?", "Which department?"),
                choices=(
                    *(
                        choice(f"department:{index}", label, icon, detail)
                        for index, (label, icon, detail) in enumerate(departments)
                    ),
                    choice(
                        "department:9",
                        say("Răng Hàm Mặt", "Teeth and jaw"),
                        Icon.DOCTOR,
                        say("Đã đủ số hôm nay. Còn chỗ ngày mai.", "Full today. Free tomorrow."),
                        enabled=False,
                    ),
                ),
                previous_page=choice("page:0", say("Trang trước", "Previous"), Icon.BACK),
                next_page=choice("page:2", say("Trang sau", "Next"), Icon.NEXT),
                page=(2, 3),
                aside=(unsure,),
            ),
        ),
        "doctor": (
            4,
            ChoiceView(
                title=say("Bạn muốn gặp bác sĩ nào?", "Which doctor?"),
                subtitle=say("Khoa Nội tổng hợp", "General medicine"),
                choices=(
                    choice(
                        "doctor:first",
                        say("Bác sĩ rảnh sớm nhất", "First free doctor"),
                        Icon.CLOCK,
                        say("Thường nhanh hơn", "Usually quicker"),
                        Tone.PRIMARY,
                    ),
                    choice(
                        "doctor:1",
                        Phrase(key="", text="BS. Trần Minh Khôi"),
                        Icon.DOCTOR,
                        say("Phòng 12 · 6 người đang chờ", "Room 12 · 6 people waiting"),
                    ),
                    choice(
                        "doctor:2",
                        Phrase(key="", text="BS.CKII H’Lan Niê Kđăm"),
                        Icon.DOCTOR,
                        say("Phòng 14 · 11 người đang chờ", "Room 14 · 11 people waiting"),
                    ),
                ),
            ),
        ),
        "hour": (
            4,
            ChoiceView(
                title=say("Bạn muốn khám lúc mấy giờ?", "What time suits you?"),
                subtitle=say("Hôm nay, BS. Trần Minh Khôi", "Today, Dr Trần Minh Khôi"),
                choices=tuple(
                    choice(
                        f"hour:{hour}",
                        Phrase(key="", text=hour),
                        None,
                        say(f"Còn {left} chỗ", f"{left} left") if left else say("Hết chỗ", "Full"),
                        enabled=bool(left),
                    )
                    for hour, left in (
                        ("09:00", 0),
                        ("09:30", 2),
                        ("10:00", 4),
                        ("10:30", 4),
                        ("13:30", 6),
                        ("14:00", 6),
                    )
                ),
                columns=2,
                aside=(
                    choice(
                        "hour:first", say("Giờ sớm nhất còn chỗ", "First free time"), Icon.CLOCK
                    ),
                ),
            ),
        ),
        "papers": (
            5,
            ChoiceView(
                title=say("Bạn có giấy chuyển tuyến không?", "Do you have a transfer slip?"),
                subtitle=say(
                    "Giấy do nơi khám trước cấp. Mời nộp tại quầy sau khi lấy số.",
                    "From the clinic you went to before. Hand it in at the desk later.",
                ),
                choices=(
                    choice("papers:yes", say("Có", "Yes"), Icon.CHECK),
                    choice("papers:no", say("Không có", "No"), Icon.CROSS),
                ),
                aside=(unsure,),
            ),
        ),
        "priority": (
            5,
            ChoiceView(
                title=say("Bạn thuộc nhóm nào dưới đây?", "Are you in any of these groups?"),
                choices=(
                    choice("priority:child", say("Trẻ dưới 6 tuổi", "Child under 6"), Icon.CHILD),
                    choice("priority:pregnant", say("Có thai", "Pregnant"), Icon.PREGNANT),
                    choice(
                        "priority:disabled",
                        say("Khuyết tật nặng", "Severe disability"),
                        Icon.WHEELCHAIR,
                    ),
                    choice(
                        "priority:elder",
                        say("Từ 75 tuổi", "75 or older"),
                        Icon.ELDER,
                        selected=True,
                    ),
                    choice("priority:merit", say("Người có công", "Person of merit"), Icon.MEDAL),
                    choice(
                        "priority:none", say("Không thuộc nhóm nào", "None of these"), Icon.NEXT
                    ),
                ),
            ),
        ),
        "on_behalf": (
            3,
            ChoiceView(
                title=say("Bạn là gì của người bệnh?", "How are you related?"),
                choices=(
                    choice("relation:parent", say("Cha hoặc mẹ", "Parent"), Icon.FAMILY),
                    choice("relation:child", say("Con", "Son or daughter"), Icon.FAMILY),
                    choice("relation:spouse", say("Vợ hoặc chồng", "Wife or husband"), Icon.HEART),
                    choice("relation:other", say("Người khác", "Somebody else"), Icon.PERSON),
                ),
            ),
        ),
        "appointment": (
            3,
            CardView(
                title=say("Bạn đến sớm hơn giờ hẹn", "You are early"),
                subtitle=say(
                    "Bạn có thể nhận số ngay hoặc đợi đến gần giờ.",
                    "You may take your number now or wait until it is nearer.",
                ),
                icon=Icon.CALENDAR,
                rows=(
                    Row(label=say("Giờ hẹn", "Time"), value="10:30", icon=Icon.CLOCK),
                    Row(
                        label=say("Bác sĩ", "Doctor"), value="BS. Trần Minh Khôi", icon=Icon.DOCTOR
                    ),
                ),
                choices=(
                    choice("arrive", say("Nhận số ngay", "Take my number now")),
                    choice("later", say("Tôi quay lại sau", "I will come back later")),
                ),
            ),
        ),
    }


def _ending(say: Say) -> dict[str, tuple[int | None, View]]:
    ticket = TicketView(
        title=say("Xong! Số của bạn", "Done! Your number"),
        number="A027",
        place=say("Phòng 12 – Khoa Nội tổng hợp", "Room 12 – General medicine"),
        floor=say("Tầng 1", "Ground floor"),
        landmark=say("bên trái quầy thuốc", "left of the pharmacy"),
        wait=say("Chờ khoảng 25–40 phút", "Wait about 25–40 minutes"),
        next=say(
            "Khi nghe hoặc thấy số này, mời vào phòng.", "Go in when you hear or see this number."
        ),
        notes=(say("Đừng quên lấy lại thẻ và phiếu.", "Please take your card and your ticket."),),
        qr="https://kham.example.vn/t/7Q2M5X9KDA",
        qr_caption=say(
            "Quét bằng điện thoại để xem còn bao nhiêu người.",
            "Scan with your phone to see how many are before you.",
        ),
        printed=True,
        choices=(
            choice("finish", say("Kết thúc", "Finish"), Icon.CHECK),
            choice("reprint", say("In lại", "Print again"), Icon.PRINTER),
            choice("another", say("Khám thêm", "One more service"), Icon.DOCTOR),
        ),
    )
    return {
        "summary": (
            6,
            CardView(
                title=say("Mời xem lại", "Please check"),
                subtitle=say("Đúng rồi thì bấm “Lấy số”.", "If all is right, tap “Get my number”."),
                rows=(
                    Row(label=say("Người khám", "Patient"), value="N.T.N. ÁNH", icon=Icon.PERSON),
                    Row(
                        label=say("Khoa", "Department"),
                        value=say("Khoa Nội tổng hợp", "General medicine").text,
                        icon=Icon.DOCTOR,
                    ),
                    Row(
                        label=say("Bác sĩ", "Doctor"),
                        value=say("Rảnh sớm nhất", "First free").text,
                        icon=Icon.CLOCK,
                    ),
                    Row(
                        label=say("Bảo hiểm", "Insurance"),
                        value=say("Còn hạn", "Valid").text,
                        icon=Icon.SHIELD,
                    ),
                    Row(
                        label=say("Ưu tiên", "Priority"),
                        value=say("Từ 75 tuổi", "75 or older").text,
                        icon=Icon.ELDER,
                    ),
                ),
                choices=(
                    choice("issue", say("Lấy số", "Get my number"), Icon.TICKET),
                    choice("change", say("Chọn lại khoa", "Change department")),
                ),
            ),
        ),
        "printing": (
            6,
            MessageView(
                title=say("Đang in số của bạn", "Printing your number"),
                body=(say("Xin đợi vài giây.", "This takes a few seconds."),),
                icon=Icon.PRINTER,
                busy=True,
            ),
        ),
        "done": (None, ticket),
        "done_unprinted": (
            None,
            replace(
                ticket,
                number="B1027",
                printed=False,
                wait=None,
                notes=(),
                problem=say(
                    "Máy hết giấy. Mời dùng điện thoại chụp lại màn hình. Nhân viên đã được báo.",
                    "Out of paper. Please take a photo of this screen. Staff have been told.",
                ),
            ),
        ),
        "my_ticket": (
            None,
            ChoiceView(
                title=say("Phiếu số A027 của bạn", "Your ticket A027"),
                subtitle=say("Phòng 12, còn 6 người trước bạn.", "Room 12, 6 people before you."),
                choices=(
                    choice("change", say("Đổi khoa khám", "Change department"), Icon.DOCTOR),
                    choice("reprint", say("In lại phiếu", "Print again"), Icon.PRINTER),
                    choice(
                        "cancel",
                        say("Hủy số này", "Cancel this number"),
                        Icon.CROSS,
                        say("Bạn sẽ mất lượt", "You will lose your turn"),
                        Tone.CAUTION,
                    ),
                ),
            ),
        ),
        "help_waiting": (
            None,
            MessageView(
                title=say("Đã gọi nhân viên", "We have called the staff"),
                body=(
                    say("Đang đợi nhân viên trả lời.", "Waiting for somebody to answer."),
                    say("Xin đợi tại máy này.", "Please wait at this machine."),
                ),
                icon=Icon.HELP,
                busy=True,
                choices=(choice("resume", say("Tôi tự làm tiếp", "Go on by myself")),),
            ),
        ),
        "help_coming": (
            None,
            MessageView(
                title=say("Nhân viên đang đến", "Staff are coming"),
                body=(say("Xin đợi tại máy.", "Please wait here."),),
                icon=Icon.HELP,
                tone=Tone.GOOD,
                choices=(choice("resume", say("Tôi tự làm tiếp", "Go on by myself")),),
            ),
        ),
        "emergency": (
            None,
            MessageView(
                title=say("Đã gọi cấp cứu", "Emergency staff were called"),
                body=(
                    say(
                        "Ngồi xuống, đừng đi đâu. Người bên cạnh hãy gọi to nhân viên.",
                        "Sit down and stay here. If you are with somebody, call out for staff.",
                    ),
                    say(
                        "Phòng cấp cứu: tầng 1, cửa bên phải.",
                        "Emergency room: ground floor, right door.",
                    ),
                ),
                icon=Icon.EMERGENCY,
                tone=Tone.DANGER,
                choices=(choice("resume", say("Tôi bấm nhầm", "I tapped by mistake")),),
            ),
        ),
        "out_of_service": (
            None,
            MessageView(
                title=say("Máy tạm dừng", "This machine is out of use"),
                body=(
                    say(
                        "Mời dùng máy bên cạnh hoặc quầy tiếp đón.",
                        "Please use the next one or the desk.",
                    ),
                ),
                icon=Icon.WARNING,
                tone=Tone.CAUTION,
            ),
        ),
        "trouble": (
            None,
            MessageView(
                title=say("Chưa làm được việc này", "This did not work"),
                body=(
                    say(
                        "Thông tin bạn chọn vẫn còn. Mời thử lại sau vài giây.",
                        "What you chose is kept. Please try again in a few seconds.",
                    ),
                    say(
                        "Nếu vẫn chưa được, nhân viên ở quầy tiếp đón sẽ giúp.",
                        "If it fails again, staff at the reception desk will help.",
                    ),
                ),
                icon=Icon.WARNING,
                tone=Tone.CAUTION,
                choices=(
                    choice("retry", say("Thử lại", "Try again")),
                    choice("desk", say("Tôi vào quầy", "I will go to the desk")),
                ),
            ),
        ),
        "info": (
            None,
            ChoiceView(
                title=say("Bạn muốn xem gì?", "What would you like to see?"),
                choices=(
                    choice("info:prices", say("Giá khám và xét nghiệm", "Prices"), Icon.CARD),
                    choice("info:map", say("Sơ đồ các phòng", "Map of the rooms"), Icon.ROOM),
                    choice(
                        "info:how", say("Cách dùng máy này", "How to use this machine"), Icon.INFO
                    ),
                ),
            ),
        ),
    }
