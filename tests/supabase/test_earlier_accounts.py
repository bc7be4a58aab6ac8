"""People who had an account in a Supabase project before Vently came are welcomed like those who come after it."""

from uuid import UUID, uuid4

from scratch import Scratch, run, value

from vently.app import ROOMS
from vently.database.migrate import migrate


async def test_accounts_of_before_get_their_profiles_when_vently_comes(scratch: Scratch) -> None:
    name = await scratch.database()
    platform, owner = scratch.url(name), scratch.url(name, "postgres")

    async def signs_up(told: str | None, deleted: str = "null") -> UUID:
        person = uuid4()
        account = f"insert into auth.users (id, raw_user_meta_data, deleted_at) values ($1, $2::jsonb, {deleted})"
        await run(platform, account, person, told)
        return person

    alice = await signs_up('{"full_name": "Alice Amber"}')
    bob = await signs_up('{"name": "Alice Amber", "handle": "bob"}')
    nameless = await signs_up(None)
    gone = await signs_up("{}", deleted="now()")
    await migrate(owner, rooms=ROOMS)
    found = {row["id"]: (row["handle"], row["name"]) for row in await run(owner, "select * from public.profiles")}
    assert found[alice] == ("alice_amber", "Alice Amber")
    assert found[bob] == ("bob", "Alice Amber")
    assert found[nameless][1] == "Someone new"
    assert gone not in found

    late = await signs_up('{"name": "Late"}')
    assert await value(owner, "select name from public.profiles where id = $1", late) == "Late"
