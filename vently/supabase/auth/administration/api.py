"""`/admin/users`, `/invite` and `/admin/generate_link` for the holder of the secret key."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Response, delete, get, post, put

from vently.supabase.auth import redirects
from vently.supabase.auth.administration import invitations, people
from vently.supabase.auth.administration.attributes import Attributes
from vently.supabase.auth.administration.invitations import Wanted
from vently.supabase.auth.answers import read, said
from vently.supabase.auth.bearers import AnyRequest, auth_of, check_service_role
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.links.api import redirect_to
from vently.supabase.tokens import AUDIENCE

PER_PAGE = 50
MOST_PER_PAGE = 1000
LAST_PAGE = 10**9


class Deletion(msgspec.Struct):
    should_soft_delete: bool = False


class Invitation(msgspec.Struct):
    email: str | None = None
    data: dict[str, Any] | None = None


@get("/admin/users")
async def list_users(request: AnyRequest) -> Response[Any]:
    check_service_role(request)
    page = _number(request, "page", 1, LAST_PAGE)
    per_page = _number(request, "per_page", PER_PAGE, MOST_PER_PAGE)
    wanted = (request.query_params.get("filter") or "").replace("\0", "")
    users, total = await people.page(auth_of(request), page=page, per_page=per_page, filter=wanted)
    answer = said({"users": users, "aud": AUDIENCE})
    answer.headers["X-Total-Count"] = str(total)
    answer.headers["Link"] = _links(request, page, last=-(-total // per_page))
    return answer


@post("/admin/users", status_code=200)
async def create_user(request: AnyRequest) -> Response[Any]:
    check_service_role(request)
    return said(await people.create(auth_of(request), read(await request.body(), Attributes)))


@get("/admin/users/{user:str}")
async def show_user(request: AnyRequest) -> Response[Any]:
    check_service_role(request)
    return said(await people.read(auth_of(request), _id(request, "user")))


@put("/admin/users/{user:str}")
async def change_user(request: AnyRequest) -> Response[Any]:
    check_service_role(request)
    asked = read(await request.body(), Attributes)
    return said(await people.change(auth_of(request), _id(request, "user"), asked))


@delete("/admin/users/{user:str}", status_code=200)
async def delete_user(request: AnyRequest) -> Response[Any]:
    check_service_role(request)
    asked = read(await request.body(), Deletion)
    await people.delete(auth_of(request), _id(request, "user"), soft=asked.should_soft_delete)
    return said({})


@get("/admin/users/{user:str}/factors")
async def list_factors(request: AnyRequest) -> Response[Any]:
    check_service_role(request)
    return said(await people.factors(auth_of(request), _id(request, "user")))


@delete("/admin/users/{user:str}/factors/{factor:str}", status_code=200)
async def delete_factor(request: AnyRequest) -> Response[Any]:
    check_service_role(request)
    return said(await people.delete_factor(auth_of(request), _id(request, "user"), _id(request, "factor")))


@post("/invite", status_code=200)
async def invite(request: AnyRequest) -> Response[Any]:
    check_service_role(request)
    asked = read(await request.body(), Invitation)
    back = redirect_to(request)
    return said(await invitations.invite(auth_of(request), asked.email or "", asked.data or {}, redirect_to=back))


@post("/admin/generate_link", status_code=200)
async def generate_link(request: AnyRequest) -> Response[Any]:
    check_service_role(request)
    auth, wanted = auth_of(request), read(await request.body(), Wanted)
    back = redirects.allowed(auth.rules, wanted.redirect_to, redirect_to(request))
    return said(await invitations.generate(auth, wanted, redirect_to=back))


def _number(request: AnyRequest, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name) or str(default)
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):  # noqa: PLR2004 - digits
        raise AuthError("validation_failed", f"Bad Pagination Parameters: {name} must be from 1 to {most}")
    return int(text)


def _links(request: AnyRequest, page: int, *, last: int) -> str:
    """RFC 8288. Clients find the number behind the first `=`: `page` stands first in the query."""
    more = {name: value for name, value in request.query_params.items() if name in {"per_page", "filter"} and value}

    def link(number: int, rel: str) -> str:
        query = urlencode({"page": str(number), **more})
        return f'</admin/users?{query}>; rel="{rel}"'

    following = [link(page + 1, "next")] if page < last else []
    return ", ".join([*following, link(last, "last")])


def _id(request: AnyRequest, name: str) -> UUID:
    try:
        return UUID(request.path_params[name])
    except ValueError as error:
        raise AuthError("validation_failed", f"{name}_id must be an UUID", 404) from error


ROUTES = [
    list_users,
    create_user,
    show_user,
    change_user,
    delete_user,
    list_factors,
    delete_factor,
    invite,
    generate_link,
]
GRANTS: dict[str, Any] = {}
