"""Names as people give them at sign-up, through `/auth/v1` too, where no form looks first."""

import secrets

import pytest
from cast import Person, Site


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Maria \t García ", "Maria García"),
        ("\u202eecilA", "ecilA"),
        ("\u200b\u00a0", "Someone new"),
        ("\ufeffBob\u2066", "Bob"),
        ("क\u200dष", "क\u200dष"),
        ("x" * 79 + " y", "x" * 79),
        ("", "Someone new"),
    ],
)
async def test_a_name_is_made_plain(site: Site, given: str, kept: str) -> None:
    answer = await site.client.post(
        "/auth/v1/signup",
        json={
            "email": f"named-{secrets.token_hex(5)}@example.org",
            "password": "correct horse battery",
            "data": {"name": given},
        },
    )
    person = Person(site, given, token=answer.json()["access_token"])
    assert (await person.get("/api/me")).json()["name"] == kept
    assert (await person.patch("/api/me", {"name": kept})).status_code == 200
