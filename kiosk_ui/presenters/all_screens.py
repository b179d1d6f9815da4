"""Which presenter decides for which screen."""

from __future__ import annotations

from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.booking import AppointmentScreen
from kiosk_ui.presenters.choosing import DepartmentScreen, DoctorScreen, HourScreen, ServiceScreen
from kiosk_ui.presenters.done import Done
from kiosk_ui.presenters.help import EmergencyScreen, HelpScreen
from kiosk_ui.presenters.identify import ConfirmIdentity, ExistingVisit
from kiosk_ui.presenters.info import Info, InfoHow, InfoMap, InfoPrices
from kiosk_ui.presenters.insurance import Insurance
from kiosk_ui.presenters.my_ticket import Cancelled, CancelVisit, MyTicket, Returned
from kiosk_ui.presenters.notice import NoticeScreen
from kiosk_ui.presenters.offline import OfflineNumber, OutOfService
from kiosk_ui.presenters.on_behalf import OnBehalfPhone, OnBehalfScreen
from kiosk_ui.presenters.paid import Paid, PayEnded
from kiosk_ui.presenters.pay_advance import PayAdvance, PayAmount
from kiosk_ui.presenters.pay_bills import PayBills, PayLines
from kiosk_ui.presenters.pay_cash import PayCash
from kiosk_ui.presenters.pay_method import PayMethod
from kiosk_ui.presenters.pay_qr import PayQr
from kiosk_ui.presenters.pay_who import PayCode, PayWho
from kiosk_ui.presenters.printing import Printing
from kiosk_ui.presenters.reasons import PapersScreen, PriorityScreen, VisitKindScreen
from kiosk_ui.presenters.scan import ScanScreen
from kiosk_ui.presenters.slips import RevisitNumber, TransferNumber
from kiosk_ui.presenters.summary import Summary
from kiosk_ui.presenters.trouble import TroubleScreen
from kiosk_ui.presenters.typed import TypedBirthDate, TypedNumber
from kiosk_ui.presenters.welcome import Welcome

PRESENTERS: tuple[type[Presenter], ...] = (
    Welcome,
    Info,
    InfoPrices,
    InfoMap,
    InfoHow,
    NoticeScreen,
    ScanScreen,
    OnBehalfScreen,
    OnBehalfPhone,
    TypedNumber,
    TypedBirthDate,
    ConfirmIdentity,
    ExistingVisit,
    Insurance,
    VisitKindScreen,
    AppointmentScreen,
    DepartmentScreen,
    ServiceScreen,
    DoctorScreen,
    HourScreen,
    PapersScreen,
    TransferNumber,
    RevisitNumber,
    PriorityScreen,
    Summary,
    Printing,
    Done,
    MyTicket,
    Returned,
    CancelVisit,
    Cancelled,
    PayWho,
    PayCode,
    PayBills,
    PayLines,
    PayAdvance,
    PayAmount,
    PayMethod,
    PayCash,
    PayQr,
    Paid,
    PayEnded,
    TroubleScreen,
    OutOfService,
    OfflineNumber,
    HelpScreen,
    EmergencyScreen,
)
