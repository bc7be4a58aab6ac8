"""Access tokens of our own sign-in: whose they are, and which of our keys count. Attacks: `test_token_attacks.py`."""

import time
from uuid import uuid4

import pytest
from auth_cast import SITE
from joserfc.jwk import ECKey
from token_attacks import Good

from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.keys.keys import Keys
from vently.supabase.auth.keys.ring import KeyRing
from vently.supabase.auth.tokens import Tokens

ISSUER = f"{SITE}/auth/v1"


def signed_by(key: ECKey) -> Good:
    return Good(key, str(key.kid), ISSUER, str(uuid4()), str(uuid4()))


@pytest.fixture
def good(auth) -> Good:
    return signed_by(auth.keys.now.signing)


async def test_a_token_is_told_to_be_expired(auth, good):
    """supabase-js and its like tell an old session from a broken one by it."""
    with pytest.raises(AuthError, match="token is expired"):
        await auth.verify(good.with_claims(exp=int(time.time()) - 1))
    with pytest.raises(AuthError, match="not one of ours"):
        await auth.verify(good.with_claims(aud="somebody-else"))


async def test_a_good_token_whose_ids_are_none_is_refused(http, good):
    for claims in ({"sub": "not-a-uuid"}, {"session_id": ...}, {"session_id": 7}, {"session_id": "x"}):
        answer = await http.get("/user", headers={"Authorization": f"Bearer {good.with_claims(**claims)}"})
        assert (answer.status_code, answer.json()["code"]) == (403, "bad_jwt")


async def test_a_session_of_somebody_else_is_not_ones_own(http, good, auth, alice, bob):
    """Two good ids that do not belong together."""
    mixed = await auth.verify(alice.session["access_token"]) | {"sub": bob.session["user"]["id"]}
    answer = await http.get("/user", headers={"Authorization": f"Bearer {good.token(None, mixed)}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "session_not_found")


async def test_a_token_from_a_clock_a_little_ahead_is_taken(auth, good):
    assert await auth.verify(good.with_claims(iat=int(time.time()) + 20))


async def test_an_older_key_still_verifies_and_a_removed_one_does_not():
    old, new = (ECKey.generate_key("P-256", {"kid": kid}, auto_kid=False) for kid in ("old", "new"))
    token = signed_by(old).token()
    assert await Tokens(await ring(new, old), ISSUER, 3600).verify(token)
    with pytest.raises(AuthError):
        await Tokens(await ring(new), ISSUER, 3600).verify(token)


async def ring(*keys: ECKey) -> KeyRing:
    async def read() -> Keys:
        return Keys.of(keys)

    made = KeyRing(read)
    await made.load()
    return made
