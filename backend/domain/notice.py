"""The data-processing notice in its present version.

Contents as Luật Bảo vệ dữ liệu cá nhân 91/2025/QH15 and NĐ 356/2025/NĐ-CP ask: who controls the
data, which data, why, on what ground, who receives them, how long, which rights, whom to ask,
what happens on refusal. A hospital replaces the text by its own, under a new version.
"""

from __future__ import annotations

from backend.domain.settings import Words

NOTICE_VERSION = "2026-11"

NOTICE_SHORT = Words(
    vi=(
        "Máy dùng họ tên, ngày sinh, số căn cước và thông tin bảo hiểm để đăng ký khám. "
        "Máy không lưu ảnh thẻ."
    ),
    en=(
        "We use your name, birth date, ID number and insurance details to register you. "
        "We do not store a picture of your card."
    ),
)

NOTICE_FULL = Words(
    vi="""THÔNG BÁO XỬ LÝ DỮ LIỆU CÁ NHÂN

Ai chịu trách nhiệm. {facility} là bên kiểm soát dữ liệu của bạn.

Dữ liệu nào. Họ tên, ngày sinh, giới tính, số định danh cá nhân, số thẻ bảo hiểm y tế, địa chỉ \
ghi trên thẻ, yêu cầu khám, nhóm ưu tiên nếu bạn khai. Máy không chụp, không lưu ảnh thẻ và \
khuôn mặt của bạn.

Để làm gì. Đăng ký khám bệnh, kiểm tra bảo hiểm y tế, cấp số thứ tự và gọi số.

Căn cứ. Nhiệm vụ khám bệnh, chữa bệnh theo Luật Khám bệnh, chữa bệnh và sự đồng ý của bạn.

Ai nhận dữ liệu. Phần mềm quản lý của bệnh viện; cơ quan Bảo hiểm xã hội khi kiểm tra thẻ. \
Ngân hàng chỉ nhận số tiền và mã hóa đơn. Không ai khác.

Giữ bao lâu. Liên kết giữa số thứ tự và bạn được xóa sau ngày làm việc kế tiếp. Số thứ tự không \
kèm tên được giữ 24 tháng để thống kê. Hồ sơ bệnh án do bệnh viện lưu theo quy định.

Quyền của bạn. Bạn được xem, sửa, rút lại đồng ý, phản đối và khiếu nại. Hãy hỏi quầy tiếp đón \
hoặc gọi {hotline}. Bệnh viện trả lời trong 2 ngày làm việc.

Nếu bạn không đồng ý. Bạn được tiếp đón tại quầy, theo đúng thứ tự như mọi người.""",
    en="""HOW WE USE YOUR PERSONAL DATA

Who is responsible. {facility} controls your data.

Which data. Name, birth date, gender, personal number, health insurance number, the address on \
your card, what you come for, and a priority group if you name one. The machine takes and keeps \
no picture of your card or face.

What for. To register your visit, check your insurance, give you a number and call it.

Legal ground. The duty to examine and treat under the Law on Medical Examination and Treatment, \
and your consent.

Who receives them. The hospital's own system; the Social Security office when your insurance is \
checked. A bank receives an amount and a bill code only. Nobody else.

How long. The link between your number and you is deleted after the next working day. Numbers \
without names are kept for 24 months for statistics. The hospital keeps medical records as the \
law says.

Your rights. You may see and correct your data, withdraw your consent, object and complain. Ask \
the reception desk or call {hotline}. The hospital answers within 2 working days.

If you do not agree. You are served at the desk, in the same order as everybody else.""",
)
