"""What was deleted meanwhile: a token outlives its account by up to an hour, and an event goes while it is answered."""

import asyncio

import asyncpg
import pytest
from cast import Person, Site


@pytest.mark.parametrize(
    "asked",
    [
        ("POST", "/api/communities", {"name": "Mine"}),
        ("POST", "/api/events", {"title": "Mine", "starts_at": "2027-01-01T00:00:00Z"}),
        ("POST", "/api/events/{event}/comments", {"body": "Mine"}),
        ("PUT", "/api/events/{event}/rsvp", {"status": "going"}),
        ("PUT", "/api/communities/{community}/follow", None),
        ("PUT", "/api/communities/{community}/membership", None),
        ("PUT", "/api/people/{handle}/follow", None),
        ("POST", "/api/me/organizer", {"terms_accepted": True}),
        ("PATCH", "/api/me", {"bio": "Mine"}),
        ("GET", "/api/me", None),
    ],
)
async def test_the_token_of_a_deleted_account_does_nothing(
    site: Site, alice: Person, bob: Person, dana: Person, asked: tuple[str, str, object]
) -> None:
    method, path, body = asked
    event = await alice.creates()
    superuser = await asyncpg.connect(site.settings.platform_url)
    await superuser.execute("delete from auth.users where id = $1", bob.id)
    await superuser.close()
    address = path.format(event=event["id"], community=dana.community, handle=alice.handle)
    refused = await bob.asks(method, address, body)
    assert refused.status_code in (401, 403, 404, 409), refused.text
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "asked",
    [
        ("PUT", "/api/events/{event}/rsvp", {"status": "going"}),
        ("POST", "/api/events/{event}/comments", {"body": "Mine"}),
        ("PATCH", "/api/events/{event}", {"title": "Mine"}),
        ("DELETE", "/api/events/{event}", None),
    ],
)
async def test_an_event_that_goes_while_it_is_answered_is_gone(
    site: Site, alice: Person, asked: tuple[str, str, object]
) -> None:
    method, path, body = asked
    event = await alice.creates()
    superuser = await asyncpg.connect(site.settings.platform_url)
    async with superuser.transaction():
        await superuser.execute("delete from public.events where id = $1", event["id"])
        answering = asyncio.create_task(alice.asks(method, path.format(event=event["id"]), body))
        await asyncio.sleep(0.2)
        assert not answering.done()
    await superuser.close()
    refused = await answering
    assert refused.status_code in (404, 409), refused.text
