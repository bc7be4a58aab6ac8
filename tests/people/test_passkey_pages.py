"""What the script of passkeys may ask pages for; the ceremonies themselves are tried in a real browser."""

import pytest
from mailed_site import Mailed, Somebody


@pytest.fixture
async def bob(mailed: Mailed) -> Somebody:
    return await mailed.signed_up()


async def test_options_are_for_pages_of_ours_alone(mailed: Mailed, bob: Somebody) -> None:
    browser = await mailed.browser().opens("/sign-in")
    answer = await browser.calls("/sign-in/passkey", "/sign-in/passkey/options", {})
    assert answer.status_code == 200
    assert (answer.json()["options"]["rpId"], len(answer.json()["challenge_id"])) == ("localhost", 36)
    assert (await browser.http.post("/sign-in/passkey/options", json={})).status_code in (403, 415)
    adding = await browser.calls("/sign-in/passkey", "/me/security/passkeys/options", {})
    assert adding.status_code == 401
    await bob.browser.opens("/me/security")
    made = (await bob.browser.calls("/me/security/passkeys", "/me/security/passkeys/options", {})).json()
    assert (made["options"]["rp"]["id"], made["options"]["user"]["name"]) == ("localhost", bob.email)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"challenge_id": 1, "credential": {}}, 422),
        ({"challenge_id": "x", "credential": {}}, 400),
        ({"challenge_id": "01890a5d-ac96-774b-bcce-b302099a8057", "credential": {"id": "x"}}, 400),
    ],
)
async def test_nonsense_signs_nobody_in(mailed: Mailed, body: dict[str, object], status: int) -> None:
    browser = await mailed.browser().opens("/sign-in")
    answer = await browser.calls("/sign-in/passkey", "/sign-in/passkey", body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert browser.cookie("vently_access") is None


async def test_a_passkey_of_nobody_is_neither_renamed_nor_removed(bob: Somebody) -> None:
    await bob.browser.opens("/me/security")
    token = bob.browser.forms["/me/security/password"]["_csrf"]
    for path in ("/me/security/passkeys/01890a5d-ac96-774b-bcce-b302099a8057", "/me/security/passkeys/x"):
        for action in (path, f"{path}/removal"):
            answer = await bob.browser.http.post(action, data={"_csrf": token, "name": "Mine"})
            assert answer.status_code in (404, 400), (action, answer.status_code)
