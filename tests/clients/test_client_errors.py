"""What the clients tell their programs of refusals: Supabase Auth's documented codes and statuses."""

import secrets
from uuid import uuid4

import pyotp
import pytest
from place import PASSWORD, in_query, later, somebody
from speakers import Refused

CASES = {}


def case(code: str, status: int):
    """A story that must end in a refusal."""

    def keep(story):
        CASES[f"{code}: {story.__name__.replace('_', ' ')}"] = (story, code, status)
        return story

    return keep


class Stage:
    """What a story needs: who comes, and where."""

    def __init__(self, arrives, joins, opens, place) -> None:
        self.arrives, self.joins, self.opens, self.place = arrives, joins, opens, place
        self.email = somebody()

    async def admin(self):
        return await self.opens(self.place.secret_key, "implicit")

    async def code_of_provider(self, client) -> str:
        asked = {"provider": "keycloak", "options": {"skipBrowserRedirect": True}}
        url = (await client.call("auth.signInWithOAuth", asked))["url"]
        return in_query(await self.place.signs_in_elsewhere(url, self.email))["code"]

    async def with_factor(self, client) -> str:
        made = await client.call("auth.mfa.enroll", {"factorType": "totp"})
        challenge = await client.call("auth.mfa.challenge", {"factorId": made["id"]})
        code = pyotp.TOTP(made["totp"]["secret"]).now()
        await client.call("auth.mfa.verify", {"factorId": made["id"], "challengeId": challenge["id"], "code": code})
        return made["id"]

    async def sign_in(self, client, password: str = PASSWORD):
        return await client.call("auth.signInWithPassword", {"email": self.email, "password": password})


@case("weak_password", 422)
async def too_short(stage):
    await (await stage.arrives()).call("auth.signUp", {"email": stage.email, "password": "abc"})


@case("weak_password", 422)
async def guessed_at_once(stage):
    await (await stage.arrives()).call("auth.signUp", {"email": stage.email, "password": "password1"})


@case("validation_failed", 400)
async def no_address(stage):
    await (await stage.arrives()).call("auth.signUp", {"email": "nonsense", "password": PASSWORD})


@case("invalid_credentials", 400)
async def wrong_password(stage):
    await stage.joins(stage.email)
    await stage.sign_in(await stage.arrives(), "wrong")


@case("invalid_credentials", 400)
async def unknown_address(stage):
    await stage.sign_in(await stage.arrives())


@case("email_not_confirmed", 400)
async def letter_not_opened(stage):
    client = await stage.arrives()
    await client.call("auth.signUp", {"email": stage.email, "password": PASSWORD})
    await stage.sign_in(client)


@case("otp_expired", 403)
async def wrong_code(stage):
    await stage.joins(stage.email)
    client = await stage.arrives()
    await client.call("auth.verifyOtp", {"type": "email", "email": stage.email, "token": "000000"})


@case("otp_expired", 403)
async def code_used_twice(stage):
    client = await stage.joins(stage.email)
    code = (await stage.place.letterbox.letter_to(stage.email)).code
    await client.call("auth.verifyOtp", {"type": "signup", "email": stage.email, "token": code})


@case("otp_expired", 403)
async def link_that_is_none(stage):
    await (await stage.arrives()).call("auth.verifyOtp", {"type": "email", "token_hash": secrets.token_urlsafe(32)})


@case("otp_disabled", 422)
async def unknown_address_that_shall_not_sign_up(stage):
    options = {"shouldCreateUser": False}
    await (await stage.arrives()).call("auth.signInWithOtp", {"email": stage.email, "options": options})


@case("over_email_send_rate_limit", 429)
async def two_letters_within_a_minute(stage):
    client = await stage.arrives()
    await client.call("auth.resetPasswordForEmail", stage.email)
    await client.call("auth.resetPasswordForEmail", stage.email)


@case("over_request_rate_limit", 429)
async def too_many_requests_from_one_address(stage):
    client = await stage.arrives()
    for _ in range(32):
        await client.call("auth.resetPasswordForEmail", somebody())


@case("bad_code_verifier", 400)
async def code_of_somebody_elses_flow(stage):
    stranger = await stage.arrives("pkce")
    await stage.code_of_provider(stranger)
    code = await stage.code_of_provider(await stage.arrives("pkce"))
    await stranger.call("auth.exchangeCodeForSession", code)


@case("flow_state_not_found", 404)
async def code_that_is_none(stage):
    client = await stage.arrives("pkce")
    await stage.code_of_provider(client)
    await client.call("auth.exchangeCodeForSession", str(uuid4()))


@case("flow_state_expired", 422)
async def code_of_long_ago(stage):
    client = await stage.arrives("pkce")
    code = await stage.code_of_provider(client)
    await later(stage.place, "auth.flow_state", 301, "auth_code_issued_at")
    await client.call("auth.exchangeCodeForSession", code)


@case("same_password", 422)
async def password_as_before(stage):
    await (await stage.joins(stage.email)).call("auth.updateUser", {"password": PASSWORD})


@case("email_exists", 422)
async def address_of_somebody_else(stage):
    other = somebody()
    await stage.joins(other)
    await (await stage.joins(stage.email)).call("auth.updateUser", {"email": other})


@case("mfa_verification_failed", 422)
async def wrong_second_factor(stage):
    client = await stage.joins(stage.email)
    made = await client.call("auth.mfa.enroll", {"factorType": "totp"})
    challenge = await client.call("auth.mfa.challenge", {"factorId": made["id"]})
    wrong = {"factorId": made["id"], "challengeId": challenge["id"], "code": "000000"}
    await client.call("auth.mfa.verify", wrong)


@case("mfa_challenge_expired", 422)
async def challenge_of_long_ago(stage):
    client = await stage.joins(stage.email)
    made = await client.call("auth.mfa.enroll", {"factorType": "totp"})
    challenge = await client.call("auth.mfa.challenge", {"factorId": made["id"]})
    await later(stage.place, "auth.mfa_challenges", 301, "created_at")
    code = pyotp.TOTP(made["totp"]["secret"]).now()
    await client.call("auth.mfa.verify", {"factorId": made["id"], "challengeId": challenge["id"], "code": code})


@case("mfa_factor_name_conflict", 422)
async def two_factors_of_one_name(stage):
    client = await stage.joins(stage.email)
    await stage.with_factor(client)
    for _ in range(2):
        await client.call("auth.mfa.enroll", {"factorType": "totp", "friendlyName": "My phone"})


@case("insufficient_aal", 401)
async def first_factor_alone(stage):
    await stage.with_factor(await stage.joins(stage.email))
    client = await stage.arrives()
    await stage.sign_in(client)
    await client.call("auth.updateUser", {"password": "another good password"})


@case("mfa_factor_not_found", 404)
async def factor_that_is_none(stage):
    client = await stage.joins(stage.email)
    await client.call("auth.mfa.challenge", {"factorId": str(uuid4())})


@case("refresh_token_not_found", 400)
async def refresh_token_that_is_none(stage):
    await (await stage.arrives()).call("auth.refreshSession", {"refresh_token": "a" * 22})


@case("refresh_token_already_used", 400)
async def refresh_token_copied_long_ago(stage):
    client = await stage.joins(stage.email)
    first = (await stage.sign_in(client))["session"]["refresh_token"]
    for _ in range(2):
        await client.call("auth.refreshSession")
    await later(stage.place, "auth.refresh_tokens", 11)
    await (await stage.arrives()).call("auth.refreshSession", {"refresh_token": first})


@case("session_not_found", 403)
async def signed_out_elsewhere(stage):
    client, elsewhere = await stage.joins(stage.email), await stage.arrives()
    await stage.sign_in(elsewhere)
    await elsewhere.call("auth.signOut", {"scope": "global"})
    await client.call("auth.getUser")


@case("bad_jwt", 403)
async def token_that_is_none(stage):
    await (await stage.arrives()).call("auth.getUser", "a.b.c")


@case("single_identity_not_deletable", 422)
async def last_way_in(stage):
    client = await stage.joins(stage.email)
    [identity] = (await client.call("auth.getUserIdentities"))["identities"]
    await client.call("auth.unlinkIdentity", identity)


@case("user_banned", 400)
async def banned(stage):
    user = (await (await stage.joins(stage.email)).call("auth.getUser"))["user"]["id"]
    await (await stage.admin()).call("auth.admin.updateUserById", user, {"ban_duration": "1h"})
    await stage.sign_in(await stage.arrives())


@case("user_not_found", 404)
async def nobody_of_that_id(stage):
    await (await stage.admin()).call("auth.admin.getUserById", str(uuid4()))


@case("email_exists", 422)
async def account_made_twice(stage):
    admin = await stage.admin()
    for _ in range(2):
        await admin.call("auth.admin.createUser", {"email": stage.email, "password": PASSWORD})


@case("not_admin", 403)
async def administration_with_the_publishable_key(stage):
    await (await stage.arrives()).call("auth.admin.createUser", {"email": stage.email, "password": PASSWORD})


@pytest.mark.parametrize("name", list(CASES))
async def test_each_refusal_has_its_code(arrives, joins, opens, place, name):
    story, code, status = CASES[name]
    with pytest.raises(Refused) as refused:
        await story(Stage(arrives, joins, opens, place))
    assert refused.value.code == code
    # JavaScript's client gives no status of the server's for a session that is gone.
    assert refused.value.status == status or code == "session_not_found"


async def test_signing_up_with_a_known_address_looks_like_any_other(arrives, opens, place):
    email, admin = somebody(), await opens(place.secret_key, "implicit")
    account = {"email": email, "password": PASSWORD, "email_confirm": True}
    known = (await admin.call("auth.admin.createUser", account))["user"]
    answers = [
        await (await arrives()).call("auth.signUp", {"email": address, "password": "another good password"})
        for address in (email, somebody())
    ]
    assert [answer["session"] for answer in answers] == [None, None]
    assert set(answers[0]["user"]) == set(answers[1]["user"])
    assert answers[0]["user"]["identities"] == []  # the documented sign, for programs that know it
    assert answers[0]["user"]["id"] != known["id"]
