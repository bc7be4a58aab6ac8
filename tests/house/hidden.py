"""Alice's hidden things: a draft, an event for members, an unlisted one, and what hangs on each."""

from dataclasses import dataclass, field
from typing import Any

from cast import Person

WORDS = ("Zwetschgen", "Marillen", "Ribisel")
"""Stand in the titles, places and comments of the draft, the members' and the unlisted event, and nowhere else."""


@dataclass
class Hidden:
    """Events as Alice sees them, with a comment of Bob's on each that takes one. `order`: Bob's for the members';
    `sold`: ids of what the members' event sells.
    """

    community: Any
    draft: Any
    members: Any
    unlisted: Any
    public: Any
    comments: dict[str, Any]
    order: Any = None
    sold: dict[str, str] = field(default_factory=dict)

    @property
    def events(self) -> dict[str, Any]:
        return {"draft": self.draft, "members": self.members, "unlisted": self.unlisted, "public": self.public}


async def hide(alice: Person, bob: Person) -> Hidden:
    """Bob belongs to Alice's community, which nobody joins any more, and goes to all that he can see."""
    community = await alice.founds("Obst and Most")
    path = f"/api/communities/{community['id']}"
    assert (await bob.put(f"{path}/membership")).status_code == 200
    assert (await bob.put(f"{path}/follow")).status_code == 200
    assert (await alice.patch(path, {"join": "invite"})).status_code == 200
    draft, members, unlisted = WORDS
    hidden = Hidden(
        community,
        await alice.creates(f"{draft} fest", venue=_venue(draft), status="draft", capacity=1),
        await alice.creates(
            f"{members} supper", venue=_venue(members), visibility="members", community=community["id"], capacity=1
        ),
        await alice.creates(f"{unlisted} night", venue=_venue(unlisted), visibility="unlisted", capacity=1),
        await alice.creates("Open market", venue=_venue("Market"), capacity=1),
        {},
    )
    for name, event in hidden.events.items():
        if name != "draft":
            assert (await bob.answers(event)).json()["status"] == "going"
            said = await bob.post(f"/api/events/{event['id']}/comments", {"body": f"{event['title']}: looking forward"})
            hidden.comments[name] = said.json()
    assert (await alice.answers(hidden.draft)).status_code == 200
    return hidden


def _venue(name: str) -> dict[str, str]:
    return {"name": f"{name} house", "city": f"{name} am See"}
