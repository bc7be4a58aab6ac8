"""`/authorize`, `/callback`, the identities of `/user`, and the grant that takes the code of a flow."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath

from vently.outside.signin import ProviderRefused
from vently.refusals import Refusal
from vently.supabase.auth.answers import read, said
from vently.supabase.auth.bearers import AnyRequest, address_of, auth_of, claims_of, device_of
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.flows import flows
from vently.supabase.auth.flows.flows import challenge_of
from vently.supabase.auth.limits import limits
from vently.supabase.auth.links import alarms
from vently.supabase.auth.providers import arrivals, departures, identities, landings, trips
from vently.supabase.auth.providers.departures import Wish
from vently.supabase.auth.redirects import allowed

MOST_PARAMETERS = 40

OURS = {
    "provider", "redirect_to", "scopes", "code_challenge", "code_challenge_method", "skip_http_redirect", "handle",
    "apikey",
}  # fmt: skip
"""Parameters of an address that are for us; the others may be for the provider."""


@get("/authorize")
async def authorize(request: AnyRequest) -> Response[Any]:
    auth = auth_of(request)
    query = _query(request)
    wish = _wish(request, query)
    trips.provider_of(auth, wish.provider)
    if _skips(query):
        kept = {name: value for name, value in query.items() if name != "skip_http_redirect"}
        return said({"url": f"{auth.rules.issuer}/authorize?{urlencode(kept)}"})
    await limits.spend(auth, "authorize", address_of(request))
    back, handle = wish.back, query.get("handle")
    if handle and request.headers.get("sec-fetch-site") == "none":
        return _to(f"{auth.rules.site_url}/sign-in/link?{urlencode(query)}")
    try:
        if handle:
            back = auth.rules.site_url
            back = await departures.back_of(auth, handle)
            _check_opener(request, back)
            address, trip = await departures.depart_to_link(auth, wish, handle)
        else:
            address, trip = await departures.depart(auth, wish)
    except (AuthError, ProviderRefused) as error:
        return _to(landings.with_error(back, error))
    answer = _to(address)
    answer.set_cookie(**trips.cookie(auth, trip))
    return answer


@get("/callback")
async def callback(request: AnyRequest) -> Response[Any]:
    return await _come_back(request, request.scope["query_string"], status=302)


@post("/callback")
async def posted_callback(request: AnyRequest) -> Response[Any]:
    """For `response_mode=form_post`, as Apple does."""
    return await _come_back(request, await request.body(), status=303)


@get("/user/identities/authorize")
async def authorize_link(request: AnyRequest) -> Response[Any]:
    claims = await claims_of(request)
    await limits.spend(auth_of(request), "authorize", address_of(request))
    query = _query(request)
    address = await departures.offer_link(auth_of(request), claims, _wish(request, query))
    return said({"url": address}) if _skips(query) else _to(address)


@delete("/user/identities/{identity:str}", status_code=200)
async def unlink(request: AnyRequest, identity: FromPath[str]) -> Response[Any]:
    claims = await claims_of(request)
    try:
        wanted = UUID(identity)
    except ValueError as error:
        raise AuthError("validation_failed", "identity_id must be an UUID", 404) from error
    await identities.unlink(auth_of(request), claims, wanted)
    return said({})


class PkceGrant(msgspec.Struct):
    auth_code: str | None = None
    code_verifier: str | None = None


async def pkce_grant(request: AnyRequest) -> Response[Any]:
    """The session behind a code, whether a provider or a mail led to it."""
    asked = read(await request.body(), PkceGrant)
    if not asked.auth_code or not asked.code_verifier:
        raise AuthError("validation_failed", "both auth code and code verifier should be non-empty")
    auth, device = auth_of(request), device_of(request)
    session = await flows.exchange(auth, asked.auth_code, asked.code_verifier, device=device)
    alarms.signed_in(auth, session["user"], device)
    return said(session)


async def _come_back(request: AnyRequest, parameters: bytes, *, status: int) -> Response[Any]:
    auth = auth_of(request)
    back, name = auth.rules.site_url, None
    try:
        answer = _parsed(parameters)
        flown, trip = await trips.finish(auth, answer, request.cookies)
        back, name = flown.back, trips.cookie_name(auth, trip)
        there = await arrivals.arrive(auth, flown, trip, answer, device=device_of(request))
    except (Refusal, ProviderRefused) as error:
        there = landings.with_error(back, error)
    landing = _to(there, status)
    if name:
        landing.set_cookie(name, "", max_age=0, path="/auth/v1/callback", secure=trips.is_secure(auth), httponly=True)
    return landing


def _check_opener(request: AnyRequest, back: str) -> None:
    """Linking is begun by a program, so the browser that finishes it may be made to: a page of Carol's could have
    Alice's browser link Alice's account elsewhere to Carol's here. Browsers say whose page sent them; whoever opened
    the address from a mail or another program is asked first, by a page of ours.
    """
    site = request.headers.get("sec-fetch-site", "none")
    if site not in {"none", "same-origin"} and _origin(request.headers.get("referer", "")) != _origin(back):
        raise AuthError(
            "validation_failed", "This link was opened by another site: link accounts where you are signed in.", 403
        )


def _origin(address: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return parts.scheme, parts.netloc.lower()


def _wish(request: AnyRequest, query: Mapping[str, str]) -> Wish:
    headers = request.headers
    return Wish(
        provider=query.get("provider", ""),
        back=allowed(
            auth_of(request).rules, query.get("redirect_to"), headers.get("redirect_to"), headers.get("referer")
        ),
        challenge=challenge_of(query.get("code_challenge"), query.get("code_challenge_method")),
        scopes=departures.scopes_of(query.get("scopes")),
        more={name: value for name, value in query.items() if name not in OURS},
    )


def _query(request: AnyRequest) -> dict[str, str]:
    return _parsed(request.scope["query_string"])


def _parsed(parameters: bytes) -> dict[str, str]:
    """Of a query or a form. None may come twice (RFC 6749, section 3.1): two readers might each take another one."""
    try:
        pairs = parse_qsl(parameters.decode(), keep_blank_values=True, max_num_fields=MOST_PARAMETERS, errors="strict")
    except ValueError as error:
        raise AuthError("validation_failed", "The parameters cannot be read") from error
    found = dict(pairs)
    if len(found) != len(pairs) or any("\0" in value for value in found.values()):
        raise AuthError("validation_failed", "No parameter may come twice, nor hold NUL")
    return found


def _skips(query: Mapping[str, str]) -> bool:
    return query.get("skip_http_redirect") == "true"


def _to(address: str, status: int = 302) -> Response[Any]:
    """Addresses here hold codes: they are kept nowhere and told to nobody."""
    headers = {"Location": address, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response(None, status_code=status, headers=headers)


ROUTES = [authorize, callback, posted_callback, authorize_link, unlink]
GRANTS = {"pkce": pkce_grant}
