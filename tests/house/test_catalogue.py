"""Every table, policy, key, view and function as the catalogue of a migrated database has it.

Each rule is a query for whatever breaks it. Each is also shown something planted that it must find.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cast import Site

from vently.database import queries

RULES = vars(queries.parse(Path(__file__).with_name("catalogue.sql").read_text()))

MAY_CALL = {
    "anon": {
        "private.admitted_at",
        "private.hand_on",
        "private.has_ticket",
        "private.knows_attendee",
        "private.my_printed_tickets",
        "private.claim_idempotency_key",
        "private.community_team",
        "private.correct_order",
        "private.discount_called",
        "private.event_of_mine",
        "private.event_facets",
        "private.events_i_run",
        "private.events_of_my_tickets",
        "private.find_events",
        "private.i_am_organizer",
        "private.i_am_platform_admin",
        "private.keep_idempotent_answer",
        "private.newest_migration",
        "private.open_attempt",
        "private.public_offer_of",
        "private.queue_position",
        "private.check_viewer",
        "private.give_back",
        "private.give_back_terms",
        "private.request_refund",
        "private.types_behind",
        "private.types_held_by_me",
    },
    "authenticated": {
        "private.admitted_at",
        "private.hand_on",
        "private.has_ticket",
        "private.knows_attendee",
        "private.my_printed_tickets",
        "private.my_ticket_times",
        "private.tickets_of_mine",
        "private.become_organizer",
        "private.check_in",
        "private.claim_idempotency_key",
        "private.communities_with_my_role",
        "private.community_team",
        "private.correct_order",
        "private.discount_called",
        "private.event_of_mine",
        "private.door_counts",
        "private.door_list",
        "private.door_of",
        "private.end_my_session",
        "private.event_facets",
        "private.events_i_answered",
        "private.events_i_go_to",
        "private.events_i_run",
        "private.events_i_staff",
        "private.find_at_door",
        "private.events_of_my_tickets",
        "private.find_events",
        "private.free_community_slug",
        "private.free_event_slug",
        "private.i_am_organizer",
        "private.i_am_platform_admin",
        "private.keep_idempotent_answer",
        "private.latest_scans",
        "private.my_address",
        "private.my_communities",
        "private.my_sessions",
        "private.newest_migration",
        "private.open_attempt",
        "private.payee",
        "private.orders_of_mine",
        "private.public_offer_of",
        "private.queue_position",
        "private.check_viewer",
        "private.give_back",
        "private.give_back_terms",
        "private.request_refund",
        "private.set_organizer_status",
        "private.settle_by_hand",
        "private.settle_refund",
        "private.types_behind",
        "private.types_held_by_me",
        "private.undo_check_in",
        "private.venue_id",
    },
}
"""Functions that work past row-level security, by who may call them: think twice before adding one."""

LOOSE_TABLE = "create table public.planted (id int primary key)"
GUARDED_TABLE = f"{LOOSE_TABLE}; alter table public.planted enable row level security"
PLANTS = {
    "tables_without_row_security": [LOOSE_TABLE],
    "tables_without_policy": [f"{GUARDED_TABLE}; grant select on public.planted to anon"],
    "keys_without_index": [
        "create table public.planted (event_id uuid references public.events (id) on delete cascade)",
        (
            "create table public.planted (a int, event_id uuid references public.events (id) on delete cascade);"
            "create index on public.planted (a, event_id)"
        ),
    ],
    "keys_that_do_not_say_what_deleting_does": [
        "create table public.planted (event_id uuid references public.events (id))"
    ],
    "writes_without_column_list": [
        f"{LOOSE_TABLE}; grant insert on public.planted to authenticated",
        f"{LOOSE_TABLE}; grant update on public.planted to anon",
        f"{LOOSE_TABLE}; grant truncate on public.planted to authenticated",
        "create sequence public.planted; grant update on public.planted to anon",
    ],
    "writes_by_visitors": [
        f"{LOOSE_TABLE}; grant delete on public.planted to anon",
        f"{LOOSE_TABLE}; grant update (id) on public.planted to anon",
    ],
    "grants_to_everybody": [
        f"{LOOSE_TABLE}; grant select on public.planted to public",
        f"{LOOSE_TABLE}; grant select (id) on public.planted to public",
        "create function private.planted() returns int language sql set search_path = '' as 'select 1'",
        "grant create on schema private to public",
    ],
    "functions_with_a_loose_search_path": [
        "create function private.planted() returns int language sql as 'select 1'",
        "create function private.planted() returns int language sql set search_path = public as 'select 1'",
    ],
    "definer_functions_of_others": [
        (
            "create function private.planted() returns int language sql security definer as 'select 1';"
            "alter function private.planted() owner to supabase_auth_admin"
        ),
    ],
    "policies_without_role": [f'{GUARDED_TABLE}; create policy "all see it" on public.planted using (true)'],
    "policies_that_ask_row_by_row": [
        (
            f'{GUARDED_TABLE}; create policy "mine only" on public.planted for select to authenticated'
            " using (auth.uid() is not null)"
        ),
        (
            f'{GUARDED_TABLE}; create policy "mine only" on public.planted for delete to authenticated'
            " using (private.i_am_organizer())"
        ),
        (
            f'{GUARDED_TABLE}; create policy "mine only" on public.planted for select to authenticated'
            " using (current_setting('planted') = 'x')"
        ),
    ],
    "policies_without_sentence": [
        f"{GUARDED_TABLE}; create policy planted on public.planted for select to anon using (true)"
    ],
    "views_that_see_past_their_reader": ["create view public.planted as select 1 as one"],
    "constraints_without_sentence": [
        "alter table public.comments add constraint planted check (body <> 'planted')",
        "alter table public.profiles add constraint planted unique (id, bio)",
        (
            "alter table public.comments add constraint planted check (body <> 'planted');"
            "comment on constraint planted on public.comments is 'no pointer'"
        ),
    ],
}


@pytest.fixture
async def catalogue(site: Site) -> AsyncIterator[Any]:
    """The migrated database as its superuser, in a transaction that is taken back."""
    connection = await asyncpg.connect(site.settings.platform_url)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


def test_every_rule_is_shown_something_planted() -> None:
    assert PLANTS.keys() == RULES.keys()


@pytest.mark.parametrize("rule", RULES)
async def test_the_rule_holds(catalogue: Any, rule: str) -> None:
    assert await broken(catalogue, rule) == []


@pytest.mark.parametrize(("rule", "planted"), [(rule, plant) for rule, plants in PLANTS.items() for plant in plants])
async def test_what_is_planted_is_found(catalogue: Any, rule: str, planted: str) -> None:
    await catalogue.execute(planted)
    found = await broken(catalogue, rule)
    assert len(found) == 1, found
    assert "planted" in found[0] or "private" in found[0]


@pytest.mark.parametrize("role", MAY_CALL)
async def test_few_functions_work_past_row_level_security(catalogue: Any, role: str) -> None:
    rows = await catalogue.fetch(
        "select distinct p.oid::regproc::text from pg_proc p"
        " where p.prosecdef and p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)"
        " and has_function_privilege($1, p.oid, 'execute')",
        role,
    )
    assert {row[0] for row in rows} == MAY_CALL[role]


async def broken(catalogue: Any, rule: str) -> list[str]:
    return [row[0] for row in await catalogue.fetch(RULES[rule].text)]
