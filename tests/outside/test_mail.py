"""Mail, delivered to real SMTP servers and into a folder."""

import asyncio
import email
import email.policy
import ssl
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import msgspec
import pytest
import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from vently.outside import mail
from vently.outside.mail import Attachment, Mail, MailDelayed, MailRefused, Post
from vently.outside.mail.composing import SenderUnusable
from vently.outside.mail.folder import FolderMailer
from vently.outside.mail.smtp import SmtpMailer, SmtpUrlUnusable

SENDER = "Vently <hello@vently.example>"
LETTER = Mail(
    "bob@example.com",
    "Grüß dich, Bob",
    "Your code is 123456.\n",
    "<p>Your code is <b>123456</b>. Žluťoučký kůň.</p>\n",
)


@dataclass
class Box:
    """What a mail server was given, and how it answers: each of `answers` once, then it takes everything."""

    answers: list[str] = field(default_factory=list)
    to_recipient: list[str] = field(default_factory=list)
    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    tls: list[bool] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    slow: float = 0

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        if self.to_recipient:
            return self.to_recipient.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.slow)
        self.at_once -= 1
        if self.answers:
            return self.answers.pop(0)
        self.tls.append(bool(session.ssl or server.transport.get_extra_info("ssl_object")))
        self.recipients += envelope.rcpt_tos
        self.raw.append(envelope.content)
        self.letters.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


class Listening(Controller):
    """On a port the system picks."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list:
    """What the post logs, whatever level and form other tests have set up."""
    captured = structlog.testing.LogCapture()
    monkeypatch.setattr(
        mail, "log", structlog.wrap_logger(None, processors=[captured], wrapper_class=structlog.stdlib.BoundLogger)
    )
    return captured.entries


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def smtp(box: Box) -> Iterator[Controller]:
    controller = Listening(box, hostname="127.0.0.1", port=0)
    controller.start()
    yield controller
    controller.stop()


@pytest.fixture
def url(smtp: Controller) -> str:
    return f"smtp://127.0.0.1:{smtp.port}"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost, in one file."""
    made = tmp_path_factory.mktemp("tls") / "localhost.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(made), "-out", str(made.with_suffix(".crt"))]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    made.write_text(made.read_text() + made.with_suffix(".crt").read_text())
    return made


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def starttls(box: Box, tls: ssl.SSLContext) -> Iterator[Controller]:
    """A server that offers STARTTLS, and lets in who knows the password."""

    def judge(_server, _session, _envelope, _mechanism, data):
        return AuthResult(success=(data.login, data.password) == (b"vently", b"s/cret"), handled=False)

    controller = Listening(
        box, hostname="127.0.0.1", port=0, tls_context=tls, authenticator=judge, auth_require_tls=True
    )
    controller.start()
    yield controller
    controller.stop()


async def test_a_letter_arrives_as_text_and_as_html(url, box):
    await SmtpMailer(url, SENDER).send(LETTER)
    [letter] = box.letters
    assert letter["From"] == SENDER
    assert letter["To"] == "bob@example.com"
    assert letter["Subject"] == "Grüß dich, Bob"
    assert letter["Message-ID"].endswith("@vently.example>")
    assert letter["Date"].datetime.timestamp() == pytest.approx(time.time(), abs=60)
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_body(("plain",)).get_content().split("\r\n") == LETTER.text.split("\n")
    assert letter.get_body(("html",)).get_content().split("\r\n") == LETTER.html.split("\n")
    assert box.raw[0].isascii()


async def test_files_go_with_a_letter_byte_for_byte(url, box):
    pdf, calendar = bytes(range(256)) * 40, "BEGIN:VCALENDAR\r\nSUMMARY:Žluťoučký kůň\r\nEND:VCALENDAR\r\n".encode()
    files = (
        Attachment("tickets.pdf", "application/pdf", pdf),
        Attachment("Grüße aus dem Süden.ics", "text/calendar", calendar),
    )
    await SmtpMailer(url, SENDER).send(msgspec.structs.replace(LETTER, attachments=files))
    [letter] = box.letters
    assert letter.get_content_type() == "multipart/mixed"
    assert letter.get_body(("plain",)).get_content().split("\r\n") == LETTER.text.split("\n")
    assert letter.get_body(("html",)).get_content().split("\r\n") == LETTER.html.split("\n")
    got = [
        (part.get_filename(), part.get_content_type(), part.get_payload(decode=True))
        for part in letter.iter_attachments()
    ]
    assert got == [(file.name, file.kind, file.content) for file in files]
    assert [part.get_content_charset() for part in letter.iter_attachments()] == [None, "utf-8"]
    assert box.raw[0].isascii()
    assert max(map(len, box.raw[0].splitlines())) <= 998


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a.pdf\r\nBcc: all@example.com", "a.pdf Bcc- all@example.com"),
        ("../../etc/passwd", "-..-etc-passwd"),
        ('x"; filename="evil.exe', "x-; filename=-evil.exe"),
        ("nul\0\u202efdp.exe", "nul fdp.exe"),
        (" .. ", "file"),
        ("n" * 4000, "n" * 120),
    ],
)
async def test_nothing_slips_into_the_headers_by_the_name_of_a_file(url, box, name, told):
    mail = msgspec.structs.replace(LETTER, attachments=(Attachment(name, "application/pdf", b"%PDF"),))
    await SmtpMailer(url, SENDER).send(mail)
    [part] = box.letters[0].iter_attachments()
    assert part.get_filename() == told
    assert box.letters[0]["Bcc"] is None
    assert part["Bcc"] is None


@pytest.mark.parametrize(
    "kind", ["", "pdf", "message/rfc822", "multipart/mixed", "text/html\r\nBcc: a@b.c", "text/plain; x=y"]
)
async def test_a_file_of_no_kind_is_refused(url, box, kind):
    with pytest.raises(MailRefused):
        await SmtpMailer(url, SENDER).send(msgspec.structs.replace(LETTER, attachments=(Attachment("a", kind, b""),)))
    assert box.letters == []


@pytest.mark.parametrize(
    "word", ["\r\nBcc: all@example.com", "\nBcc: all@example.com\n\nHello", "\0", "\u2028Bcc: a@b.c"]
)
async def test_nothing_slips_into_the_headers_by_the_subject(url, box, word):
    await SmtpMailer(url, SENDER).send(Mail("bob@example.com", f"Hi{word}", "text", "<p>html"))
    [letter] = box.letters
    assert letter["Bcc"] is None
    assert letter["Subject"].startswith("Hi")
    assert box.recipients == ["bob@example.com"]


@pytest.mark.parametrize(
    "to",
    [
        "bob@example.com\r\nBcc: all@example.com",
        "bob@example.com\nBcc: all@example.com",
        "bob@example.com, all@example.com",
        "bob@example.com> SIZE=1\r\nRCPT TO:<all@example.com",
        "Bob <bob@example.com>",
        "bob\0@example.com",
        "@example.com",
        "bob",
        "",
        "bøb@example.com",
        "bob@exämple.com",
        "bob@example.com\ud800",
    ],
)
async def test_nothing_slips_into_the_headers_by_the_address(url, box, to):
    with pytest.raises(MailRefused):
        await SmtpMailer(url, SENDER).send(Mail(to, "Hi", "text", "<p>html"))
    assert box.letters == []


async def test_text_that_no_encoding_holds_is_refused(url):
    with pytest.raises(MailRefused):
        await SmtpMailer(url, SENDER).send(Mail("bob@example.com", "Hi", "half a letter: \ud800", "<p>html"))


@pytest.mark.parametrize("where", ["answers", "to_recipient"])
async def test_5xx_is_for_good_and_4xx_for_now(url, box, where):
    getattr(box, where).extend(["550 No such bob@example.com", "451 Come back later"])
    mailer = SmtpMailer(url, SENDER)
    with pytest.raises(MailRefused, match="550") as refused:
        await mailer.send(LETTER)
    assert "bob" not in str(refused.value)
    with pytest.raises(MailDelayed, match="451"):
        await mailer.send(LETTER)


async def test_a_server_that_is_not_there_is_a_delay(unused_tcp_port):
    with pytest.raises(MailDelayed, match="cannot be used"):
        await SmtpMailer(f"smtp://127.0.0.1:{unused_tcp_port}", SENDER).send(LETTER)


async def test_starttls_is_used_when_it_is_offered(starttls, box, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    await SmtpMailer(f"smtp://vently:s%2Fcret@127.0.0.1:{starttls.port}", SENDER).send(LETTER)
    assert box.tls == [True]


async def test_a_wrong_password_is_a_delay_that_does_not_name_it(starttls, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(MailDelayed, match="535") as delayed:
        await SmtpMailer(f"smtp://vently:wrong@127.0.0.1:{starttls.port}", SENDER).send(LETTER)
    assert "wrong" not in str(delayed.value)


async def test_a_certificate_nobody_vouches_for_is_not_trusted(starttls, box):
    with pytest.raises(MailDelayed):
        await SmtpMailer(f"smtp://127.0.0.1:{starttls.port}", SENDER).send(LETTER)
    assert box.letters == []


async def test_tls_that_is_required_and_not_offered_sends_nothing(url, box):
    with pytest.raises(MailDelayed):
        await SmtpMailer(f"{url}?tls=required", SENDER).send(LETTER)
    assert box.letters == []


async def test_smtps_is_tls_from_the_first_byte(box, tls, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    controller = Listening(box, hostname="127.0.0.1", port=0, ssl_context=tls)
    controller.start()
    try:
        await SmtpMailer(f"smtps://127.0.0.1:{controller.port}", SENDER).send(LETTER)
    finally:
        controller.stop()
    assert box.tls == [True]


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "mail.example.com",
        "http://mail.example.com",
        "smtp://",
        "smtp://:25",
        "smtp://mail.example.com:0",
        "smtp://mail.example.com:port",
        "smtp://mail.example.com:99999",
        "smtp://[::1",
        "smtp://user@mail.example.com",
        "smtp://user:pa/ss@mail.example.com",
        "smtp://user:hunter2@mail.example.com/inbox",
        "smtp://mail.example.com?tls=maybe",
        "smtp://mail.example.com?tls=required&tls=off",
        "smtp://mail.example.com?starttls=1",
    ],
)
def test_an_address_of_a_server_that_cannot_be_used_is_one_clear_sentence(wrong):
    with pytest.raises(SmtpUrlUnusable, match=r"^VENTLY_SMTP_URL is not usable \(.+\); it is smtp://.+\.$") as refused:
        SmtpMailer(wrong, SENDER)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("wrong", ["", "Vently", "Vently <>", "Vently <hello>", "a@b.c\r\nBcc: d@e.f", "a@b.c, d@e.f"])
def test_a_sender_that_is_none_is_one_clear_sentence(wrong, tmp_path):
    with pytest.raises(SenderUnusable, match="VENTLY_MAIL_SENDER"):
        FolderMailer(tmp_path, wrong)


async def test_the_folder_holds_whole_letters_for_the_owner_alone_in_the_order_they_came(tmp_path):
    folder = tmp_path / "data" / "mail"
    mailer = FolderMailer(folder, SENDER)
    for number in range(3):
        await mailer.send(Mail("bob@example.com", f"Letter {number}", "text", "<p>html"))
    files = sorted(folder.iterdir())
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * 3
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    letters = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]
    assert [letter["Subject"] for letter in letters] == ["Letter 0", "Letter 1", "Letter 2"]
    assert all(file.suffix == ".eml" for file in files)


async def test_a_folder_that_cannot_be_written_is_a_delay_and_leaves_nothing(tmp_path):
    (tmp_path / "mail").write_text("a file stands here")
    with pytest.raises(MailDelayed):
        await FolderMailer(tmp_path / "mail", SENDER).send(LETTER)


async def test_the_post_tries_again_until_the_letter_is_taken(url, box):
    box.answers = ["451 Later", "421 Later still"]
    post = Post(SmtpMailer(url, SENDER), pauses=[0, 0, 0])
    post.send(LETTER)
    assert box.letters == []  # it returned before anything was sent
    await post.settled()
    assert len(box.letters) == 1


async def test_the_post_tries_a_refused_letter_once_and_logs_no_personal_word(url, box, lines):
    box.to_recipient = ["550 No such user bob@example.com"] * 5
    post = Post(SmtpMailer(url, SENDER), pauses=[0, 0, 0])
    post.send(LETTER)
    await post.settled()
    assert len(box.to_recipient) == 4
    assert [(line["event"], line["tries"]) for line in lines] == [("mail not delivered", 1)]
    assert not any(word in str(lines) for word in ("bob", "123456", "dich"))


async def test_a_fault_in_a_mailer_is_logged_without_the_letter_and_harms_no_other(lines):
    class Faulty:
        def __init__(self):
            self.sent = []

        async def send(self, mail):
            if not self.sent:
                self.sent.append(None)
                raise RuntimeError(f"could not send {mail}")
            self.sent.append(mail)

    mailer = Faulty()
    post = Post(mailer)
    post.send(LETTER)
    post.send(LETTER)
    await post.settled()
    assert mailer.sent == [None, LETTER]
    assert "RuntimeError" in str(lines)
    assert "bob" not in str(lines)


async def test_only_so_many_letters_are_on_their_way_at_once(url, box):
    box.slow = 0.02
    post = Post(SmtpMailer(url, SENDER), at_once=2)
    for _ in range(6):
        post.send(LETTER)
    await post.settled()
    assert len(box.letters) == 6
    assert box.most_at_once == 2


async def test_letters_beyond_what_memory_is_meant_for_are_dropped_and_logged(url, box, lines):
    post = Post(SmtpMailer(url, SENDER), most=2)
    for _ in range(3):
        post.send(LETTER)
    await post.settled()
    assert len(box.letters) == 2
    assert [line["event"] for line in lines] == ["mail not taken"]


async def test_closing_gives_a_waiting_letter_its_last_try_at_once(url, box):
    box.answers = ["451 Later"]
    post = Post(SmtpMailer(url, SENDER), pauses=[3600])
    post.send(LETTER)
    while box.answers:
        await asyncio.sleep(0.01)
    await post.close(10)
    assert len(box.letters) == 1
    post.send(LETTER)  # after closing nothing is taken
    await post.settled()
    assert len(box.letters) == 1


async def test_closing_does_not_wait_for_ever(url, box, lines):
    box.slow = 3600
    post = Post(SmtpMailer(url, SENDER))
    post.send(LETTER)
    await post.close(0.05)
    assert "mail lost at shutdown" in [line["event"] for line in lines]


async def test_what_is_written_behind_a_request_is_sent(url, box):
    post = Post(SmtpMailer(url, SENDER))

    async def write():
        return [LETTER, LETTER]

    post.write(write)
    assert box.letters == []
    await post.settled()
    assert len(box.letters) == 2


async def test_a_fault_in_writing_is_logged_without_its_words(lines):
    async def write():
        raise RuntimeError("bob@example.com")

    post = Post(None)
    post.write(write)
    await post.settled()
    assert [(line["event"], line["error"]) for line in lines] == [("mail not written", "RuntimeError")]
    assert "bob" not in str(lines)
