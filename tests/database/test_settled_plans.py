"""After five uses on one connection Postgres settles on a general plan: it must need no more rights than others."""

import pytest
from cast import Person


@pytest.mark.parametrize(
    "path",
    ["/api/events", "/api/events?q=jazz&city=Graz&sort=popular", "/api/communities", "/api/communities?q=a&city=Graz"],
)
async def test_a_visitor_may_ask_again_and_again(visitor: Person, path: str) -> None:
    for _ in range(12):
        answer = await visitor.get(path)
        assert answer.status_code == 200, answer.text
