"""The pages as a browser without JavaScript sees them: forms that post and redirect."""

import re
import secrets

import httpx
import pytest
from cast import Person, Site


class Browser:
    """Keeps cookies, sends the hidden fields of a page's forms, follows redirects."""

    def __init__(self, site: Site) -> None:
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(site.app, raise_app_exceptions=False),
            base_url=site.settings.site_url,
            headers={"accept": "text/html"},
            follow_redirects=True,
        )

    async def opens(self, path: str, status: int = 200) -> str:
        answer = await self.client.get(path)
        assert answer.status_code == status, (path, answer.status_code, answer.text[-600:])
        return answer.text

    async def sends(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Fill in a form of a page and press its button."""
        text = await self.opens(page)
        token = re.search(r'name="_csrf" value="([^"]+)"', text)
        assert token, f"{page} has no form"
        assert f'action="{action}"' in text, f"{page} has no form to {action}"
        return await self.client.post(action, data={"_csrf": token[1], **fields})

    async def signs_up(self, name: str) -> str:
        email = f"{name.lower()}-{secrets.token_hex(5)}@example.org"
        answer = await self.sends("/sign-up", "/sign-up", name=name, email=email, password="correct horse battery")
        assert answer.status_code == 200, answer.text
        assert f"Welcome, {name}!" in answer.text
        return email


@pytest.fixture
def browser(site: Site) -> Browser:
    return Browser(site)


async def test_a_newcomer_signs_up_answers_comments_and_follows(browser: Browser, alice: Person, dana: Person) -> None:
    event = await alice.creates("Lantern walk", description="Bring **light**", venue={"city": "Ghent"}, capacity=3)
    assert "Sign in to answer" in await browser.opens(f"/events/{event['slug']}")
    await browser.signs_up("Newcomer")

    path = f"/events/{event['slug']}"
    answered = await browser.sends(path, f"{path}/rsvp", status="going")
    assert "You’re going" in answered.text
    assert "<strong>light</strong>" in answered.text
    said = await browser.sends(path, f"{path}/comments", body="See you <script>there</script>")
    assert "See you" in said.text
    assert "<script>there" not in said.text
    blank = await browser.sends(path, f"{path}/comments", body="  ")
    assert (blank.status_code, "aria-invalid" in blank.text) == (422, True)

    circle = f"/communities/{dana.community}"
    assert "Following" in (await browser.sends(circle, f"{circle}/follow", following="yes")).text
    assert "Welcome!" in (await browser.sends(circle, f"{circle}/membership", member="yes")).text
    mine = await browser.opens("/me")
    assert "Lantern walk" in mine
    assert "Dana" in mine


async def test_an_organiser_creates_edits_publishes_and_cancels_by_page(browser: Browser) -> None:
    await browser.signs_up("Olive")
    assert "You can publish events now" in (await browser.sends("/me", "/me/organizer", terms="accepted")).text
    form = {
        "title": "Fermenting night",
        "starts_at": "2027-05-01T19:00",
        "ends_at": "2027-05-01T22:00",
        "timezone": "Europe/Vienna",
        "place": "venue",
        "venue_name": "Küche",
        "venue_city": "Graz",
        "tags": "food, jars",
        "visibility": "public",
        "status": "draft",
    }
    wrong = await browser.sends("/events/new", "/events/new", **{**form, "ends_at": "2027-05-01T18:00"})
    assert wrong.status_code == 422
    assert "must not be before starts_at" in wrong.text
    assert 'value="Fermenting night"' in wrong.text
    made = await browser.sends("/events/new", "/events/new", **form)
    assert "This is a draft" in made.text
    path = made.url.path
    edited = await browser.sends(
        f"{path}/edit", f"{path}/edit", **{**form, "title": "Fermenting evening", "status": ""}
    )
    assert "Fermenting evening" in edited.text
    assert "It is out" in (await browser.sends(path, f"{path}/publication")).text
    assert "This event is cancelled" in (await browser.sends(path, f"{path}/cancellation")).text
    assert "deleted" in (await browser.sends(path, f"{path}/deletion")).text
    await browser.opens(path, 404)


async def test_carol_sees_no_draft_and_no_controls(browser: Browser, alice: Person) -> None:
    draft, public = await alice.creates(status="draft"), await alice.creates()
    await browser.signs_up("Carol")
    await browser.opens(f"/events/{draft['slug']}", 404)
    page = await browser.opens(f"/events/{public['slug']}")
    assert "For those who run this event" not in page
    await browser.opens(f"/events/{public['slug']}/edit", 403)


async def test_a_form_from_elsewhere_is_refused(browser: Browser, alice: Person) -> None:
    event = await alice.creates()
    await browser.signs_up("Victim")
    without = await browser.client.post(f"/events/{event['slug']}/rsvp", data={"status": "going"})
    assert without.status_code == 403
    await browser.opens("/")
    elsewhere = await browser.client.post(
        f"/events/{event['slug']}/rsvp", data={"status": "going"}, headers={"origin": "https://evil.example"}
    )
    assert elsewhere.status_code == 403


async def test_sign_in_goes_where_one_came_from_and_nowhere_else(browser: Browser, site: Site, alice: Person) -> None:
    event = await alice.creates()
    for goal, lands in (
        (f"/events/{event['slug']}", f"/events/{event['slug']}"),
        ("//evil.example", "/"),
        ("/\\evil", "/"),
    ):
        person = Browser(site)
        answer = await person.sends(
            "/sign-in", "/sign-in", email=alice.email, password="correct horse battery", next=goal
        )
        assert answer.url.path == lands
    refused = await browser.sends("/sign-in", "/sign-in", email=alice.email, password="wrong wrong wrong")
    assert refused.status_code == 422
    assert "E-mail and password do not match." in refused.text


async def test_the_list_goes_on_without_javascript(browser: Browser, dana: Person) -> None:
    for day in range(1, 29):
        answer = await dana.post(
            "/api/events",
            {
                "title": f"Round {day:02}",
                "starts_at": f"2027-06-{day:02}T10:00:00Z",
                "community": dana.community,
                "status": "published",
                "category": f"rounds-{dana.community}"[:40],
            },
        )
        assert answer.status_code == 201, answer.text
    category = f"rounds-{dana.community}"[:40]
    first = await browser.opens(f"/?category={category}")
    more = re.search(r'class="button calm" href="([^"]+cursor=[^"]+)"', first)
    assert more, "no way to more"
    second = await browser.opens("/" + more[1].replace("&amp;", "&"))
    titles = re.findall(r"Round (\d\d)", first + second)
    assert sorted(set(titles)) == [f"{day:02}" for day in range(1, 29)]
    await browser.opens("/?q=nothing+of+the+sort+anywhere")


async def test_the_calendar_of_an_event_opens_in_calendar_programs(visitor: Person, alice: Person) -> None:
    from icalendar import Calendar

    event = await alice.creates(
        "Été à Graz", starts_at="2027-07-01T18:00:00Z", venue={"city": "Graz"}, recurrence="FREQ=WEEKLY;COUNT=3"
    )
    answer = await visitor.get(f"/api/events/{event['slug']}/calendar.ics")
    assert answer.headers["content-type"].startswith("text/calendar")
    entry = Calendar.from_ical(answer.content).walk("VEVENT")[0]
    assert (str(entry["summary"]), str(entry["location"])) == ("Été à Graz", "Graz")
    many = await visitor.get("/api/events.ics", params={"organizer": alice.handle})
    assert len(Calendar.from_ical(many.content).walk("VEVENT")) == 1


async def test_a_cover_is_drawn_from_its_address(visitor: Person, alice: Person) -> None:
    event = await alice.creates(category="music")
    cover = await visitor.get(event["cover"])
    assert cover.headers["content-type"] == "image/svg+xml"
    assert len(cover.content) < 3_000


async def test_a_calendar_is_imported_by_page(browser: Browser) -> None:
    await browser.signs_up("Ida")
    made = await browser.sends("/communities/new", "/communities/new", name="Ida's readers", join="request")
    path = made.url.path
    data = b"BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:1@x\nSUMMARY:Poems\nDTSTART:20270301T180000Z\nEND:VEVENT\n"
    broken = b"BEGIN:VEVENT\nUID:2@x\nSUMMARY:Never\nEND:VEVENT\nEND:VCALENDAR\n"
    token = re.search(r'name="_csrf" value="([^"]+)"', await browser.opens(f"{path}/import"))
    assert token
    for more, said in (({"dry_run": "1"}, "A trial"), ({}, "1 created"), ({}, "1 unchanged")):
        answer = await browser.client.post(
            f"{path}/import", data={"_csrf": token[1], **more}, files={"file": ("x.ics", data + broken)}
        )
        assert answer.status_code == 200
        assert said in answer.text
        assert "1 entry refused" in answer.text
    assert "Poems" in await browser.opens(path)
    wrong = await browser.client.post(
        f"{path}/import", data={"_csrf": token[1]}, files={"file": ("x.ics", b"not a calendar")}
    )
    assert wrong.status_code == 422


async def test_an_admin_approves_by_page(browser: Browser, bob: Person) -> None:
    await browser.signs_up("Ida")
    made = await browser.sends("/communities/new", "/communities/new", name="By request", join="request")
    path = made.url.path
    await bob.put(f"/api{path}/membership")
    assert "Waits for approval" in await browser.opens(f"{path}/members?status=requested")
    approved = await browser.sends(f"{path}/members?status=requested", f"{path}/members/{bob.handle}", status="active")
    assert "Bob" in approved.text
    promoted = await browser.sends(f"{path}/members", f"{path}/members/{bob.handle}", role="organizer")
    assert "<small>Organizer</small>" in promoted.text
    assert bob.handle not in (await browser.sends(f"{path}/members", f"{path}/members/{bob.handle}", remove="1")).text


async def test_shared_links_with_parameters_of_others_open(browser: Browser, alice: Person) -> None:
    event = await alice.creates()
    for path in ("/", "/communities", "/sign-in", f"/events/{event['slug']}"):
        await browser.opens(f"{path}?utm_source=mail&fbclid=x")


async def test_one_goes_on_to_an_address_in_any_letters(site: Site, alice: Person) -> None:
    for goal in ("/events/☃", "/a\x01", "/\x7f", "/?q=%E2%98%83&city=Graz"):
        answer = await Browser(site).sends(
            "/sign-in", "/sign-in", email=alice.email, password="correct horse battery", next=goal
        )
        assert answer.status_code in (200, 404), goal


async def test_brackets_without_end_do_not_hold_the_page_up(browser: Browser, alice: Person, bob: Person) -> None:
    event = await alice.creates(description="[" * 40_000)
    for number in range(3):
        await bob.post(f"/api/events/{event['id']}/comments", {"body": f"{number}" + "[" * 4_900})
    assert "[[[[" in await browser.opens(f"/events/{event['slug']}")
