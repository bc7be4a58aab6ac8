"""Mail by SMTP (RFC 5321), with TLS where the server offers it or the address insists on it."""

import contextlib
import ipaddress
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
from msgspec import Struct

from vently.outside.mail import Mail, MailDelayed, MailRefused
from vently.outside.mail.composing import Sender

TIMEOUT = 30.0
"""Seconds for each step of the talk."""

_FOR_GOOD = 500
_STARTTLS = {"offered": None, "required": True, "off": False}


class SmtpUrlUnusable(ValueError):
    """VENTLY_SMTP_URL cannot be used; the sentence says what it takes, and never repeats it: it holds a password."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"VENTLY_SMTP_URL is not usable ({why}); it is smtp://user:password@host:port or smtps://…, "
            "with ?tls=required to send nothing in the clear, or ?tls=off."
        )


class _Server(Struct, frozen=True):
    host: str
    port: int
    username: str | None
    password: str | None
    tls: bool
    starttls: bool | None
    """None: when it is offered."""


class SmtpMailer:
    """Hands each letter to the server at `url`, one connection a letter.

    Certificates are always checked. A password goes in the clear to this machine alone, unless `?tls=off` says so.
    """

    def __init__(self, url: str, sender: str) -> None:
        """Raises SmtpUrlUnusable and SenderUnusable."""
        self._server = _read(url)
        self._sender = Sender(sender)

    async def send(self, mail: Mail) -> None:
        message = self._sender.compose(mail)
        try:
            await self._hand_over(message, mail.to)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _verdict(error.recipients[0].code, "the recipient") from None
        except aiosmtplib.SMTPSenderRefused as error:
            raise _verdict(error.code, "the sender") from None
        except aiosmtplib.SMTPDataError as error:
            raise _verdict(error.code, "the letter") from None
        except aiosmtplib.SMTPResponseException as error:
            # A greeting or a password refused says nothing against this letter: somebody may mend the settings.
            raise MailDelayed(f"the mail server answered {error.code} ({type(error).__name__})") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailDelayed(f"the mail server cannot be used ({type(error).__name__})") from None

    async def _hand_over(self, message: bytes, to: str) -> None:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.tls,
            start_tls=server.starttls,
            # Asking the system for its own name may ask a name server, for as long as that likes.
            local_hostname=self._sender.domain,
            timeout=TIMEOUT,
        )
        try:
            await client.connect()
            await client.sendmail(self._sender.address, [to], message)
            # The letter is theirs now, whatever becomes of our good-bye.
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit()
        finally:
            # Not `async with`: told to end, it would still say good-bye and wait for the answer.
            client.close()


def _verdict(code: int, what: str) -> MailRefused | MailDelayed:
    """The server's own words are left out: they mostly quote the address."""
    kind = MailRefused if code >= _FOR_GOOD else MailDelayed
    return kind(f"the mail server answered {code} to {what}")


def _read(url: str) -> _Server:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise SmtpUrlUnusable("its host or port cannot be read") from None
    if parts.scheme not in {"smtp", "smtps"}:
        raise SmtpUrlUnusable("it starts with neither smtp:// nor smtps://")
    if not host or port == 0:
        raise SmtpUrlUnusable("it names no host or no possible port")
    if parts.path.strip("/") or parts.fragment:
        raise SmtpUrlUnusable(
            "after the host something stands that does not belong there; write / # ? @ of a password as %2F %23 %3F %40"
        )
    if (parts.username is None) != (parts.password is None):
        raise SmtpUrlUnusable("a user needs a password, and a password a user")
    options = parse_qs(parts.query, keep_blank_values=True)
    wanted = options.pop("tls", ["offered"])
    if options or len(wanted) != 1 or wanted[0] not in _STARTTLS:
        raise SmtpUrlUnusable("after ? only tls=offered, tls=required or tls=off may stand")
    secure = parts.scheme == "smtps"
    starttls = _STARTTLS[wanted[0]]
    if starttls is None and parts.password is not None and not _is_here(host):
        starttls = True
    return _Server(
        host,
        port or (465 if secure else 587 if parts.username else 25),
        unquote(parts.username) if parts.username is not None else None,
        unquote(parts.password) if parts.password is not None else None,
        secure,
        False if secure else starttls,
    )


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
