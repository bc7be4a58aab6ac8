"""Second factors: the codes of an authenticator app, and what it takes to get past them."""

import asyncio
import dataclasses
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4
from xml.etree import ElementTree as ET

import asyncpg
import httpx
import msgspec
import pytest
from auth_cast import PASSWORD, Account
from factor_cast import App, Door, claims_of, one_wins, refused, sign_in
from supabase import AsyncClient
from supabase_auth.errors import AuthApiError

from vently.supabase.auth.auth import Auth
from vently.supabase.auth.factors.own import sql as queries_of_factors

# Supabase's own client


async def test_the_client_of_supabase_enrols_verifies_and_unenrols(supabase: AsyncClient, alice: Account) -> None:
    await supabase.auth.sign_in_with_password({"email": alice.email, "password": PASSWORD})
    enrolled = await supabase.auth.mfa.enroll({"factor_type": "totp", "friendly_name": "Phone", "issuer": "Vently"})
    assert enrolled.type == "totp"
    assert enrolled.friendly_name == "Phone"
    assert enrolled.totp.qr_code.startswith("data:image/svg+xml;utf-8,<svg")
    assert (await supabase.auth.mfa.get_authenticator_assurance_level()).next_level == "aal1"

    challenge = await supabase.auth.mfa.challenge({"factor_id": enrolled.id})
    assert time.time() + 290 < challenge.expires_at < time.time() + 310
    code = App(enrolled.totp.secret).code()
    verified = await supabase.auth.mfa.verify({"factor_id": enrolled.id, "challenge_id": challenge.id, "code": code})
    assert verified.user.factors[0].status == "verified"
    level = await supabase.auth.mfa.get_authenticator_assurance_level()
    assert (level.current_level, level.next_level) == ("aal2", "aal2")
    assert {method.method for method in level.current_authentication_methods} == {"password", "totp"}
    assert [factor.id for factor in (await supabase.auth.mfa.list_factors()).totp] == [enrolled.id]

    await supabase.auth.refresh_session()
    assert (await supabase.auth.mfa.get_authenticator_assurance_level()).current_level == "aal2"
    assert (await supabase.auth.mfa.unenroll({"factor_id": enrolled.id})).id == enrolled.id
    await supabase.auth.refresh_session()
    assert (await supabase.auth.mfa.get_authenticator_assurance_level()).current_level == "aal1"


async def test_a_wrong_code_is_the_error_that_supabase_documents(supabase: AsyncClient, alice: Account) -> None:
    await supabase.auth.sign_in_with_password({"email": alice.email, "password": PASSWORD})
    enrolled = await supabase.auth.mfa.enroll({"factor_type": "totp", "friendly_name": "Phone"})
    app = App(enrolled.totp.secret)
    with pytest.raises(AuthApiError) as caught:
        await supabase.auth.mfa.challenge_and_verify({"factor_id": enrolled.id, "code": app.wrong()})
    assert (caught.value.status, caught.value.code) == (422, "mfa_verification_failed")


# Enrolling


async def test_the_qr_code_is_a_picture_that_survives_a_data_address(door: Door) -> None:
    enrolled = await door.enrols()
    qr_code, uri = enrolled["totp"]["qr_code"], urlsplit(enrolled["totp"]["uri"])
    assert "#" not in qr_code
    assert ET.fromstring(qr_code).tag.endswith("svg")
    asked = parse_qs(uri.query)
    assert (asked["issuer"], asked["secret"]) == (["vently.example"], [enrolled["totp"]["secret"]])


async def test_a_secret_is_sealed_in_the_database_and_shown_once(door: Door, owner: asyncpg.Connection) -> None:
    enrolled = await door.enrols()
    kept = await owner.fetchval("select secret from auth.mfa_factors where id = $1", enrolled["id"])
    assert enrolled["totp"]["secret"] not in kept
    assert enrolled["totp"]["secret"] not in (await door("GET", "/user")).text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"factor_type": "sms"}, 400, "validation_failed"),
        ({}, 400, "validation_failed"),
        ({"factor_type": "phone", "phone": "+49"}, 422, "mfa_phone_enroll_not_enabled"),
        ({"factor_type": "totp", "friendly_name": "a\0b"}, 400, "validation_failed"),
        ({"factor_type": "totp", "friendly_name": "x" * 256}, 400, "validation_failed"),
        ({"factor_type": "totp", "issuer": "x\n"}, 400, "validation_failed"),
        ({"factor_type": ["totp"]}, 400, "validation_failed"),
    ],
)
async def test_odd_enrolments_are_refused(door: Door, body: Any, status: int, code: str) -> None:
    refused(await door("POST", "/factors", body), status, code)


async def test_two_factors_of_one_name_are_refused(door: Door) -> None:
    await door.enrols("phone")
    refused(
        await door("POST", "/factors", {"factor_type": "totp", "friendly_name": "phone"}),
        422,
        "mfa_factor_name_conflict",
    )


async def test_ten_factors_are_enough(door: Door) -> None:
    answers = await asyncio.gather(
        *(door("POST", "/factors", {"factor_type": "totp", "friendly_name": f"phone {n}"}) for n in range(12))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 10 + [422] * 2
    assert {a.json()["code"] for a in answers if a.status_code == 422} == {"too_many_enrolled_mfa_factors"}


async def test_enrolments_nobody_finished_make_room(door: Door, owner: asyncpg.Connection) -> None:
    factor = await door.enrols("phone")
    await owner.execute(
        "update auth.mfa_factors set created_at = now() - interval '6 minutes' where id = $1", factor["id"]
    )
    await door.enrols("phone")


async def test_nobody_enrols_without_a_session(http: httpx.AsyncClient) -> None:
    refused(await http.post("/factors", json={"factor_type": "totp"}), 401, "no_authorization")


# What a code is worth


async def test_a_code_gives_a_session_at_aal2_that_stays_so(
    http: httpx.AsyncClient, secured: tuple[Door, str, App]
) -> None:
    door, factor, _ = secured
    assert door.claims["aal"] == "aal2"
    assert {each["method"] for each in door.claims["amr"]} == {"password", "totp"}
    answer = await http.post("/token?grant_type=refresh_token", json={"refresh_token": door.session["refresh_token"]})
    assert (claims_of(answer.json())["aal"], len(claims_of(answer.json())["amr"])) == ("aal2", 2)
    assert answer.json()["user"]["factors"][0]["id"] == factor


async def test_a_factor_that_was_never_verified_changes_nothing(
    http: httpx.AsyncClient, door: Door, alice: Account
) -> None:
    await door.enrols()
    again = await sign_in(http, alice)
    assert again.claims["aal"] == "aal1"
    assert (await again("PUT", "/user", {"data": {"a": 1}})).status_code == 200


async def test_the_first_verified_factor_ends_the_other_sessions(
    http: httpx.AsyncClient, door: Door, alice: Account
) -> None:
    elsewhere = await sign_in(http, alice)
    factor = await door.enrols()
    await door.raises(factor["id"], App(factor["totp"]["secret"]).code())
    refused(await elsewhere("GET", "/user"), 403, "session_not_found")
    assert (await door("GET", "/user")).status_code == 200


async def test_a_later_code_leaves_other_sessions_alone(
    http: httpx.AsyncClient, secured: tuple[Door, str, App], alice: Account
) -> None:
    door, factor, app = secured
    one, other = await sign_in(http, alice), await sign_in(http, alice)
    await one.raises(factor, app.code())
    for each in (door, one, other):
        assert (await each("GET", "/user")).status_code == 200


async def test_the_refresh_token_from_before_is_spent(
    http: httpx.AsyncClient, secured: tuple[Door, str, App], alice: Account, owner: asyncpg.Connection
) -> None:
    _, factor, app = secured
    door = await sign_in(http, alice)
    before = door.session["refresh_token"]
    await door.raises(factor, app.code())
    await owner.execute(
        "update auth.refresh_tokens set updated_at = now() - interval '11 seconds' where token = $1", before
    )
    refused(
        await http.post("/token?grant_type=refresh_token", json={"refresh_token": before}),
        400,
        "refresh_token_already_used",
    )


# Attacks on codes


async def test_a_code_counts_once(http: httpx.AsyncClient, secured: tuple[Door, str, App], alice: Account) -> None:
    _, factor, app = secured
    thief = await sign_in(http, alice)
    refused(await thief.verifies(factor, app.code(-1)), 422, "mfa_verification_failed")
    await thief.raises(factor, app.code())
    refused(await (await sign_in(http, alice)).verifies(factor, app.code(-1)), 422, "mfa_verification_failed")


async def test_of_two_uses_at_once_one_wins(
    http: httpx.AsyncClient, secured: tuple[Door, str, App], alice: Account
) -> None:
    _, factor, app = secured
    doors = [await sign_in(http, alice) for _ in range(5)]
    code = app.code()
    answers = await asyncio.gather(*(each.verifies(factor, code) for each in doors))
    one_wins(answers)


async def test_without_its_guards_the_race_would_be_lost(
    http: httpx.AsyncClient, secured: tuple[Door, str, App], alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What shows that the race above is one: nobody waits, and the step is not compared again."""
    _, factor, app = secured
    without(monkeypatch, "lock_person", "for no key update", "")
    without(monkeypatch, "take_code", "and (totp_last_step is null or totp_last_step < $1)", "")
    without(monkeypatch, "challenge_of_factor", "for no key update", "")
    doors = [await sign_in(http, alice) for _ in range(5)]
    for _ in range(20):  # a busy machine may let them run one after the other
        code = app.code()
        answers = await asyncio.gather(*(each.verifies(factor, code) for each in doors))
        if [answer.status_code for answer in answers].count(200) > 1:
            return
    pytest.fail("nothing was lost")


def without(monkeypatch: pytest.MonkeyPatch, name: str, guard: str, instead: str) -> None:
    statement = getattr(queries_of_factors, name)
    assert guard in statement.text
    changed = dataclasses.replace(statement, text=statement.text.replace(guard, instead))
    monkeypatch.setattr(queries_of_factors, name, changed)


@pytest.mark.parametrize("steps", [-3, -2, 2, 3])
async def test_codes_of_other_times_do_not_count(door: Door, steps: int) -> None:
    factor = await door.enrols()
    app = App(factor["totp"]["secret"])
    if app.code(steps) in {app.code(near) for near in (-1, 0, 1)}:
        pytest.skip("one in a million: the code of another time is this one's too")
    refused(await door.verifies(factor["id"], app.code(steps)), 422, "mfa_verification_failed")


@pytest.mark.parametrize("code", ["12345", "1234567", "١٢٣٤٥٦", "abcdef", "-12345", "12345\0", "0x1234", "' or 1"])
async def test_what_is_no_code_is_refused(door: Door, code: str) -> None:
    factor = await door.enrols()
    refused(await door.verifies(factor["id"], code), 422, "mfa_verification_failed")


async def test_a_code_may_be_written_with_a_gap(door: Door) -> None:
    factor = await door.enrols()
    code = App(factor["totp"]["secret"]).code()
    assert (await door.verifies(factor["id"], f"{code[:3]} {code[3:]}")).status_code == 200


async def test_guessing_stops_after_ten_tries(
    http: httpx.AsyncClient, secured: tuple[Door, str, App], alice: Account, auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, factor, app = secured
    thief = await sign_in(http, alice)
    monkeypatch.setattr(auth, "rules", msgspec.structs.replace(auth.rules, limited=True))
    answers = [await thief.verifies(factor, app.wrong()) for _ in range(10)]
    assert {answer.status_code for answer in answers} == {422}
    answer = await thief.verifies(factor, app.code())
    refused(answer, 429, "over_request_rate_limit")
    assert int(answer.headers["retry-after"]) > 0
    refused(await thief("POST", "/factors/recovery-codes/verify", {"code": "x"}), 429, "over_request_rate_limit")


async def test_bob_cannot_touch_alices_factor(
    http: httpx.AsyncClient, secured: tuple[Door, str, App], bob: Account
) -> None:
    door, factor, app = secured
    challenge = await door.challenges(factor)
    his = Door(http, bob.session)
    own = await his.enrols()
    body = {"challenge_id": challenge["id"], "code": app.code()}
    refused(await his("POST", f"/factors/{factor}/challenge", {}), 404, "mfa_factor_not_found")
    refused(await his("POST", f"/factors/{factor}/verify", body), 404, "mfa_factor_not_found")
    refused(await his("DELETE", f"/factors/{factor}"), 404, "mfa_factor_not_found")
    refused(await his("POST", f"/factors/{own['id']}/verify", body), 422, "mfa_factor_not_found")


@pytest.mark.parametrize("factor", ["nonsense", "00000000-0000-0000-0000-00000000000g", "%00"])
async def test_what_is_no_factor_id_is_not_found(door: Door, factor: str) -> None:
    refused(await door("POST", f"/factors/{factor}/challenge", {}), 404, "validation_failed")


async def test_an_old_challenge_has_expired(door: Door, owner: asyncpg.Connection) -> None:
    factor = await door.enrols()
    challenge = await door.challenges(factor["id"])
    await owner.execute(
        "update auth.mfa_challenges set created_at = now() - interval '301 seconds' where id = $1", challenge["id"]
    )
    body = {"challenge_id": challenge["id"], "code": App(factor["totp"]["secret"]).code()}
    refused(await door("POST", f"/factors/{factor['id']}/verify", body), 422, "mfa_challenge_expired")


async def test_a_challenge_is_answered_once(secured: tuple[Door, str, App], owner: asyncpg.Connection) -> None:
    door, factor, app = secured
    challenge = await door.challenges(factor)
    path, body = f"/factors/{factor}/verify", {"challenge_id": challenge["id"], "code": app.code()}
    assert (await door("POST", path, body)).status_code == 200
    await owner.execute("update auth.mfa_factors set totp_last_step = null where id = $1", factor)
    refused(await door("POST", path, body), 422, "mfa_challenge_expired")


async def test_a_challenge_belongs_to_the_address_that_asked(door: Door, owner: asyncpg.Connection) -> None:
    factor = await door.enrols()
    challenge = await door.challenges(factor["id"])
    await owner.execute("update auth.mfa_challenges set ip_address = '192.0.2.1' where id = $1", challenge["id"])
    body = {"challenge_id": challenge["id"], "code": App(factor["totp"]["secret"]).code()}
    refused(await door("POST", f"/factors/{factor['id']}/verify", body), 422, "mfa_ip_address_mismatch")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"code": "123456"}, 400, "validation_failed"),
        ({"challenge_id": "x", "code": "123456"}, 400, "validation_failed"),
        ({"challenge_id": str(uuid4()), "code": "123456"}, 422, "mfa_factor_not_found"),
    ],
)
async def test_odd_answers_are_refused(door: Door, body: Any, status: int, code: str) -> None:
    factor = await door.enrols()
    refused(await door("POST", f"/factors/{factor['id']}/verify", body), status, code)


# Below AAL2


async def test_who_has_only_the_password_cannot_change_factors(
    http: httpx.AsyncClient, secured: tuple[Door, str, App], alice: Account
) -> None:
    _, factor, _ = secured
    thief = await sign_in(http, alice)
    refused(await thief("POST", "/factors", {"factor_type": "totp"}), 403, "insufficient_aal")
    refused(await thief("DELETE", f"/factors/{factor}"), 422, "insufficient_aal")
    refused(await thief("POST", "/factors/recovery-codes"), 403, "insufficient_aal")
    refused(await thief("PUT", "/user", {"password": "another horse battery"}), 401, "insufficient_aal")


async def test_who_enrolled_before_cannot_finish_below_aal2(
    http: httpx.AsyncClient, door: Door, alice: Account
) -> None:
    """A thief who was in before the first factor was verified is out, with what they had prepared."""
    thief = await sign_in(http, alice)
    prepared = await thief.enrols("thief's")
    app = App(prepared["totp"]["secret"])
    factor = await door.enrols("mine")
    await door.raises(factor["id"], App(factor["totp"]["secret"]).code())
    again = await sign_in(http, alice)
    refused(await again("POST", f"/factors/{prepared['id']}/challenge", {}), 404, "mfa_factor_not_found")
    refused(await thief("POST", f"/factors/{prepared['id']}/verify", {"code": app.code()}), 403, "session_not_found")


async def test_one_of_two_factors_can_go(secured: tuple[Door, str, App]) -> None:
    door, first, app = secured
    second = await door.enrols("tablet")
    await door.raises(second["id"], App(second["totp"]["secret"]).code())
    assert (await door("DELETE", f"/factors/{second['id']}")).json() == {"id": second["id"]}
    refused(await door("DELETE", f"/factors/{first}"), 422, "insufficient_aal")  # it was the second that raised it
    await door.raises(first, app.code())
    assert (await door("DELETE", f"/factors/{first}")).status_code == 200
