"""Attacks on access tokens, tried on our own sign-in and on a Supabase project's: none gets in by any door."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from cast import Person
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey
from jwks_server import SigningKeys, jwks_server
from lifespan import living
from token_attacks import ATTACKS, ORDER, TRIMMED, Good, b64, unb64, whole

from vently.app import create, sign_in
from vently.settings import Settings
from vently.supabase.auth.errors import AuthError
from vently.supabase.tokens import BadToken, Expected, SigningKey, read
from vently.web import signing
from vently.web.facts import TokenRefused

LEGACY_SECRET = "the project's legacy secret, which is long enough"
ISSUERS = ["ours", "project", "project with a legacy secret"]


@dataclass(frozen=True)
class Door:
    """A Vently, how it verifies, and what a token is made of that it takes."""

    client: httpx.AsyncClient
    verify: Any
    good: Good
    serves_sign_in: bool

    async def takes(self, token: str) -> bool:
        try:
            return bool(await self.verify(token))
        except (AuthError, TokenRefused):
            return False

    async def asks(self, path: str, token: str) -> httpx.Response:
        bearer = b"Bearer " + token.encode("utf-8", "surrogatepass")
        return await self.client.get(path, headers=[("Authorization", bearer)])


SAMPLE = Good(ECKey.generate_key("P-256"), "sample", "https://x.supabase.co/auth/v1", str(uuid4()), str(uuid4()))


def verified(token: str) -> dict[str, Any]:
    unverified = read(token)
    keys = {SAMPLE.kid: SigningKey("ES256", SAMPLE.key)}
    return Expected(SAMPLE.issuer).claims(unverified, keys.get(unverified.kid or ""))


def joined(parts: list[bytes]) -> str:
    return ".".join(map(b64, parts))


@pytest.fixture(scope="module")
async def amy(site) -> Person:
    """Has an account, so that a token about her is only refused for what is wrong with it."""
    return await site.signs_up("Amy")


@pytest.fixture(scope="module")
async def doors(site, amy, tmp_path_factory) -> AsyncIterator[dict[str, Door]]:
    async with AsyncExitStack() as stack:
        ours = sign_in(site.settings, signing.load(site.settings.secret, site.settings.data))
        ours.database = site.app.parts.database
        key = (await ours.keys.load()).signing
        session = json.loads(unb64(amy.token.split(".")[1]))["session_id"]
        good = Good(key, str(key.kid), ours.rules.issuer, str(amy.id), session)
        found = {"ours": Door(site.client, ours.verify, good, serves_sign_in=True)}
        for name, secret in ((ISSUERS[1], ""), (ISSUERS[2], LEGACY_SECRET)):
            keys = SigningKeys.es256("project-key")
            issuer = await stack.enter_async_context(jwks_server(keys))
            settings = Settings(
                data=tmp_path_factory.mktemp("data"), database_url=site.settings.database_url, secret="s" * 32,
                site_url="http://node.test", supabase_url=issuer.url, supabase_jwt_secret=secret, rate_limits="off",
                worker="off",
            )  # fmt: skip
            app = create(settings)
            await stack.enter_async_context(living(app))
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=settings.site_url))
            good = Good(keys.key, keys.kid, f"{issuer.url}/auth/v1", str(amy.id), session)
            found[name] = Door(client, app.parts.verify, good, serves_sign_in=False)
        yield found


@pytest.fixture(params=ISSUERS)
def door(request, doors) -> Door:
    return doors[request.param]


async def test_the_token_that_the_attacks_begin_with_is_taken(door):
    assert (await door.asks("/api/me", door.good.token())).status_code == 200
    if door.serves_sign_in:
        assert (await door.asks("/auth/v1/user", door.good.token())).status_code == 200
    for harmless in (
        door.good.with_header(typ=...),
        door.good.with_claims(aud=["authenticated"]),
        door.good.with_claims(sub=door.good.sub.upper()),
        door.good.with_claims(user_metadata={"x": "A" * 9000}),
        door.good.with_claims(
            user_metadata={"x": ["\\u0000", "\\\\u0000", "é\U0001f600", "<&>", 10**400, 1e308, None]}
        ),
        door.good.with_claims(user_metadata=json.loads("[" * 500 + "]" * 500)),
        door.good.with_claims(email={"not": "text"}, app_metadata=[1], aal=7, amr="x", is_anonymous="yes"),
    ):
        assert (await door.asks("/api/me", harmless)).status_code == 200


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_attack_is_refused(door, attack):
    assert not await door.takes(ATTACKS[attack](door.good))


@pytest.mark.parametrize("attack", [name for name in ATTACKS if name not in TRIMMED])
async def test_an_attack_over_http_is_a_401(door, attack):
    token = ATTACKS[attack](door.good)
    answer = await door.asks("/api/me", token)
    assert answer.status_code == 401, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert answer.json()["type"].endswith("/unauthenticated")
    assert "Traceback" not in answer.text
    answer = await door.asks("/auth/v1/user", token)
    if not door.serves_sign_in:
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    elif any(character.isspace() for character in token):
        assert (answer.status_code, answer.headers["x-sb-error-code"]) == (401, "no_authorization")
    else:
        assert (answer.status_code, answer.headers["x-sb-error-code"]) == (403, "bad_jwt")


@pytest.mark.parametrize(
    "attack", [name for name in ATTACKS if name.split(":")[0] in ("algorithm", "key", "signature")]
)
async def test_an_attack_in_a_cookie_makes_a_visitor(door, attack):
    answer = await door.client.get("/api/me", headers={"Cookie": f"vently_access={ATTACKS[attack](door.good)}"})
    assert answer.status_code == 401
    assert "vently_access=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0" in str(answer.headers.get_list("set-cookie"))


async def test_no_bit_of_a_token_may_be_flipped(door):
    parts = door.good.parts()
    for place, part in enumerate(parts):
        raw = unb64(part)
        for bit in range(len(raw) * 8):
            flipped = bytearray(raw)
            flipped[bit // 8] ^= 1 << bit % 8
            changed = [*parts[:place], b64(bytes(flipped)), *parts[place + 1 :]]
            assert not await door.takes(".".join(changed)), f"bit {bit} of part {place}"


async def test_a_token_cut_anywhere_is_none(door):
    token = door.good.token()
    for length in range(len(token)):
        assert not await door.takes(token[:length])


async def test_the_other_half_of_the_curve_is_a_good_signature_too(door):
    """(r, n-s) verifies wherever (r, s) does, and Supabase Auth signs with either: both are taken. Whoever makes the
    one from the other gains nothing: the claims stay, and nothing here is remembered by the text of a token.
    """
    assert await door.takes(door.good.resigned(lambda r, s: whole(r, ORDER - s)))


async def test_a_token_of_one_issuer_opens_no_other_door(doors):
    tokens = {name: door.good.token() for name, door in doors.items()}
    for issuer, token in tokens.items():
        for name, door in doors.items():
            assert await door.takes(token) == (name == issuer)


async def test_the_secret_opens_one_door_alone(doors):
    for name, door in doors.items():
        signed = door.good.hmac(LEGACY_SECRET.encode())
        expected = 200 if name == "project with a legacy secret" else 401
        for token in (signed, door.good.hmac(LEGACY_SECRET.encode(), kid=...)):
            assert (await door.asks("/api/me", token)).status_code == expected


async def test_somebody_who_does_not_exist_is_nobody(door):
    """A good token about a person who is gone: known by its signature, and refused."""
    answer = await door.asks("/api/me", door.good.with_claims(sub=str(uuid4()), session_id=str(uuid4())))
    assert answer.status_code in (401, 404), answer.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside, max_size=3),
    max_leaves=4,
)


@given(st.text() | st.from_regex(r"[\w.=+/-]{0,400}") | st.lists(st.binary(max_size=80), max_size=5).map(joined))
def test_whatever_is_sent_is_a_token_or_a_bad_token(text):
    with pytest.raises(BadToken):
        read(text)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_a_header_or_the_claims_are_is_refused_in_good_order(part):
    for token in (SAMPLE.token(part), SAMPLE.token(None, part)):
        with pytest.raises(BadToken):
            verified(token)


@given(st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "role", "session_id"]), JSON)
def test_whatever_a_claim_is_the_others_stay_what_they_must_be(name, value):
    try:
        claims = verified(SAMPLE.with_claims(**{name: value}))
    except BadToken:
        return
    good = SAMPLE.claims()
    assert claims["iss"] == good["iss"]
    assert claims["role"] == "authenticated"
    assert "authenticated" in claims["aud"]
    assert str(UUID(claims["sub"])) == good["sub"]
    assert time.time() < claims["exp"] < 2**40
    assert claims.get("nbf", 0) is not None
    assert claims.get("nbf", 0) <= time.time()


@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "jwk", "crit", "x"]), JSON))
def test_whatever_a_header_says_the_key_decides(header):
    told = {**SAMPLE.header, **header}
    if told != SAMPLE.header:
        with pytest.raises(BadToken):
            verified(SAMPLE.token(told))
