"""Letters about what has happened to an account, so that its owner notices what they did not do."""

import hashlib
from datetime import UTC, datetime

from vently.database.queries import load
from vently.outside.mail import Mail
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.devices import Device
from vently.supabase.auth.links import letters
from vently.supabase.auth.links.words import Name
from vently.supabase.auth.users import User
from vently.supabase.browsers import family

sql = load(__package__)


def signed_in(auth: Auth, user: User, device: Device) -> None:
    """To be called after every sign-in, by whatever way: a browser never seen before is told, except the very first."""
    browser = family(device.user_agent)
    mark = hashlib.sha256(browser.encode()).hexdigest()

    async def write() -> list[Mail]:
        async with auth.acting() as tx:
            new = await tx.value(sql.meet_device, user=user.id, mark=mark)
        if not new or not user.email:
            return []
        facts = {"device": browser, "when": _now(), "link": _security(auth)}
        return [letters.compose(auth.rules, "new_device", user.email, **facts)]

    auth.post.write(write)


def password_changed(auth: Auth, email: str) -> None:
    if email:
        link = f"{auth.rules.site_url}/sign-in/forgotten"
        auth.post.send(letters.compose(auth.rules, "password_changed", email, link=link, when=_now()))


def email_changed(auth: Auth, old: str, new: str) -> None:
    """To the old address."""
    if old:
        auth.post.send(letters.compose(auth.rules, "email_changed", old, new=new))


def way_in(auth: Auth, email: str | None, what: str, *, added: bool) -> None:
    """A factor or passkey has come or gone: `what` as a sentence begins with it."""
    if email:
        name: Name = "way_in_added" if added else "way_in_removed"
        auth.post.send(letters.compose(auth.rules, name, email, link=_security(auth), what=what, when=_now()))


def identity(auth: Auth, email: str | None, what: str, *, linked: bool) -> None:
    """An account elsewhere (`what`: the provider's name) can be signed in with from now on, or no longer."""
    if email:
        name: Name = "identity_linked" if linked else "identity_unlinked"
        auth.post.send(letters.compose(auth.rules, name, email, link=_security(auth), what=what, when=_now()))


def recovery_code_used(auth: Auth, email: str | None, left: int) -> None:
    if email:
        facts = {"left": str(left), "when": _now(), "link": _security(auth)}
        auth.post.send(letters.compose(auth.rules, "recovery_code_used", email, **facts))


def _security(auth: Auth) -> str:
    return f"{auth.rules.site_url}/me/security"


def _now() -> str:
    return f"{datetime.now(UTC):%d %B %Y, %H:%M}"
