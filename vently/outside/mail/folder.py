"""Mail into a folder: one `.eml` a letter, for sites that have no mail server yet."""

import asyncio
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

from vently.outside.mail import Mail, MailDelayed
from vently.outside.mail.composing import Sender


class FolderMailer:
    """The letters hold links that sign people in, so nobody but the owner of the process may read them."""

    def __init__(self, folder: Path, sender: str) -> None:
        """Raises SenderUnusable. The folder is made when the first letter comes."""
        self._folder = folder
        self._sender = Sender(sender)

    async def send(self, mail: Mail) -> None:
        message = self._sender.compose(mail)
        try:
            await asyncio.to_thread(self._keep, message)
        except OSError as error:
            raise MailDelayed(f"the folder for mail cannot be written ({type(error).__name__})") from None

    def _keep(self, message: bytes) -> None:
        """Written under another name, then renamed: whoever sees the letter sees all of it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(8)}.eml"
        draft = self._folder / f".{name}"
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(message)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(self._folder / name)
        finally:
            draft.unlink(missing_ok=True)
