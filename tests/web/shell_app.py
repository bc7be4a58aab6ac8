"""A small app on the shell, to test the shell alone."""

from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

import httpx
import msgspec
from msgspec import UNSET, Meta, UnsetType

from vently import refusals
from vently.database.pool import Viewer
from vently.settings import Settings
from vently.web import conditional, csrf, cursors, forms, lists, merge_patch, pages, words
from vently.web import viewer as viewers
from vently.web.answers import Answer, created, nothing, redirect
from vently.web.facts import Session, TokenRefused
from vently.web.routes import delete, get, patch, post
from vently.web.shell import create_app
from vently.web.signing import Signer

ALICE = "01890a5d-ac96-774b-bcce-b302099a8057"
SITE = "http://127.0.0.1:8000"


class Venue(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    lat: words.Latitude
    lng: words.Longitude


class NewThing(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: Annotated[str, words.line(80)]
    slug: words.Slug | None = None
    about: Annotated[str, words.text(500)] = ""
    motto: Annotated[str, words.text(20_000, shortest=1)] = "none"
    timezone: words.Timezone = "UTC"
    starts_at: words.Moment | None = None
    venue: Venue | None = None
    seats: words.Count = 0
    url: words.HttpUrl | None = None
    email: words.Email | None = None
    tags: Annotated[list[Annotated[str, words.line(20)]], Meta(max_length=5)] = []
    extra: dict[str, Any] = {}


class ThingPatch(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: Annotated[str, words.line(80)] | UnsetType = UNSET
    slug: words.Slug | UnsetType | None = UNSET


class ThingFilters(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    q: Annotated[str, words.line(100, shortest=0)] | None = None
    tag: list[str] = []
    online: bool | None = None
    near: words.Latitude | None = None
    since: words.Moment | None = msgspec.field(name="from", default=None)
    limit: words.PageSize = 20
    cursor: words.CursorText | None = None


class Place(msgspec.Struct):
    last: int


class Thing(msgspec.Struct):
    id: int
    name: str


class Things(msgspec.Struct):
    items: list[Thing]
    next: str | None


class SeenThing(msgspec.Struct):
    thing: str
    viewer: UUID | None


class Taken(msgspec.Struct):
    filename: str
    size: int


@get("/api/things", answers=Things)
async def list_things(request: Any, viewer: Viewer, query: ThingFilters) -> Answer:  # noqa: ARG001
    place = cursors.read(request, "things", query, query.cursor, Place)
    first = place.last + 1 if place else 0
    items = [Thing(n, f"thing {n}") for n in range(first, min(first + query.limit, 50))]
    more = cursors.issue(request, "things", query, Place(items[-1].id)) if items and items[-1].id < 49 else None
    return lists.answer(request, items, more)


@get("/api/others")
async def list_others(request: Any, query: ThingFilters) -> Answer:
    cursors.read(request, "others", query, query.cursor, Place)
    return lists.answer(request, b"[]", None)


@post("/api/things", signed_in=True, answers=NewThing, once=True)
async def create_thing(viewer: Viewer, data: NewThing) -> Answer:
    assert viewer.id
    return created(data, "/api/things/x")


@get("/api/things/{thing}", answers=SeenThing, versioned=True)
async def read_thing(request: Any, viewer: Viewer, thing: words.Reference) -> Answer:
    return conditional.answer(request, {"thing": thing, "viewer": viewer.id}, version=7)


@patch("/api/things/{thing}", answers=ThingPatch, versioned=True)
async def change_thing(request: Any, thing: words.Reference, data: ThingPatch) -> Answer:
    assert thing
    conditional.check_if_match(request, 7)
    return Answer(merge_patch.changes(data))


@delete("/api/things/{thing}")
async def remove_thing(thing: words.Reference) -> Answer:
    assert thing
    return nothing()


@get("/api/broken")
async def break_down() -> Answer:
    raise RuntimeError("secret detail")


@get("/api/refused/{kind}")
async def refuse(kind: str) -> Answer:
    raise getattr(refusals, kind)


@get("/page")
async def show_page(request: Any, viewer: Viewer) -> Answer:
    return Answer({"token": csrf.token(request), "viewer": viewer.id})


@get("/lacking")
async def show_no_template(request: Any) -> Answer:
    return await pages.page(request, "no-such-template.html")


@get("/broken")
async def break_page() -> Answer:
    raise RuntimeError("secret detail")


class SignIn(msgspec.Struct, kw_only=True):
    email: words.Email
    note: Annotated[str, words.text(50)] = ""


@post("/sign-in")
async def sign_in(request: Any) -> Answer:
    form = await forms.read(request, SignIn)
    assert form.email
    viewers.remember(request, Session("token-alice", "refresh-alice", 3600))
    return redirect("/page")


@post("/api/uploads", upload="file", answers=Taken, limit=2_000_000)
async def take_upload(request: Any) -> Answer:
    file = await forms.upload(request)
    return Answer({"filename": file.filename, "size": len(file.body)}, 201)


ROUTES = [
    list_things, list_others, create_thing, read_thing, change_thing, remove_thing, break_down, refuse, show_page,
    break_page, show_no_template, sign_in, take_upload,
]  # fmt: skip


async def verify(token: str) -> dict[str, Any]:
    if token.startswith("token-alice"):
        return {"sub": ALICE, "role": "authenticated"}
    if token == "service":
        return {"role": "service_role"}
    raise TokenRefused("The access token is past its time; sign in again.")


refreshes: list[str] = []


async def refresh(token: str) -> Session | None:
    refreshes.append(token)
    return Session("token-alice-2", "refresh-alice-2", 3600) if token == "refresh-alice" else None


@asynccontextmanager
async def no_database(_: Any) -> Any:
    yield


def app(**changes: Any) -> Any:
    settings = msgspec.structs.replace(Settings(), **changes.pop("settings", {}))
    return create_app(
        settings, changes.pop("routes", ROUTES), lifespan=changes.pop("lifespan", no_database), verify=verify,
        refresh=refresh, publishable_keys=["public-key"], signer=Signer(b"test"), **changes,
    )  # fmt: skip


def client(made: Any = None, **options: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=made or app(), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=options.pop("base_url", SITE), **options)
