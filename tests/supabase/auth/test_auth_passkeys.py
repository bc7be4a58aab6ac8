"""Passkeys: signing in without a password, and everything that must not count as one."""

import asyncio
import dataclasses
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pyotp
import pytest
from auth_cast import PASSWORD, Account, sign_up
from joserfc.util import urlsafe_b64decode
from software_key import BACKED_UP, ELIGIBLE, USER_PRESENT, USER_VERIFIED, SoftwareKey, decode, encode

from vently.supabase.auth.authenticators import Site
from vently.supabase.auth.passkeys.challenges import sql as queries
from vently.supabase.auth.rules import Rules


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text


def claims_of(session: dict[str, Any]) -> dict[str, Any]:
    return msgspec.json.decode(urlsafe_b64decode(session["access_token"].split(".")[1].encode()))


async def asks(http: httpx.AsyncClient, who: Account, path: str = "/passkeys/registration/options") -> dict[str, Any]:
    answer = await http.post(path, headers=who.bearer)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def registers(http: httpx.AsyncClient, who: Account, key: SoftwareKey, **lies: Any) -> httpx.Response:
    asked = await asks(http, who)
    body = {"challenge_id": asked["challenge_id"], "credential": key.create(asked["options"], **lies)}
    return await http.post("/passkeys/registration/verify", json=body, headers=who.bearer)


async def challenged(http: httpx.AsyncClient) -> dict[str, Any]:
    answer = await http.post("/passkeys/authentication/options", json={})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def signs_in(http: httpx.AsyncClient, key: SoftwareKey, **lies: Any) -> httpx.Response:
    asked = await challenged(http)
    body = {"challenge_id": asked["challenge_id"], "credential": key.get(asked["options"], **lies)}
    return await http.post("/passkeys/authentication/verify", json=body)


@pytest.fixture
async def key(http: httpx.AsyncClient, alice: Account) -> SoftwareKey:
    """Alice's."""
    key = SoftwareKey()
    answer = await registers(http, alice, key)
    assert answer.status_code == 200, answer.text
    return key


# What it is for


async def test_a_passkey_signs_in_without_a_password(http: httpx.AsyncClient, alice: Account, key: SoftwareKey) -> None:
    answer = await signs_in(http, key)
    assert answer.status_code == 200, answer.text
    session, claims = answer.json(), claims_of(answer.json())
    assert session["user"]["email"] == alice.email
    assert (claims["aal"], [each["method"] for each in claims["amr"]]) == ("aal2", ["passkey"])
    again = await http.post("/token?grant_type=refresh_token", json={"refresh_token": session["refresh_token"]})
    assert claims_of(again.json())["aal"] == "aal2"


async def test_what_is_asked_of_the_browser(http: httpx.AsyncClient, alice: Account) -> None:
    options = (await asks(http, alice))["options"]
    assert options["rp"] == {"name": "Vently", "id": "vently.example"}
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["attestation"] == "none"
    assert options["user"]["name"] == alice.email
    handle = decode(options["user"]["id"])
    assert len(handle) == 32
    assert UUID(alice.session["user"]["id"]).bytes not in handle
    asked = (await challenged(http))["options"]
    assert (asked["rpId"], asked["userVerification"], asked["allowCredentials"]) == ("vently.example", "required", [])
    assert len(decode(asked["challenge"])) == 32


async def test_a_known_key_is_not_asked_again(http: httpx.AsyncClient, alice: Account, key: SoftwareKey) -> None:
    options = (await asks(http, alice))["options"]
    assert [each["id"] for each in options["excludeCredentials"]] == [encode(key.id)]
    refused(await registers(http, alice, key), 422, "webauthn_credential_exists")


async def test_passkeys_are_listed_named_and_removed(http: httpx.AsyncClient, alice: Account, key: SoftwareKey) -> None:
    (listed,) = (await http.get("/passkeys", headers=alice.bearer)).json()
    assert set(listed) == {"id", "friendly_name", "created_at"}
    path = f"/passkeys/{listed['id']}"
    renamed = await http.patch(path, json={"friendly_name": "Laptop"}, headers=alice.bearer)
    assert renamed.json()["friendly_name"] == "Laptop"
    assert (await signs_in(http, key)).status_code == 200
    assert "last_used_at" in (await http.get("/passkeys", headers=alice.bearer)).json()[0]
    assert (await http.delete(path, headers=alice.bearer)).status_code == 204
    assert (await http.get("/passkeys", headers=alice.bearer)).json() == []
    refused(await signs_in(http, key), 400, "webauthn_verification_failed")


@pytest.mark.parametrize("format_", ["none", "packed"])
async def test_a_key_may_sign_for_itself(http: httpx.AsyncClient, alice: Account, format_: str) -> None:
    key = SoftwareKey()
    assert (await registers(http, alice, key, format=format_)).status_code == 200
    assert (await signs_in(http, key)).status_code == 200


async def test_a_key_in_the_cloud_does_not_count(http: httpx.AsyncClient, alice: Account) -> None:
    """Synced passkeys say 0 always; that is no copy (WebAuthn, section 6.1.1)."""
    flags = USER_PRESENT | USER_VERIFIED | ELIGIBLE | BACKED_UP
    key = SoftwareKey(counts=False)
    assert (await registers(http, alice, key, flags=flags)).status_code == 200
    for _ in range(2):
        assert (await signs_in(http, key, flags=flags)).status_code == 200


@pytest.mark.parametrize(
    ("site", "rp"),
    [
        ("https://Vently.example", ("vently.example", ["https://vently.example"])),
        ("https://vently.example:8443", ("vently.example", ["https://vently.example:8443"])),
        ("https://vently.example:443", ("vently.example", ["https://vently.example"])),
        ("http://127.0.0.1:8000", ("localhost", ["http://localhost:8000"])),
        ("http://[::1]:8000", ("localhost", ["http://localhost:8000"])),
        ("http://localhost:8000", ("localhost", ["http://localhost:8000"])),
    ],
)
def test_the_relying_party_is_the_site(site: str, rp: tuple[str, list[str]]) -> None:
    assert Site.of(Rules(site_url=site)) == rp


# Registering


@pytest.mark.parametrize(
    "lies",
    [
        {"origin": "https://evil.example"},
        {"origin": "https://vently.example:8443"},
        {"origin": "https://sub.vently.example"},
        {"rp_id": "evil.example"},
        {"challenge": encode(b"another challenge of 32 letters!")},
        {"type": "webauthn.get"},
        {"flags": USER_PRESENT},
        {"flags": USER_VERIFIED},
        {"flags": USER_PRESENT | USER_VERIFIED | BACKED_UP},
        {"cross_origin": True},
        {"format": "packed", "signer": SoftwareKey().key},
        {"format": "android-safetynet"},
        {"format": "fido-u2f"},
        {"format": "tpm"},
        {"format": "nonsense"},
    ],
)
async def test_a_lying_registration_is_refused(http: httpx.AsyncClient, alice: Account, lies: Any) -> None:
    refused(await registers(http, alice, SoftwareKey(), **lies), 400, "webauthn_verification_failed")


@pytest.mark.parametrize(
    "spoil",
    [
        {},
        {"id": "AA"},
        {"id": "AA", "rawId": "AA"},
        {"id": 1, "rawId": 1},
        {"type": "password"},
        {"response": {}},
        {"response": {"clientDataJSON": "", "attestationObject": ""}},
        {"response": {"clientDataJSON": "bnVsbA", "attestationObject": "oA"}},
        {"response": {"clientDataJSON": "!", "attestationObject": "\x00"}},
        {"response": {"clientDataJSON": "ä", "attestationObject": "ä"}},
        {"response": {"clientDataJSON": "e30", "attestationObject": encode(b"\x9f" * 3000)}},
        {"response": {"clientDataJSON": encode(b"[" * 3000), "attestationObject": "oA"}},
        {"response": {"clientDataJSON": "e30", "attestationObject": encode(b"\xbf\xff" * 30)}},
    ],
)
async def test_spoilt_registrations_are_refused(http: httpx.AsyncClient, alice: Account, spoil: Any) -> None:
    asked = await asks(http, alice)
    credential = {**SoftwareKey().create(asked["options"]), **spoil} if spoil else {}
    body = {"challenge_id": asked["challenge_id"], "credential": credential}
    answer = await http.post("/passkeys/registration/verify", json=body, headers=alice.bearer)
    refused(answer, 400, "webauthn_verification_failed")


async def test_every_byte_of_a_registration_counts_or_does_no_harm(http: httpx.AsyncClient, alice: Account) -> None:
    for place in range(0, 200, 7):
        asked = await asks(http, alice)
        credential = SoftwareKey().create(asked["options"], format="packed")
        raw = bytearray(decode(credential["response"]["attestationObject"]))
        raw[place] ^= 0xFF
        credential["response"]["attestationObject"] = encode(bytes(raw))
        body = {"challenge_id": asked["challenge_id"], "credential": credential}
        answer = await http.post("/passkeys/registration/verify", json=body, headers=alice.bearer)
        refused(answer, 400, "webauthn_verification_failed")


async def test_a_registration_is_answered_once_by_who_asked(
    http: httpx.AsyncClient, alice: Account, bob: Account
) -> None:
    asked = await asks(http, alice)
    body = {"challenge_id": asked["challenge_id"], "credential": SoftwareKey().create(asked["options"])}
    path = "/passkeys/registration/verify"
    refused(await http.post(path, json=body, headers=bob.bearer), 400, "webauthn_challenge_not_found")
    assert (await http.post(path, json=body, headers=alice.bearer)).status_code == 200
    refused(await http.post(path, json=body, headers=alice.bearer), 400, "webauthn_challenge_not_found")


async def test_twenty_passkeys_are_enough(http: httpx.AsyncClient, alice: Account) -> None:
    asked = [await asks(http, alice) for _ in range(22)]
    answers = await asyncio.gather(
        *(
            http.post(
                "/passkeys/registration/verify",
                json={"challenge_id": each["challenge_id"], "credential": SoftwareKey().create(each["options"])},
                headers=alice.bearer,
            )
            for each in asked
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 20 + [422] * 2
    refused(await http.post("/passkeys/registration/options", headers=alice.bearer), 422, "too_many_passkeys")


async def test_a_key_has_one_account(http: httpx.AsyncClient, bob: Account, alice: Account, key: SoftwareKey) -> None:
    copy = SoftwareKey(id=key.id)
    refused(await registers(http, bob, copy), 422, "webauthn_credential_exists")
    refused(await signs_in(http, copy), 400, "webauthn_verification_failed")
    assert (await signs_in(http, key)).json()["user"]["email"] == alice.email


# Who may add and remove


@pytest.mark.usefixtures("key")
async def test_an_old_session_signs_in_again_first(
    http: httpx.AsyncClient, alice: Account, owner: asyncpg.Connection
) -> None:
    session = claims_of(alice.session)["session_id"]
    (listed,) = (await http.get("/passkeys", headers=alice.bearer)).json()
    asked = await asks(http, alice)
    await owner.execute(
        "update auth.mfa_amr_claims set updated_at = now() - interval '25 hours' where session_id = $1", session
    )
    refused(await http.post("/passkeys/registration/options", headers=alice.bearer), 400, "reauthentication_needed")
    body = {"challenge_id": asked["challenge_id"], "credential": SoftwareKey().create(asked["options"])}
    refused(
        await http.post("/passkeys/registration/verify", json=body, headers=alice.bearer),
        400,
        "reauthentication_needed",
    )
    refused(await http.delete(f"/passkeys/{listed['id']}", headers=alice.bearer), 400, "reauthentication_needed")


async def test_with_a_second_factor_it_takes_aal2(http: httpx.AsyncClient, alice: Account, key: SoftwareKey) -> None:
    (listed,) = (await http.get("/passkeys", headers=alice.bearer)).json()
    factor = (await http.post("/factors", json={"factor_type": "totp"}, headers=alice.bearer)).json()
    challenge = (await http.post(f"/factors/{factor['id']}/challenge", headers=alice.bearer)).json()
    code = pyotp.TOTP(factor["totp"]["secret"]).now()
    body = {"challenge_id": challenge["id"], "code": code}
    raised = (await http.post(f"/factors/{factor['id']}/verify", json=body, headers=alice.bearer)).json()
    at_aal2 = Account(alice.email, PASSWORD, raised)
    thief = Account(
        alice.email,
        PASSWORD,
        (await http.post("/token?grant_type=password", json={"email": alice.email, "password": PASSWORD})).json(),
    )
    refused(await http.post("/passkeys/registration/options", headers=thief.bearer), 403, "insufficient_aal")
    refused(await http.delete(f"/passkeys/{listed['id']}", headers=thief.bearer), 403, "insufficient_aal")
    assert (await registers(http, at_aal2, SoftwareKey())).status_code == 200
    by_passkey = Account(alice.email, "", (await signs_in(http, key)).json())
    assert (await http.delete(f"/passkeys/{listed['id']}", headers=by_passkey.bearer)).status_code == 204


async def test_bob_cannot_see_name_or_remove_alices_passkey(
    http: httpx.AsyncClient, alice: Account, bob: Account, key: SoftwareKey
) -> None:
    (listed,) = (await http.get("/passkeys", headers=alice.bearer)).json()
    assert (await http.get("/passkeys", headers=bob.bearer)).json() == []
    path = f"/passkeys/{listed['id']}"
    refused(await http.patch(path, json={"friendly_name": "x"}, headers=bob.bearer), 404, "validation_failed")
    refused(await http.delete(path, headers=bob.bearer), 404, "validation_failed")
    assert (await signs_in(http, key)).status_code == 200


@pytest.mark.parametrize("name", ["", "  ", "x" * 121, "a\0b", 1, None])
@pytest.mark.usefixtures("key")
async def test_odd_names_are_refused(http: httpx.AsyncClient, alice: Account, name: Any) -> None:
    (listed,) = (await http.get("/passkeys", headers=alice.bearer)).json()
    answer = await http.patch(f"/passkeys/{listed['id']}", json={"friendly_name": name}, headers=alice.bearer)
    refused(answer, 400, "validation_failed")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/passkeys/registration/options"),
        ("POST", "/passkeys/registration/verify"),
        ("GET", "/passkeys"),
        ("PATCH", "/passkeys/00000000-0000-4000-8000-000000000000"),
        ("DELETE", "/passkeys/00000000-0000-4000-8000-000000000000"),
    ],
)
async def test_nobody_manages_passkeys_without_a_session(http: httpx.AsyncClient, method: str, path: str) -> None:
    refused(await http.request(method, path), 401, "no_authorization")


# Signing in


@pytest.mark.parametrize(
    "lies",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://vently.example"},
        {"origin": "http://localhost:8000"},
        {"rp_id": "evil.example"},
        {"challenge": encode(b"another challenge of 32 letters!")},
        {"challenge": "é"},
        {"type": "webauthn.create"},
        {"flags": USER_PRESENT},
        {"flags": USER_VERIFIED},
        {"flags": USER_PRESENT | USER_VERIFIED | ELIGIBLE},
        {"cross_origin": True},
        {"signer": SoftwareKey().key},
        {"counter": 0},
        {"counter": 1},
        {"handle": b""},
        {"handle": b"somebody else's"},
    ],
)
async def test_a_lying_passkey_is_refused(http: httpx.AsyncClient, key: SoftwareKey, lies: Any) -> None:
    refused(await signs_in(http, key, **lies), 400, "webauthn_verification_failed")


async def test_a_copied_passkey_is_found_out(http: httpx.AsyncClient, key: SoftwareKey) -> None:
    copy = SoftwareKey(id=key.id, key=key.key, handle=key.handle, counter=key.counter)
    for _ in range(3):
        assert (await signs_in(http, key)).status_code == 200
    refused(await signs_in(http, copy), 400, "webauthn_verification_failed")


async def test_an_assertion_counts_once(http: httpx.AsyncClient, key: SoftwareKey) -> None:
    asked = await challenged(http)
    body = {"challenge_id": asked["challenge_id"], "credential": key.get(asked["options"])}
    answers = await asyncio.gather(*(http.post("/passkeys/authentication/verify", json=body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400]
    refused(await http.post("/passkeys/authentication/verify", json=body), 400, "webauthn_challenge_not_found")
    other = await challenged(http)
    refused(
        await http.post("/passkeys/authentication/verify", json={**body, "challenge_id": other["challenge_id"]}),
        400,
        "webauthn_verification_failed",
    )


async def replays(http: httpx.AsyncClient, key: SoftwareKey) -> list[int]:
    asked = await challenged(http)
    body = {"challenge_id": asked["challenge_id"], "credential": key.get(asked["options"])}
    answers = await asyncio.gather(*(http.post("/passkeys/authentication/verify", json=body) for _ in range(5)))
    return sorted(answer.status_code for answer in answers)


async def test_the_challenge_stands_against_a_replay(
    http: httpx.AsyncClient, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Synced keys do not count: nothing else does. Last, what would happen if challenges were not consumed."""
    key = SoftwareKey(counts=False)
    assert (await registers(http, alice, key)).status_code == 200
    assert await replays(http, key) == [200, 400, 400, 400, 400]
    query = queries.consume_challenge
    kept = query.text.replace("delete from auth.webauthn_challenges", "update auth.webauthn_challenges set id = id")
    monkeypatch.setattr(queries, "consume_challenge", dataclasses.replace(query, text=kept))
    assert await replays(http, key) == [200] * 5


async def test_a_wrong_answer_spends_the_challenge(http: httpx.AsyncClient, key: SoftwareKey) -> None:
    asked = await challenged(http)
    wrong = {"challenge_id": asked["challenge_id"], "credential": key.get(asked["options"], flags=USER_PRESENT)}
    right = {"challenge_id": asked["challenge_id"], "credential": key.get(asked["options"])}
    refused(await http.post("/passkeys/authentication/verify", json=wrong), 400, "webauthn_verification_failed")
    refused(await http.post("/passkeys/authentication/verify", json=right), 400, "webauthn_challenge_not_found")


async def test_a_challenge_of_registration_signs_nobody_in(
    http: httpx.AsyncClient, alice: Account, key: SoftwareKey
) -> None:
    asked = await asks(http, alice)
    options = {"challenge": asked["options"]["challenge"], "rpId": "vently.example"}
    body = {"challenge_id": asked["challenge_id"], "credential": key.get(options)}
    refused(await http.post("/passkeys/authentication/verify", json=body), 400, "webauthn_challenge_not_found")


async def test_a_challenge_lives_five_minutes(
    http: httpx.AsyncClient, key: SoftwareKey, owner: asyncpg.Connection
) -> None:
    asked = await challenged(http)
    await owner.execute(
        "update auth.webauthn_challenges set expires_at = expires_at - interval '301 seconds' where id = $1",
        UUID(asked["challenge_id"]),
    )
    body = {"challenge_id": asked["challenge_id"], "credential": key.get(asked["options"])}
    refused(await http.post("/passkeys/authentication/verify", json=body), 400, "webauthn_challenge_expired")


async def test_a_security_key_of_a_factor_is_no_passkey(http: httpx.AsyncClient) -> None:
    who, key = await sign_up(http, f"carol-{uuid4().hex}@example.com"), SoftwareKey()
    factor = (await http.post("/factors", json={"factor_type": "webauthn"}, headers=who.bearer)).json()["id"]
    challenge = (await http.post(f"/factors/{factor}/challenge", headers=who.bearer)).json()
    credential = key.create(challenge["webauthn"]["credential_options"]["publicKey"])
    body = {"challenge_id": challenge["id"], "webauthn": {"type": "create", "credential_response": credential}}
    assert (await http.post(f"/factors/{factor}/verify", json=body, headers=who.bearer)).status_code == 200
    refused(await signs_in(http, key), 400, "webauthn_verification_failed")


async def test_who_is_banned_or_gone_does_not_get_in(
    http: httpx.AsyncClient, alice: Account, key: SoftwareKey, owner: asyncpg.Connection
) -> None:
    user = UUID(alice.session["user"]["id"])
    await owner.execute("update auth.users set banned_until = now() + interval '1 hour' where id = $1", user)
    refused(await signs_in(http, key), 403, "user_banned")
    await owner.execute("update auth.users set banned_until = null, email_confirmed_at = null where id = $1", user)
    refused(await signs_in(http, key), 403, "email_not_confirmed")
    await owner.execute("update auth.users set deleted_at = now() where id = $1", user)
    refused(await signs_in(http, key), 400, "webauthn_verification_failed")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "validation_failed"),
        ({"challenge_id": "x", "credential": {}}, "validation_failed"),
        ({"challenge_id": str(uuid4()), "credential": {}}, "webauthn_challenge_not_found"),
        ({"challenge_id": str(uuid4()), "credential": "x"}, "validation_failed"),
        ({"challenge_id": None, "credential": None}, "validation_failed"),
    ],
)
async def test_odd_answers_are_refused(http: httpx.AsyncClient, body: Any, code: str) -> None:
    refused(await http.post("/passkeys/authentication/verify", json=body), 400, code)


async def test_every_byte_of_an_assertion_counts(http: httpx.AsyncClient, key: SoftwareKey) -> None:
    for part, length in (("authenticatorData", 37), ("signature", 68), ("clientDataJSON", 100), ("userHandle", 32)):
        for place in range(0, length, 9):
            asked = await challenged(http)
            credential = key.get(asked["options"])
            raw = bytearray(decode(credential["response"][part]))
            raw[place] ^= 0x01
            credential["response"][part] = encode(bytes(raw))
            body = {"challenge_id": asked["challenge_id"], "credential": credential}
            answer = await http.post("/passkeys/authentication/verify", json=body)
            refused(answer, 400, "webauthn_verification_failed")
