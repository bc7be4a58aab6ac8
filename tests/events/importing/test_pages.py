"""Reading pages with schema.org events."""

from datetime import UTC, datetime

import msgspec
import pytest

from vently.events.importing import NotReadable

GIG = {
    "@context": "https://schema.org",
    "@type": "MusicEvent",
    "@id": "https://gig.test/1",
    "name": "Gig",
    "startDate": "2025-03-01T18:00:00+01:00",
    "endDate": "2025-03-01T20:00:00+01:00",
    "location": {
        "@type": "Place",
        "name": "The Cave",
        "address": {"streetAddress": "Main Street 1", "addressLocality": "Gothenburg", "addressCountry": "SE"},
    },
    "keywords": ["music", "jazz"],
    "url": "https://gig.test/1",
}


def page(*documents):
    scripts = "\n".join(f'<script type="application/ld+json">{document}</script>' for document in documents)
    return f"<!doctype html>\n<html><head><title>x</title>\n{scripts}</head><body>&amp;<p>y</html>"


def test_a_page_gives_its_events_wherever_they_stand(reads):
    graph = {"@graph": [{"@type": "WebSite"}, {"@type": "ItemList", "itemListElement": [{"item": GIG}]}]}
    event = reads(page(msgspec.json.encode(graph).decode()), "page.html").events[0]
    assert (event.title, event.uid, event.line) == ("Gig", "https://gig.test/1", 3)
    assert (event.starts_at, event.timezone) == (datetime(2025, 3, 1, 17, tzinfo=UTC), "Europe/Stockholm")
    assert (event.venue.name, event.venue.address, event.venue.city) == ("The Cave", "Main Street 1", "Gothenburg")
    assert event.categories == ("music", "jazz")


def test_days_online_places_and_cancellation_are_understood(reads):
    online = GIG | {
        "@id": "b", "startDate": "2025-03-01", "endDate": "2025-03-02",
        "location": {"@type": "VirtualLocation", "url": "https://meet.test"},
        "eventStatus": "https://schema.org/EventCancelled",
    }  # fmt: skip
    event = reads(msgspec.json.encode([online]), "events.json").events[0]
    assert (event.online, event.online_url, event.venue, event.status) == (True, "https://meet.test", None, "cancelled")
    assert (event.starts_at.day, event.ends_at.day, event.all_day) == (1, 3, True)


def test_a_broken_event_or_script_is_refused_and_the_next_is_read(reads):
    text = page("{broken", msgspec.json.encode([GIG | {"startDate": "soon", "@id": "c"}, GIG]).decode())
    reading = reads(text, "page.html")
    assert [event.title for event in reading.events] == ["Gig"]
    assert [(entry.line, entry.uid) for entry in reading.refused] == [(3, None), (4, "c")]


@pytest.mark.parametrize("text", ["<html></html>", "{}", "[", "[" * 100_000, '{"@type": "Person"}', "<script"])
def test_a_page_without_events_is_refused_in_one_sentence(reads, text):
    with pytest.raises(NotReadable):
        reads(text, "page.json")
