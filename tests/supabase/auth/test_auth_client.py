"""Supabase's own Python client, unmodified, against a real server."""

from contextlib import suppress

import pytest
from auth_cast import PASSWORD
from supabase import AsyncClient
from supabase_auth.errors import AuthApiError, AuthWeakPasswordError

from vently.supabase.auth.accounts import accounts
from vently.supabase.auth.devices import NOWHERE
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.sessions import sessions


async def test_alice_signs_up_signs_out_and_signs_in_again(supabase: AsyncClient, email: str):
    signed_up = await supabase.auth.sign_up(
        {"email": email, "password": PASSWORD, "options": {"data": {"name": "Alice"}}}
    )
    assert signed_up.user.email == email
    assert signed_up.user.user_metadata["name"] == "Alice"
    assert signed_up.session.expires_in == 3600

    await supabase.auth.sign_out()
    assert await supabase.auth.get_session() is None

    signed_in = await supabase.auth.sign_in_with_password({"email": email.upper(), "password": PASSWORD})
    assert signed_in.user.id == signed_up.user.id
    assert signed_in.session.refresh_token != signed_up.session.refresh_token


async def test_the_client_reads_refreshes_and_verifies_its_session(supabase: AsyncClient, email: str):
    first = (await supabase.auth.sign_up({"email": email, "password": PASSWORD})).session
    assert (await supabase.auth.get_user()).user.email == email

    second = (await supabase.auth.refresh_session()).session
    assert second.refresh_token != first.refresh_token
    assert (await supabase.auth.get_user(second.access_token)).user.id == first.user.id

    claims = (await supabase.auth.get_claims())["claims"]
    assert claims["email"] == email
    assert claims["aud"] == "authenticated"

    kept = await supabase.auth.set_session(second.access_token, second.refresh_token)
    assert kept.user.id == first.user.id


async def test_the_client_changes_data_password_and_email(supabase: AsyncClient, email: str):
    await supabase.auth.sign_up({"email": email, "password": PASSWORD, "options": {"data": {"a": 1, "b": 2}}})
    changed = await supabase.auth.update_user({"data": {"a": None, "c": {"d": [3]}}})
    assert "a" not in changed.user.user_metadata
    assert changed.user.user_metadata["b"] == 2
    assert changed.user.user_metadata["c"] == {"d": [3]}

    await supabase.auth.update_user({"password": "another horse"})
    moved = await supabase.auth.update_user({"email": f"moved.{email}"})
    assert moved.user.email == f"moved.{email}"
    assert moved.user.identities[0].identity_data["email"] == f"moved.{email}"

    await supabase.auth.sign_out()
    await supabase.auth.sign_in_with_password({"email": f"moved.{email}", "password": "another horse"})
    with pytest.raises(AuthApiError) as refused:
        await supabase.auth.sign_in_with_password({"email": email, "password": "another horse"})
    assert refused.value.code == "invalid_credentials"


async def test_the_client_sees_error_codes(supabase: AsyncClient, email: str):
    await supabase.auth.sign_up({"email": email, "password": PASSWORD})
    codes = {
        "user_already_exists": supabase.auth.sign_up({"email": email, "password": PASSWORD}),
        "invalid_credentials": supabase.auth.sign_in_with_password({"email": email, "password": "wrong"}),
        "same_password": supabase.auth.update_user({"password": PASSWORD}),
        "refresh_token_not_found": supabase.auth.refresh_session("no-such-token"),
        "bad_jwt": supabase.auth.get_user("not.a.token"),
        "anonymous_provider_disabled": supabase.auth.sign_in_anonymously(),
        "phone_provider_disabled": supabase.auth.sign_up({"phone": "+15555550100", "password": PASSWORD}),
    }
    for code, asked in codes.items():
        with pytest.raises(AuthApiError) as refused:
            await asked
        assert refused.value.code == code


async def test_the_client_learns_why_a_password_is_weak(supabase: AsyncClient, email: str):
    with pytest.raises(AuthWeakPasswordError) as refused:
        await supabase.auth.sign_up({"email": email, "password": "short"})
    assert refused.value.reasons == ["length"]


@pytest.mark.parametrize("scope", ["global", "local", "others"])
async def test_the_client_signs_out(supabase: AsyncClient, served, email: str, scope: str):
    here = (await supabase.auth.sign_up({"email": email, "password": PASSWORD})).session
    elsewhere = await accounts.sign_in(served.auth, email, PASSWORD)
    await supabase.auth.sign_out({"scope": scope})

    alive = {"global": [], "local": ["elsewhere"], "others": ["here"]}[scope]
    found = []
    for name, token in (("here", here.refresh_token), ("elsewhere", elsewhere.refresh_token)):
        with suppress(AuthError):
            await sessions.refresh(served.auth, token, device=NOWHERE)
            found.append(name)
    assert found == alive
