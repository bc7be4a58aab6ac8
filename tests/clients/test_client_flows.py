"""One list of stories, lived by each of Supabase's clients as it is, at a `vently up`."""

import asyncio

import httpx
import pytest
from place import APP, PASSWORD, in_fragment, in_query, later, somebody
from speakers import Refused


async def me(client) -> dict:
    return (await client.call("auth.getUser"))["user"]


async def test_sign_up_is_confirmed_by_the_code_of_the_letter(arrives, place):
    email, client = somebody(), await arrives()
    made = await client.call(
        "auth.signUp", {"email": email, "password": PASSWORD, "options": {"data": {"name": "Alice"}}}
    )
    assert made["session"] is None
    assert made["user"]["email"] == email
    with pytest.raises(Refused) as refused:
        await client.call("auth.signInWithPassword", {"email": email, "password": PASSWORD})
    assert refused.value.code == "email_not_confirmed"
    code = (await place.letterbox.letter_to(email)).code
    confirmed = await client.call("auth.verifyOtp", {"type": "signup", "email": email, "token": code})
    assert confirmed["session"]["user"]["id"] == made["user"]["id"]
    assert (await me(client))["user_metadata"]["name"] == "Alice"


async def test_sign_up_is_confirmed_by_the_link_of_the_letter(arrives, place):
    email, client = somebody(), await arrives()
    options = {"emailRedirectTo": f"{APP}/welcome"}
    await client.call("auth.signUp", {"email": email, "password": PASSWORD, "options": options})
    landing = await place.follows((await place.letterbox.letter_to(email)).link)
    assert landing.startswith(f"{APP}/welcome#")
    tokens = in_fragment(landing)
    await client.call(
        "auth.setSession", {"access_token": tokens["access_token"], "refresh_token": tokens["refresh_token"]}
    )
    assert (await me(client))["email"] == email


async def test_sign_up_with_pkce_is_finished_where_it_was_begun(arrives, place):
    email, client = somebody(), await arrives("pkce")
    options = {"emailRedirectTo": f"{APP}/welcome"}
    await client.call("auth.signUp", {"email": email, "password": PASSWORD, "options": options})
    landing = await place.follows((await place.letterbox.letter_to(email)).link)
    code = in_query(landing)["code"]
    stranger = await arrives("pkce")
    await stranger.call("auth.signInWithOAuth", {"provider": "keycloak", "options": {"skipBrowserRedirect": True}})
    with pytest.raises(Refused) as refused:
        await stranger.call("auth.exchangeCodeForSession", code)
    assert refused.value.code == "bad_code_verifier"
    session = await client.call("auth.exchangeCodeForSession", code)
    assert session["user"]["email"] == email


async def test_sign_in_refresh_and_update(joins, arrives):
    email = somebody()
    await joins(email)
    client = await arrives()
    first = await client.call("auth.signInWithPassword", {"email": email, "password": PASSWORD})
    refreshed = await client.call("auth.refreshSession", {"refresh_token": first["session"]["refresh_token"]})
    assert refreshed["session"]["refresh_token"] != first["session"]["refresh_token"]
    changed = await client.call("auth.updateUser", {"data": {"city": "Graz"}})
    assert changed["user"]["user_metadata"]["city"] == "Graz"
    await client.call("auth.updateUser", {"password": "another good password"})
    await client.call("auth.signInWithPassword", {"email": email, "password": "another good password"})
    claims = (await client.call("auth.getClaims"))["claims"]
    assert claims["email"] == email


async def test_oauth_with_pkce_through_a_certified_issuer(arrives, place):
    email, client = somebody(), await arrives("pkce")
    asked = {"provider": "keycloak", "options": {"redirectTo": f"{APP}/back", "skipBrowserRedirect": True}}
    url = (await client.call("auth.signInWithOAuth", asked))["url"]
    landing = await place.signs_in_elsewhere(url, email)
    assert landing.startswith(f"{APP}/back?code=")
    session = (await client.call("auth.exchangeCodeForSession", in_query(landing)["code"]))["session"]
    assert session["user"]["email"] == email
    assert session["user"]["app_metadata"]["provider"] == "keycloak"
    assert session["provider_token"]
    assert (await me(client))["identities"][0]["provider"] == "keycloak"
    await client.call("auth.signInWithOAuth", asked)
    with pytest.raises(Refused) as refused:
        await client.call("auth.exchangeCodeForSession", in_query(landing)["code"])
    assert refused.value.code == "flow_state_not_found"


async def test_oauth_without_pkce_brings_the_session_in_the_fragment(arrives, place):
    email, client = somebody(), await arrives()
    asked = {"provider": "keycloak", "options": {"redirectTo": f"{APP}/back", "skipBrowserRedirect": True}}
    tokens = in_fragment(
        await place.signs_in_elsewhere((await client.call("auth.signInWithOAuth", asked))["url"], email)
    )
    await client.call(
        "auth.setSession", {"access_token": tokens["access_token"], "refresh_token": tokens["refresh_token"]}
    )
    assert (await me(client))["email"] == email


async def test_somebody_who_declines_at_the_issuer_is_told_so_in_the_address(arrives, place):
    client = await arrives("pkce")
    asked = {"provider": "keycloak", "options": {"redirectTo": f"{APP}/back", "skipBrowserRedirect": True}}
    landing = await place.declines_elsewhere((await client.call("auth.signInWithOAuth", asked))["url"])
    assert landing.startswith(f"{APP}/back?")
    assert in_query(landing)["error"] == "access_denied"


async def test_identities_are_linked_and_unlinked(joins, place):
    email = somebody()
    client = await joins(email, "pkce")
    asked = {"provider": "keycloak", "options": {"redirectTo": f"{APP}/back", "skipBrowserRedirect": True}}
    url = (await client.call("auth.linkIdentity", asked))["url"]
    landing = await place.signs_in_elsewhere(url, somebody())
    await client.call("auth.exchangeCodeForSession", in_query(landing)["code"])
    identities = (await client.call("auth.getUserIdentities"))["identities"]
    assert sorted(each["provider"] for each in identities) == ["email", "keycloak"]
    linked = next(each for each in identities if each["provider"] == "keycloak")
    await client.call("auth.unlinkIdentity", linked)
    [left] = (await me(client))["identities"]
    assert left["provider"] == "email"
    with pytest.raises(Refused) as refused:
        await client.call("auth.unlinkIdentity", left)
    assert refused.value.code == "single_identity_not_deletable"


async def test_a_second_factor_raises_the_session_to_aal2(joins, arrives):
    import pyotp

    email = somebody()
    client = await joins(email)
    made = await client.call("auth.mfa.enroll", {"factorType": "totp", "friendlyName": "My phone"})
    assert made["totp"]["uri"].startswith("otpauth://totp/")
    clock = pyotp.TOTP(made["totp"]["secret"])
    challenge = await client.call("auth.mfa.challenge", {"factorId": made["id"]})
    wrong = {"factorId": made["id"], "challengeId": challenge["id"], "code": "000000"}
    with pytest.raises(Refused) as refused:
        await client.call("auth.mfa.verify", wrong)
    assert refused.value.code == "mfa_verification_failed"
    challenge = await client.call("auth.mfa.challenge", {"factorId": made["id"]})
    await client.call("auth.mfa.verify", {"factorId": made["id"], "challengeId": challenge["id"], "code": clock.now()})
    level = await client.call("auth.mfa.getAuthenticatorAssuranceLevel")
    assert (level["current_level"], level["next_level"]) == ("aal2", "aal2")
    elsewhere = await arrives()
    await elsewhere.call("auth.signInWithPassword", {"email": email, "password": PASSWORD})
    level = await elsewhere.call("auth.mfa.getAuthenticatorAssuranceLevel")
    assert (level["current_level"], level["next_level"]) == ("aal1", "aal2")
    with pytest.raises(Refused) as refused:
        await elsewhere.call("auth.updateUser", {"password": "another good password"})
    assert refused.value.code == "insufficient_aal"
    [factor] = (await client.call("auth.mfa.listFactors"))["totp"]
    assert (factor["id"], factor["status"]) == (made["id"], "verified")
    await client.call("auth.mfa.unenroll", {"factorId": made["id"]})
    assert (await client.call("auth.mfa.listFactors"))["all"] == []


async def test_a_forgotten_password_is_replaced(joins, arrives, place):
    email = somebody()
    await joins(email)
    client = await arrives()
    await client.call("auth.resetPasswordForEmail", email, {"redirectTo": f"{APP}/new-password"})
    letter = await place.letterbox.letter_to(email, 2)
    await client.call("auth.verifyOtp", {"type": "recovery", "email": email, "token": letter.code})
    await client.call("auth.updateUser", {"password": "another good password"})
    await client.call("auth.signInWithPassword", {"email": email, "password": "another good password"})


@pytest.mark.parametrize("flow", ["implicit", "pkce"])
async def test_a_magic_link_signs_in(joins, arrives, place, flow):
    email = somebody()
    await joins(email)
    client = await arrives(flow)
    options = {"emailRedirectTo": f"{APP}/in", "shouldCreateUser": False}
    await client.call("auth.signInWithOtp", {"email": email, "options": options})
    landing = await place.follows((await place.letterbox.letter_to(email, 2)).link)
    if flow == "pkce":
        await client.call("auth.exchangeCodeForSession", in_query(landing)["code"])
    else:
        tokens = in_fragment(landing)
        await client.call(
            "auth.setSession", {"access_token": tokens["access_token"], "refresh_token": tokens["refresh_token"]}
        )
    assert (await me(client))["email"] == email


async def test_a_letter_is_sent_again(arrives, place):
    email, client = somebody(), await arrives()
    await client.call("auth.signUp", {"email": email, "password": PASSWORD})
    first = await place.letterbox.letter_to(email)
    await later(place, "auth.rate_limits", 61)
    await client.call("auth.resend", {"type": "signup", "email": email})
    second = await place.letterbox.letter_to(email, 2)
    with pytest.raises(Refused) as refused:
        await client.call("auth.verifyOtp", {"type": "signup", "email": email, "token": first.code})
    assert refused.value.code == "otp_expired"
    await client.call("auth.verifyOtp", {"type": "signup", "email": email, "token": second.code})


async def test_a_password_is_changed_with_a_code_of_the_moment(joins, place):
    email = somebody()
    client = await joins(email)
    await client.call("auth.reauthenticate")
    code = (await place.letterbox.letter_to(email, 2)).code
    await client.call("auth.updateUser", {"password": "another good password", "nonce": code})
    await client.call("auth.signInWithPassword", {"email": email, "password": "another good password"})


async def test_a_new_address_is_confirmed_from_both(joins, place):
    email, new = somebody(), somebody()
    client = await joins(email)
    pending = await client.call("auth.updateUser", {"email": new})
    assert pending["user"]["email"] == email
    first = await place.letterbox.letter_to(email, 2)
    second = await place.letterbox.letter_to(new)
    await place.follows(first.link)
    assert (await me(client))["email"] == email
    await place.follows(second.link)
    assert (await me(client))["email"] == new


async def test_signing_out_here_elsewhere_and_everywhere(joins, arrives):
    email = somebody()
    clients = [await joins(email), await arrives(), await arrives(), await arrives()]
    for client in clients[1:]:
        await client.call("auth.signInWithPassword", {"email": email, "password": PASSWORD})
    tokens = [(await client.call("auth.getSession")) for client in clients]
    tokens = [(found.get("session") or found)["access_token"] for found in tokens]
    watching = await arrives()

    async def alive() -> list[bool]:
        found = []
        for token in tokens:
            try:
                await watching.call("auth.getUser", token)
                found.append("alive")
            except Refused as refused:
                found.append(refused.code)
        return [{"alive": True, "session_not_found": False}[state] for state in found]

    await clients[0].call("auth.signOut", {"scope": "local"})
    assert await alive() == [False, True, True, True]
    await clients[1].call("auth.signOut", {"scope": "others"})
    assert await alive() == [False, True, False, False]
    await clients[1].call("auth.signOut", {"scope": "global"})
    assert await alive() == [False, False, False, False]


async def test_nobody_in_particular_becomes_somebody(arrives, place):
    email, client = somebody(), await arrives()
    made = await client.call("auth.signInAnonymously", {"options": {"data": {"theme": "dark"}}})
    assert made["user"]["is_anonymous"] is True
    await client.call("auth.updateUser", {"email": email})
    code = (await place.letterbox.letter_to(email)).code
    known = await client.call("auth.verifyOtp", {"type": "email_change", "email": email, "token": code})
    assert known["user"]["id"] == made["user"]["id"]
    assert known["user"]["is_anonymous"] is False
    changed = await client.call("auth.updateUser", {"password": PASSWORD})
    assert changed["user"]["email"] == email


async def test_nobody_in_particular_becomes_somebody_by_an_account_elsewhere(arrives, place):
    email, client = somebody(), await arrives("pkce")
    made = await client.call("auth.signInAnonymously")
    asked = {"provider": "keycloak", "options": {"redirectTo": f"{APP}/back", "skipBrowserRedirect": True}}
    landing = await place.signs_in_elsewhere((await client.call("auth.linkIdentity", asked))["url"], email)
    await client.call("auth.exchangeCodeForSession", in_query(landing)["code"])
    known = await me(client)
    assert known["id"] == made["user"]["id"]
    assert known["is_anonymous"] is False
    assert known["email"] == email
    assert (await client.call("auth.getClaims"))["claims"]["is_anonymous"] is False


async def test_two_hundred_refreshes_at_once_are_one_family(joins, place):
    client = await joins(somebody())
    told = await client.call("auth.getSession")
    token = (told.get("session") or told)["refresh_token"]
    async with httpx.AsyncClient(base_url=place.address, timeout=60, trust_env=False) as many:
        answers = await asyncio.gather(
            *(
                many.post(
                    "/auth/v1/token?grant_type=refresh_token",
                    json={"refresh_token": token},
                    headers={"X-Forwarded-For": f"10.8.0.{number}"},
                )
                for number in range(200)
            )
        )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    await client.call("auth.refreshSession")


async def test_administration(opens, arrives, place):
    admin, email = await opens(place.secret_key, "implicit"), somebody()
    made = await admin.call("auth.admin.createUser", {"email": email, "password": PASSWORD, "email_confirm": True})
    user = made["user"]["id"]
    client = await arrives()
    session = await client.call("auth.signInWithPassword", {"email": email, "password": PASSWORD})
    assert (await admin.call("auth.admin.getUserById", user))["user"]["email"] == email
    found = await admin.call("auth.admin.listUsers", {"page": 1, "perPage": 10})
    assert user in [each["id"] for each in (found["users"] if isinstance(found, dict) else found)]
    await admin.call("auth.admin.updateUserById", user, {"app_metadata": {"plan": "gold"}})
    assert (await me(client))["app_metadata"]["plan"] == "gold"
    assert await admin.call("auth.admin.mfa.listFactors", {"userId": user}) in ([], {"factors": []})
    await admin.call("auth.admin.signOut", session["session"]["access_token"], "global")
    link = await admin.call(
        "auth.admin.generateLink",
        {"type": "magiclink", "email": email, "options": {"redirectTo": f"{APP}/in"}},
    )
    assert in_fragment(await place.follows(link["properties"]["action_link"]))["access_token"]
    invited = somebody()
    await admin.call("auth.admin.inviteUserByEmail", invited, {"redirectTo": f"{APP}/in", "data": {"name": "Bob"}})
    landing = await place.follows((await place.letterbox.letter_to(invited)).link)
    assert landing.startswith(f"{APP}/in#access_token=")
    await admin.call("auth.admin.deleteUser", user)
    with pytest.raises(Refused) as refused:
        await admin.call("auth.admin.getUserById", user)
    assert (refused.value.code, refused.value.status) == ("user_not_found", 404)
    with pytest.raises(Refused) as refused:
        await client.call("auth.admin.createUser", {"email": somebody(), "password": PASSWORD})
    assert (refused.value.code, refused.value.status) == ("not_admin", 403)
