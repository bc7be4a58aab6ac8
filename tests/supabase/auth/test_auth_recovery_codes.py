"""Recovery codes: a way in for who has lost the second factor, and for nobody else."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from auth_cast import Account, sign_up
from factor_cast import App, Door, claims_of, one_wins, refused, sign_in

from vently.outside.mail import Mail, Post
from vently.supabase.auth.auth import Auth


async def made(door: Door) -> list[str]:
    answer = await door("POST", "/factors/recovery-codes")
    assert answer.status_code == 200, answer.text
    return answer.json()["codes"]


async def test_recovery_codes_are_ten_and_work_once_each(
    http: httpx.AsyncClient, secured: tuple[Door, str, App], alice: Account
) -> None:
    door, _, _ = secured
    codes = await made(door)
    assert len(set(codes)) == 10
    assert all(len(code) == 16 for code in codes)
    lost = await sign_in(http, alice)
    written = "-".join(codes[0].upper()[i : i + 4] for i in range(0, 16, 4)) + " "
    answer = await lost("POST", "/factors/recovery-codes/verify", {"code": written})
    claims = claims_of(answer.json())
    assert (claims["aal"], {each["method"] for each in claims["amr"]}) == ("aal2", {"password", "mfa/recovery_code"})
    refused(await lost("POST", "/factors/recovery-codes/verify", {"code": codes[0]}), 422, "mfa_verification_failed")
    left = (await door("GET", "/factors/recovery-codes")).json()
    assert (left["type"], left["total"], left["remaining"]) == ("recovery_code", 10, 9)


async def test_of_two_uses_of_a_recovery_code_one_wins(
    http: httpx.AsyncClient, secured: tuple[Door, str, App], alice: Account
) -> None:
    door, _, _ = secured
    code = (await made(door))[0]
    doors = [await sign_in(http, alice) for _ in range(4)]
    answers = await asyncio.gather(*(each("POST", "/factors/recovery-codes/verify", {"code": code}) for each in doors))
    one_wins(answers)


async def test_new_recovery_codes_end_the_old(
    http: httpx.AsyncClient, secured: tuple[Door, str, App], alice: Account
) -> None:
    door, _, _ = secured
    old = await made(door)
    refused(await door("POST", "/factors/recovery-codes"), 422, "mfa_verified_factor_exists")
    new = (await door("POST", "/factors/recovery-codes/regenerate")).json()["codes"]
    lost = await sign_in(http, alice)
    refused(await lost("POST", "/factors/recovery-codes/verify", {"code": old[1]}), 422, "mfa_verification_failed")
    assert (await lost("POST", "/factors/recovery-codes/verify", {"code": new[1]})).status_code == 200


async def test_recovery_codes_belong_to_a_factor(secured: tuple[Door, str, App]) -> None:
    door, factor, _ = secured
    refused(await door("GET", "/factors/recovery-codes"), 404, "mfa_factor_not_found")
    await made(door)
    assert len((await door("GET", "/user")).json()["factors"]) == 1  # clients stumble over kinds they do not know
    await door("DELETE", f"/factors/{factor}")
    refused(await door("GET", "/factors/recovery-codes"), 404, "mfa_factor_not_found")


async def test_codes_of_a_factor_that_the_operator_removed_do_not_come_back(
    http: httpx.AsyncClient, secured: tuple[Door, str, App], alice: Account, owner: asyncpg.Connection
) -> None:
    door, factor, _ = secured
    codes = await made(door)
    await owner.execute("delete from auth.mfa_factors where id = $1", UUID(factor))
    again = await sign_in(http, alice)
    body = {"code": codes[0]}
    refused(await again("GET", "/factors/recovery-codes"), 404, "mfa_factor_not_found")
    refused(await again("POST", "/factors/recovery-codes/verify", body), 422, "mfa_verification_failed")
    new = await again.enrols("new phone")
    await again.raises(new["id"], App(new["totp"]["secret"]).code())
    refused(await again("POST", "/factors/recovery-codes/verify", body), 422, "mfa_verification_failed")
    assert len(await made(again)) == 10


async def test_recovery_codes_can_be_taken_back(secured: tuple[Door, str, App]) -> None:
    door, _, _ = secured
    await made(door)
    assert (await door("DELETE", "/factors/recovery-codes")).status_code == 200
    refused(await door("DELETE", "/factors/recovery-codes"), 404, "mfa_factor_not_found")


async def test_bobs_recovery_code_is_not_alices(
    http: httpx.AsyncClient, secured: tuple[Door, str, App], owner: asyncpg.Connection
) -> None:
    door, _, _ = secured
    codes = await made(door)
    bob = await sign_up(http, f"bob-{uuid4().hex}@example.com")
    refused(
        await Door(http, bob.session)("POST", "/factors/recovery-codes/verify", {"code": codes[0]}),
        422,
        "mfa_verification_failed",
    )
    kept = await owner.fetch("select code_hash from auth.mfa_recovery_codes")
    assert not {row["code_hash"] for row in kept} & set(codes)


async def test_a_used_recovery_code_is_told_by_mail(
    http: httpx.AsyncClient, secured: tuple[Door, str, App], alice: Account, auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters: dict[str, str] = {}

    class Letterbox:
        async def send(self, mail: Mail) -> None:
            assert mail.to == alice.email
            letters[mail.subject] = mail.text

    monkeypatch.setattr(auth, "post", Post(Letterbox()))
    door, factor, _ = secured
    codes = await made(door)
    lost = await sign_in(http, alice)
    assert (await lost("POST", "/factors/recovery-codes/verify", {"code": codes[0]})).status_code == 200
    assert (await lost("DELETE", f"/factors/{factor}")).status_code == 200
    await auth.post.settled()
    assert "Codes that are left: 9" in letters["A recovery code of your Vently account was used"]
    assert "An authenticator app was removed" in letters["Your Vently account is protected by less"]
    assert not any(code in text for text in letters.values() for code in codes)
