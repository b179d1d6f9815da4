"""Sends one message about alerts over one channel: a mail by SMTP, or a signed call of a webhook.

A webhook is called with POST and JSON. It proves who calls and when, and a call that comes twice
bears the same key:

    X-Tiepdon-Timestamp: 1795654800
    X-Tiepdon-Signature: v1=HEX       # HMAC-SHA256 of "TIMESTAMP.BODY" with the shared secret
    Idempotency-Key: 0193…            # the message's id
"""

from __future__ import annotations

import json
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.header import Header
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime
from urllib.parse import urlsplit

from backend.alerts_file import Channel, MailChannel, WebhookChannel
from backend.services.write_alert_message import AlertMessage
from payments.errors import OutcomeUnknown, PaymentError, Throttled, Unavailable
from payments.http import HttpClient
from payments.signatures import hmac_hex

STEP_S = 15.0
"""Of one exchange with the mail server."""
ALTOGETHER_S = 60.0
"""A server that answers a letter at a time ends here."""


class NotTold(Exception):
    """`code` says why; `uncertain`: it may have arrived all the same."""

    def __init__(self, code: str, *, uncertain: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.uncertain = uncertain


def send_message(
    channel: Channel, message: AlertMessage, *, now: datetime, altogether_s: float = ALTOGETHER_S
) -> str | None:
    """A code when not everybody got it: nobody is told twice for one wrong address. Raises NotTold."""
    if isinstance(channel, MailChannel):
        return _send_mail(channel, message, now=now, altogether_s=altogether_s)
    _call_webhook(channel, message, now=now)
    return None


def write_mail(channel: MailChannel, message: AlertMessage, *, now: datetime) -> bytes:
    """The same message has the same Message-ID, so that mailboxes know a second copy."""
    domain = channel.sender.rpartition("@")[2]
    mail = MIMEText(message.text, "plain", "utf-8")
    mail["From"] = channel.sender
    mail["To"] = ", ".join(channel.recipients)
    # The newer email.message loses spaces where it folds a Vietnamese subject.
    mail["Subject"] = Header(message.subject, "utf-8", header_name="Subject").encode()
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{message.id}@{domain}>"
    if message.answers is not None:
        mail["In-Reply-To"] = mail["References"] = f"<{message.answers}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    return mail.as_bytes(policy=compat32.clone(linesep="\r\n"))


def _send_mail(
    channel: MailChannel, message: AlertMessage, *, now: datetime, altogether_s: float
) -> str | None:
    content = write_mail(channel, message, now=now)
    began_data = False
    try:
        with _connect(channel, altogether_s) as server:
            _expect(server.mail(channel.sender), "sender_refused")
            taken = [server.rcpt(address)[0] in {250, 251} for address in channel.recipients]
            if not any(taken):
                raise NotTold("recipients_refused")
            began_data = True
            _expect(server.data(content), "refused")
            # It is the other side's from here on, however the goodbye goes.
    except smtplib.SMTPAuthenticationError as error:
        raise NotTold("login_refused") from error
    except smtplib.SMTPServerDisconnected as error:
        raise NotTold("no_answer", uncertain=began_data) from error
    except (smtplib.SMTPResponseException, smtplib.SMTPNotSupportedError) as error:
        raise NotTold("refused") from error
    except ssl.SSLError as error:
        raise NotTold("tls", uncertain=began_data) from error
    except TimeoutError as error:
        raise NotTold("no_answer", uncertain=began_data) from error
    except (OSError, smtplib.SMTPException) as error:
        raise NotTold("no_answer" if began_data else "not_reached", uncertain=began_data) from error
    return None if all(taken) else "recipients_refused"


class _Smtp(smtplib.SMTP):
    """Knows its server's name before it connects, and speaks TLS from the first byte if asked to."""

    def __init__(self, channel: MailChannel, context: ssl.SSLContext) -> None:
        # Its own name is not looked up: a name server that is away must not hold mail up.
        own_name = channel.sender.rpartition("@")[2]
        super().__init__(local_hostname=own_name, timeout=STEP_S)
        self._host = channel.host
        self._tls = context if channel.security == "tls" else None

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((host, port), timeout)
        return self._tls.wrap_socket(plain, server_hostname=host) if self._tls else plain


@contextmanager
def _connect(channel: MailChannel, altogether_s: float) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context(cafile=channel.ca_file)
    server = _Smtp(channel, context)

    def give_up() -> None:
        if server.sock is not None:
            server.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(altogether_s, give_up)
    timer.daemon = True
    timer.start()
    try:
        _expect(server.connect(channel.host, channel.port), "refused")
        server.ehlo_or_helo_if_needed()
        if channel.security == "starttls":
            server.starttls(context=context)
            server.ehlo()
        if channel.user is not None and channel.password is not None:
            server.login(channel.user, channel.password)
        yield server
    finally:
        timer.cancel()
        server.close()


def _expect(reply: tuple[int, bytes], code: str) -> None:
    if not 200 <= reply[0] < 300:
        raise NotTold(code)


def sign_body(secret: str, timestamp: str, body: bytes) -> str:
    return f"v1={hmac_hex('sha256', secret, timestamp.encode() + b'.' + body)}"


def _call_webhook(channel: WebhookChannel, message: AlertMessage, *, now: datetime) -> None:
    body = json.dumps(message.content, ensure_ascii=False).encode()
    timestamp = str(int(now.timestamp()))
    parts = urlsplit(channel.url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    client = HttpClient(
        f"{parts.scheme}://{parts.netloc}",
        read_s=STEP_S,
        ca_file=str(channel.ca_file) if channel.ca_file else None,
    )
    try:
        reply = client.ask(
            "POST",
            path,
            writes=True,
            body=body,
            headers={
                "Content-Type": "application/json",
                "X-Tiepdon-Timestamp": timestamp,
                "X-Tiepdon-Signature": sign_body(channel.secret, timestamp, body),
                "Idempotency-Key": message.id,
            },
        )
    except OutcomeUnknown as error:
        raise NotTold("no_answer", uncertain=True) from error
    except (Unavailable, Throttled) as error:
        raise NotTold("not_reached") from error
    except PaymentError as error:
        raise NotTold("broken_reply", uncertain=True) from error
    finally:
        client.close()
    if not 200 <= reply.status < 300:
        raise NotTold(f"status_{reply.status}")
