"""A letter as bytes of internet mail (RFC 5322), with headers nothing can be slipped into."""

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses, localtime, make_msgid

from vently.outside.mail import Attachment, Mail, MailRefused

# Seven bits go through every server, also one that does not offer 8BITMIME.
_POLICY = SMTP.clone(cte_type="7bit")

_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[a-z\d-]+(\.[a-z\d-]+)*", re.ASCII | re.IGNORECASE)


# Not message/ and multipart/: what they hold is headers again.
_KIND = re.compile(r"(application|image|text)/[a-z\d][a-z\d.+-]*", re.ASCII)
_NOT_IN_NAMES = dict.fromkeys(map(ord, '/\\:*?"<>|'), "-")
_LONGEST_NAME = 120


class SenderUnusable(ValueError):
    """VENTLY_MAIL_SENDER is no address; the sentence says what it should be."""


class Sender:
    """Whom letters come from: `Vently <hello@example.com>` or the address alone. Raises SenderUnusable."""

    def __init__(self, written: str) -> None:
        people = getaddresses([written]) if written.isprintable() else []
        try:
            [(name, self.address)] = people
            self._from = _address(self.address, name)
        except ValueError:
            raise SenderUnusable(
                "VENTLY_MAIL_SENDER is not usable; it is who mail comes from, as Vently <hello@example.com>."
            ) from None
        self.domain = self._from.domain

    def compose(self, mail: Mail) -> bytes:
        """Raises MailRefused when the letter cannot be written down."""
        try:
            message = EmailMessage(_POLICY)
            message["From"] = self._from
            message["To"] = _address(mail.to)
            message["Subject"] = _one_line(mail.subject)
            message["Date"] = format_datetime(localtime())
            message["Message-ID"] = make_msgid(domain=self.domain)
            message["Auto-Submitted"] = "auto-generated"  # RFC 3834: holiday notes do not answer
            message.set_content(mail.text)
            message.add_alternative(mail.html, subtype="html")
            for attachment in mail.attachments:
                _attach(message, attachment)
            return message.as_bytes()
        except ValueError as error:
            raise MailRefused(f"the letter cannot be written down ({type(error).__name__})") from None


def _attach(message: EmailMessage, attachment: Attachment) -> None:
    """Raises ValueError when its kind is none that may be attached."""
    if not _KIND.fullmatch(attachment.kind):
        raise ValueError("not a media type")
    kind, _, subtype = attachment.kind.partition("/")
    name = _one_line(attachment.name).translate(_NOT_IN_NAMES)[:_LONGEST_NAME].strip(" .") or "file"
    params = {"charset": "utf-8"} if kind == "text" else {}
    message.add_attachment(attachment.content, maintype=kind, subtype=subtype, filename=name, params=params)


def _address(text: str, name: str = "") -> Address:
    """Raises ValueError unless it is the plain kind, as sign-in takes it: one person, no quotes, no comments, ASCII."""
    if not _ADDRESS.fullmatch(text):
        raise ValueError("not an address of mail")
    user, _, domain = text.rpartition("@")
    return Address(name, user, domain)


def _one_line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
