"""Security keys as a second factor, and keys that lie."""

from typing import Any

import httpx
import pytest
from auth_cast import Account
from factor_cast import App, Door, claims_of, refused, sign_in
from software_key import USER_PRESENT, SoftwareKey


async def with_key(door: Door, key: SoftwareKey, **lies: Any) -> tuple[str, httpx.Response]:
    factor = (await door.enrols("key", "webauthn"))["id"]
    challenge = await door.challenges(factor)
    assert challenge["webauthn"]["type"] == "create"
    credential = key.create(challenge["webauthn"]["credential_options"]["publicKey"], **lies)
    body = {"challenge_id": challenge["id"], "webauthn": {"type": "create", "credential_response": credential}}
    return factor, await door("POST", f"/factors/{factor}/verify", body)


async def signs(door: Door, factor: str, key: SoftwareKey, **lies: Any) -> httpx.Response:
    challenge = await door.challenges(factor)
    assert challenge["webauthn"]["type"] == "request"
    credential = key.get(challenge["webauthn"]["credential_options"]["publicKey"], **lies)
    body = {"challenge_id": challenge["id"], "webauthn": {"type": "request", "credential_response": credential}}
    return await door("POST", f"/factors/{factor}/verify", body)


async def test_a_security_key_is_a_second_factor(http: httpx.AsyncClient, door: Door, alice: Account) -> None:
    key = SoftwareKey()
    factor, answer = await with_key(door, key, flags=USER_PRESENT)
    assert claims_of(answer.json())["aal"] == "aal2"
    assert {each["method"] for each in claims_of(answer.json())["amr"]} == {"password", "mfa/webauthn"}
    again = await sign_in(http, alice)
    assert (await signs(again, factor, key, flags=USER_PRESENT)).status_code == 200


@pytest.mark.parametrize(
    "lies",
    [
        {"origin": "https://vently.example.evil.example"},
        {"origin": "http://vently.example"},
        {"rp_id": "evil.example"},
        {"challenge": "AAAA"},
        {"type": "webauthn.create"},
        {"flags": 0},
        {"cross_origin": True},
        {"signer": SoftwareKey().key},
        {"counter": 1},
    ],
)
async def test_a_lying_security_key_is_refused(http: httpx.AsyncClient, door: Door, alice: Account, lies: Any) -> None:
    key = SoftwareKey(counter=4)
    factor, answer = await with_key(door, key)
    assert answer.status_code == 200, answer.text
    again = await sign_in(http, alice)
    refused(await signs(again, factor, key, **lies), 422, "mfa_verification_failed")


async def test_another_key_or_ceremony_does_not_verify(
    http: httpx.AsyncClient, door: Door, alice: Account, bob: Account
) -> None:
    factor, _ = await with_key(door, SoftwareKey())
    his = SoftwareKey()
    await with_key(Door(http, bob.session), his)
    again = await sign_in(http, alice)
    refused(await signs(again, factor, his), 422, "mfa_verification_failed")
    challenge = await again.challenges(factor)
    new = SoftwareKey().create({"user": {"id": "AA"}, "rp": {"id": "vently.example"}, "challenge": "AA"})
    body = {"challenge_id": challenge["id"], "webauthn": {"type": "create", "credential_response": new}}
    refused(await again("POST", f"/factors/{factor}/verify", body), 400, "validation_failed")
    refused(
        await again("POST", f"/factors/{factor}/verify", {"challenge_id": challenge["id"], "code": "1"}),
        400,
        "validation_failed",
    )


async def test_a_security_key_belongs_to_one_person(http: httpx.AsyncClient, door: Door, bob: Account) -> None:
    key = SoftwareKey()
    await with_key(door, key)
    _, answer = await with_key(Door(http, bob.session), key)
    refused(answer, 422, "mfa_verification_failed")


async def test_a_thief_cannot_finish_enrolling_a_key_of_theirs(
    http: httpx.AsyncClient, door: Door, alice: Account
) -> None:
    """Begun with the password alone, before the first factor was verified: it would be a way past that factor."""
    thief = await sign_in(http, alice)
    prepared = (await thief.enrols("thief's", "webauthn"))["id"]
    challenge = await thief.challenges(prepared)
    factor = await door.enrols("mine")
    await door.raises(factor["id"], App(factor["totp"]["secret"]).code())
    again = await sign_in(http, alice)
    refused(await again("POST", f"/factors/{prepared}/challenge", {}), 403, "insufficient_aal")
    credential = SoftwareKey().create(challenge["webauthn"]["credential_options"]["publicKey"])
    body = {"challenge_id": challenge["id"], "webauthn": {"type": "create", "credential_response": credential}}
    refused(await again("POST", f"/factors/{prepared}/verify", body), 403, "insufficient_aal")
    assert (await door("POST", f"/factors/{prepared}/challenge", {})).status_code == 200
