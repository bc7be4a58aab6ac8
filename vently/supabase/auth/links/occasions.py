"""Why somebody gets a link: which letter, which secret, and what clients and sessions call it."""

from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.outside.mail import Mail
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.flows import flows
from vently.supabase.auth.flows.flows import Challenge
from vently.supabase.auth.links import letters, tokens
from vently.supabase.auth.links.tokens import Kind, Secret
from vently.supabase.auth.links.words import Name


class Occasion(msgspec.Struct, frozen=True):
    letter: Name
    kind: Kind
    type: str
    """As it is named at `/verify`."""
    method: str
    """What a session says it was begun by, when the link led through PKCE."""


SIGN_UP = Occasion("confirm_sign_up", "confirmation_token", "signup", "email/signup")
INVITATION = Occasion("invitation", "confirmation_token", "invite", "invite")
MAGIC_LINK = Occasion("magic_link", "recovery_token", "magiclink", "magiclink")
RECOVERY = Occasion("recovery", "recovery_token", "recovery", "recovery")
NEW_ADDRESS = Occasion("email_change_new", "email_change_token_new", "email_change", "email_change")
CURRENT_ADDRESS = Occasion("email_change_current", "email_change_token_current", "email_change", "email_change")

TYPES: dict[str, list[Kind]] = {
    "signup": ["confirmation_token"],
    "invite": ["confirmation_token"],
    "magiclink": ["recovery_token"],
    "recovery": ["recovery_token"],
    "email": ["confirmation_token", "recovery_token"],
    "email_change": ["email_change_token_new", "email_change_token_current"],
}
"""The secrets that each type of `/verify` takes."""


async def generate(
    tx: Transaction,
    auth: Auth,
    occasion: Occasion,
    user: UUID,
    to: str,
    *,
    redirect_to: str,
    challenge: Challenge | None = None,
) -> tuple[Secret, str]:
    """A new secret and its link. `redirect_to` must have been allowed."""
    flow = await flows.begin(tx, challenge, occasion.method, provider="email", user=user) if challenge else None
    secret = await tokens.issue(tx, auth, occasion.kind, user, to, flow)
    return secret, letters.link_to_verify(auth.rules, secret, occasion.type, redirect_to)


async def write(
    tx: Transaction,
    auth: Auth,
    occasion: Occasion,
    user: UUID,
    to: str,
    *,
    redirect_to: str,
    challenge: Challenge | None = None,
    **facts: str,
) -> Mail:
    """The letter with a new secret, to be handed to the post once the transaction is done."""
    secret, link = await generate(tx, auth, occasion, user, to, redirect_to=redirect_to, challenge=challenge)
    return letters.compose(auth.rules, occasion.letter, to, link=link, code=secret.code, **facts)
