"""Alice creates, publishes and cancels; Bob finds it; Carol cannot touch it."""

from cast import Person


async def test_alice_creates_publishes_and_cancels(alice: Person, bob: Person) -> None:
    made = await alice.post("/api/events", {"title": "Jazz am Kanal", "starts_at": "2027-03-01T18:00:00Z"})
    assert made.status_code == 201, made.text
    event = made.json()
    assert made.headers["location"].endswith(f"/api/events/{event['id']}")
    assert (event["status"], event["slug"][:13]) == ("draft", "jazz-am-kanal")
    assert event["ends_at"].startswith("2027-03-01T20:00:00")
    assert (await bob.get(f"/api/events/{event['slug']}")).status_code == 404

    published = await alice.post(f"/api/events/{event['id']}/publication")
    assert (published.status_code, published.json()["status"]) == (201, "published")
    assert (await bob.get(f"/api/events/{event['slug']}")).json()["organizer"]["handle"] == alice.handle
    assert (await alice.post(f"/api/events/{event['id']}/publication")).status_code == 409

    assert (await alice.post(f"/api/events/{event['id']}/cancellation")).json()["status"] == "cancelled"
    assert (await bob.get(f"/api/events/{event['id']}")).json()["status"] == "cancelled"
    assert (await bob.answers(event)).status_code == 409
    assert (await alice.delete(f"/api/events/{event['id']}")).status_code == 204
    assert (await alice.get(f"/api/events/{event['id']}")).status_code == 404


async def test_a_regular_user_becomes_an_organizer_before_creating(bob: Person) -> None:
    refused = await bob.post("/api/events", {"title": "Mine", "starts_at": "2027-03-01T18:00:00Z"})
    assert refused.status_code == 403
    assert "/api/me/organizer" in refused.json()["detail"]
    assert (await bob.post("/api/me/organizer", {"terms_accepted": False})).status_code == 422
    assert (await bob.post("/api/me/organizer", {"terms_accepted": True})).json()["organizer"]["status"] == "approved"
    assert (await bob.creates("Mine"))["status"] == "published"


async def test_carol_cannot_change_what_is_not_hers(alice: Person, carol: Person, visitor: Person) -> None:
    event = await alice.creates()
    for who, status in ((carol, 403), (visitor, 401)):
        assert (await who.patch(f"/api/events/{event['id']}", {"title": "Hers"})).status_code == status
        assert (await who.delete(f"/api/events/{event['id']}")).status_code == status
        assert (await who.post(f"/api/events/{event['id']}/cancellation")).status_code == status
    assert (await alice.get(f"/api/events/{event['id']}")).json()["title"] == "A gig"


async def test_a_patch_changes_what_it_names_and_null_takes_away(alice: Person) -> None:
    event = await alice.creates(venue={"name": "Kulturhaus", "city": "Graz"}, category="music", tags=["jazz", "live"])
    path = f"/api/events/{event['id']}"
    patched = (await alice.patch(path, {"title": "Later", "venue": None, "tags": []})).json()
    assert (patched["title"], patched["venue"], patched["tags"], patched["category"]) == ("Later", None, [], "music")
    assert patched["version"] == event["version"] + 1
    assert patched["starts_at"] == event["starts_at"]


async def test_a_stale_editor_is_told(alice: Person, bob: Person) -> None:
    event = await alice.creates()
    path = f"/api/events/{event['id']}"
    tag = (await alice.get(path)).headers["etag"]
    assert (await bob.answers(event)).status_code == 200  # an answer does not make the editor stale
    assert (await alice.patch(path, {"title": "One"}, headers={"if-match": tag})).status_code == 200
    stale = await alice.patch(path, {"title": "Two"}, headers={"if-match": tag})
    assert (stale.status_code, stale.headers["content-type"]) == (412, "application/problem+json")
    fresh = await alice.get(path)
    assert (await alice.get(path, headers={"if-none-match": fresh.headers["etag"]})).status_code == 304


async def test_a_repeated_post_with_its_key_makes_one_event(alice: Person) -> None:
    body = {"title": "Once only", "starts_at": "2027-03-01T18:00:00Z"}
    first = await alice.post("/api/events", body, headers={"idempotency-key": "k-1"})
    again = await alice.post("/api/events", body, headers={"idempotency-key": "k-1"})
    assert (first.status_code, again.status_code, again.headers["idempotent-replayed"]) == (201, 201, "true")
    assert first.content == again.content
    other = await alice.post("/api/events", {**body, "title": "Other"}, headers={"idempotency-key": "k-1"})
    assert other.status_code == 422


async def test_an_event_ends_after_it_starts_and_the_field_is_named(alice: Person) -> None:
    refused = await alice.post(
        "/api/events", {"title": "Back", "starts_at": "2027-03-01T18:00:00Z", "ends_at": "2027-03-01T17:00:00Z"}
    )
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"pointer": "/ends_at", "detail": "must not be before starts_at"}]


async def test_an_unlisted_event_is_seen_by_its_link_alone(alice: Person, bob: Person, visitor: Person) -> None:
    event = await alice.creates("Hidden supper", visibility="unlisted")
    assert len(event["slug"]) > len("hidden-supper") + 8
    assert (await visitor.get(f"/api/events/{event['slug']}")).status_code == 200
    listed = (await visitor.get("/api/events", params={"organizer": alice.handle})).json()["items"]
    assert listed == []
    assert (await bob.answers(event)).status_code == 200
    assert (await bob.post(f"/api/events/{event['slug']}/comments", {"body": "Yum"})).status_code == 201
    assert len((await visitor.get(f"/api/events/{event['slug']}/comments")).json()["items"]) == 1


async def test_the_list_filters_and_walks(alice: Person, visitor: Person) -> None:
    for number in range(7):
        await alice.creates(
            f"Walk {number}",
            starts_at=f"2027-04-0{number + 1}T10:00:00Z",
            category="hiking" if number % 2 else "music",
            venue={"city": "Linz"} if number < 3 else None,
            tags=["alps"] if number == 6 else [],
        )
    mine = {"organizer": alice.handle}
    seen, cursor = [], None
    while True:
        answer = await visitor.get("/api/events", params={**mine, "limit": 3} | ({"cursor": cursor} if cursor else {}))
        page = answer.json()
        seen += [event["title"] for event in page["items"]]
        cursor = page["next"]
        assert ('rel="next"' in answer.headers.get("link", "")) == (cursor is not None)
        if cursor is None:
            break
    assert seen == [f"Walk {number}" for number in range(7)]

    async def titles(**filters: object) -> list[str]:
        answer = await visitor.get("/api/events", params={**mine, **filters})
        assert answer.status_code == 200, answer.text
        return [event["title"] for event in answer.json()["items"]]

    assert await titles(category="hiking") == ["Walk 1", "Walk 3", "Walk 5"]
    assert await titles(city="linz") == ["Walk 0", "Walk 1", "Walk 2"]
    assert await titles(tag="alps") == ["Walk 6"]
    assert await titles(q="walk linz") == ["Walk 0", "Walk 1", "Walk 2"]
    assert await titles(q="alp") == ["Walk 6"]
    assert await titles(**{"from": "2027-04-03", "to": "2027-04-04"}) == ["Walk 2", "Walk 3"]
    assert await titles(community="no-such-community") == []
    assert await titles(to="2020-01-01") == []


async def test_a_cursor_someone_edited_is_refused(alice: Person, visitor: Person) -> None:
    for _ in range(2):
        await alice.creates()
    page = (await visitor.get("/api/events", params={"organizer": alice.handle, "limit": 1})).json()
    for cursor in (page["next"][:-2] + "AA", "AAAA", page["next"] + "A"):
        refused = await visitor.get("/api/events", params={"organizer": alice.handle, "cursor": cursor})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/query/cursor"
    elsewhere = await visitor.get("/api/events", params={"limit": 1, "cursor": page["next"]})
    assert elsewhere.status_code == 422


async def test_a_slug_that_has_the_form_of_an_id_is_looked_up_as_one(visitor: Person) -> None:
    assert (await visitor.get("/api/events/0190b3c1-0000-7000-8000-000000000000")).status_code == 404
