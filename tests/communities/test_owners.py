"""A community keeps an owner, also when its owners leave at the same moment."""

import asyncio

from cast import Person


async def test_of_two_owners_who_leave_at_once_one_stays(dana: Person, bob: Person) -> None:
    for attempt in range(8):
        community = await dana.founds(f"The two of us, {attempt} of {dana.handle}")
        path = f"/api/communities/{community['id']}"
        await bob.put(f"{path}/membership")
        await dana.patch(f"{path}/members/{bob.handle}", {"role": "owner"})
        step_down = bob.patch(f"{path}/members/{bob.handle}", {"role": "member"})
        answers = await asyncio.gather(dana.delete(f"{path}/membership"), step_down)
        assert sorted(answer.status_code // 100 for answer in answers) == [2, 4], [a.text for a in answers]


async def test_communities_of_one_name_founded_at_once_all_stand(dana: Person) -> None:
    founded = await asyncio.gather(*(dana.founds("The one name of all") for _ in range(12)))
    assert len({community["slug"] for community in founded}) == len(founded)
