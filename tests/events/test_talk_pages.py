"""A long talk on an event's page: all of it can be reached without JavaScript."""

import html
import re

from cast import Person, Site


async def test_every_comment_of_a_long_talk_can_be_reached(site: Site, alice: Person, bob: Person) -> None:
    event = await alice.creates("Much to say")
    for number in range(103):
        await bob.post(f"/api/events/{event['id']}/comments", {"body": f"This is number {number}."})
    first = (await site.client.get(f"/events/{event['slug']}?fbclid=x")).text
    further = re.search(r'href="([^"]+cursor=[^"]+)"', first)
    assert further
    second = (await site.client.get(html.unescape(further[1]))).text
    seen = [number for page in (first, second) for number in re.findall(r"This is number (\d+)\.", page)]
    assert seen == [str(number) for number in range(103)]
    assert "cursor=" not in second
    forged = await site.client.get(f"/events/{event['slug']}?cursor=abc", headers={"accept": "text/html"})
    assert forged.status_code == 422
