"""Tokens of a Supabase project: whose keys are taken, how often they are asked for, what is done when it is silent."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from joserfc.jwk import ECKey, OctKey, RSAKey
from jwks_server import PATH, JwksServer, SigningKeys, jwks_server

from vently.refusals import Unavailable
from vently.settings import SettingsError
from vently.supabase import jwks, project_keys
from vently.supabase.project import Project
from vently.supabase.tokens import BadToken, Expired

SECRET = "a legacy secret of the project, long enough"


class Clock:
    """Seconds that go on when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def issuer() -> AsyncIterator[JwksServer]:
    async with jwks_server(SigningKeys.es256()) as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def project(issuer: JwksServer, clock: Clock) -> AsyncIterator[Project]:
    project = trusting(issuer, clock)
    yield project
    await project.close()


def trusting(server: JwksServer, clock: Clock | None = None, **options: Any) -> Project:
    project = Project(server.url, **options)
    project.keys._now = clock or Clock()
    return project


async def fetched(project: Project) -> None:
    if fetching := project.keys.warm():
        await fetching


async def is_taken(project: Project, token: str) -> bool:
    try:
        return bool(await project.verify(token))
    except BadToken:
        return False


# Whose keys


@pytest.mark.parametrize("make", [SigningKeys.es256, SigningKeys.rs256, SigningKeys.eddsa])
async def test_a_token_of_the_project_is_taken(make):
    keys = make()
    async with jwks_server(keys) as issuer:
        project = trusting(issuer)
        claims = issuer.claims()
        assert await project.verify(keys.sign(claims)) == claims
        with pytest.raises(Expired, match="expired"):
            await project.verify(keys.sign(issuer.claims(exp=int(time.time()) - 1)))
        stranger = make(keys.kid)
        with pytest.raises(BadToken, match="signature"):
            await project.verify(stranger.sign(claims))
        await project.close()


async def test_a_key_signs_with_its_own_algorithm_alone(issuer, project):
    es, rs, ed = SigningKeys.es256("a"), SigningKeys.rs256("b"), SigningKeys.eddsa("c")
    issuer.keys = [es, rs, ed]
    for signer in (es, rs, ed):
        assert await is_taken(project, signer.sign(issuer.claims()))
        for other in (es, rs, ed):
            if other is not signer:
                assert not await is_taken(project, signer.sign(issuer.claims(), kid=other.kid))


ODD_KEYS = {
    "a symmetric key": lambda: {**OctKey.import_key(SECRET).as_dict(), "kid": "odd", "alg": "HS256"},
    "a symmetric key that says it is EC": lambda: {**published(), "k": "c2VjcmV0"},
    "a private key": lambda: {**ECKey.generate_key("P-256").as_dict(private=True), "kid": "odd"},
    "a private RSA key": lambda: {**RSAKey.generate_key(2048).as_dict(private=True), "kid": "odd"},
    "no kid": lambda: published(kid=...),
    "an empty kid": lambda: published(kid=""),
    "a kid that is a number": lambda: published(kid=7),
    "another curve": lambda: {**ECKey.generate_key("P-384").as_dict(private=False), "kid": "odd"},
    "a curve that is a list": lambda: published(crv=["P-256"]),
    "Bitcoin's curve": lambda: {**ECKey.generate_key("secp256k1").as_dict(private=False), "kid": "odd"},
    "a short RSA key": lambda: SigningKeys.rs256("odd", 1024).published,
    "an RSA key without end": lambda: {"kty": "RSA", "kid": "odd", "n": "_" * 3000, "e": "AQAB"},
    "a key for encryption": lambda: published(use="enc"),
    "a key that signs and does not verify": lambda: published(key_ops=["sign"]),
    "operations that are no list": lambda: published(key_ops=7),
    "another algorithm": lambda: published(alg="HS256"),
    "an algorithm that is null": lambda: published(alg=None),
    "a point beside the curve": lambda: published(x="AAAA"),
    "no point": lambda: published(x=...),
    "coordinates that are numbers": lambda: published(x=1, y=2),
    "no kind": lambda: published(kty=...),
    "an odd kind": lambda: published(kty=["EC"]),
    "text": lambda: "key",
    "null": lambda: None,
}


def published(**changes: Any) -> dict[str, Any]:
    key = {**SigningKeys.es256("odd").published, **changes}
    return {name: value for name, value in key.items() if value is not ...}


@pytest.mark.parametrize("odd", ODD_KEYS)
def test_a_key_that_may_not_verify_is_ignored_and_the_others_stay(odd):
    good = SigningKeys.es256().published
    found = jwks.parse(json.dumps({"keys": [ODD_KEYS[odd](), good]}).encode())
    assert set(found.usable) == {"one"}
    assert len(found.ignored) == 1


def test_of_two_keys_with_one_kid_the_second_is_ignored():
    first, second = SigningKeys.es256(), SigningKeys.es256()
    found = jwks.parse(json.dumps({"keys": [first.published, second.published]}).encode())
    assert found.usable["one"].key.as_dict()["x"] == first.published["x"]
    assert len(found.ignored) == 1


def test_a_key_that_says_nothing_of_its_use_is_taken():
    key = SigningKeys.es256().published
    bare = {name: key[name] for name in ("kty", "crv", "x", "y", "kid")}
    assert jwks.parse(json.dumps({"keys": [bare]}).encode()).usable


# The legacy secret


async def test_the_legacy_secret_counts_only_where_it_is_set(issuer, project):
    token = SigningKeys.hs256(SECRET).sign(issuer.claims())
    assert not await is_taken(project, token)
    legacy = trusting(issuer, hs256_secret=SECRET)
    assert await is_taken(legacy, token)
    assert await is_taken(legacy, issuer.keys[0].sign(issuer.claims())), "while keys go on counting"
    assert not await is_taken(legacy, SigningKeys.hs256(SECRET + "x").sign(issuer.claims()))
    assert not await is_taken(legacy, SigningKeys.hs256(SECRET).sign(issuer.claims(exp=...)))
    await legacy.close()


async def test_a_public_key_never_stands_in_for_the_secret(issuer):
    one = issuer.keys[0]
    pem = one.key.public_key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()
    project = trusting(issuer, hs256_secret=SECRET)
    for secret in (json.dumps(one.published), one.published["x"], "one"):
        for kid in ({}, {"kid": "one"}):
            assert not await is_taken(project, SigningKeys.hs256(secret).sign(issuer.claims(), **kid))
    await project.close()
    for known in (pem, json.dumps(one.published), "sb_publishable_" + "x" * 40, one.sign(issuer.claims())):
        with pytest.raises(SettingsError, match="SUPABASE_JWT_SECRET is a key that others have too"):
            Project(issuer.url, hs256_secret=known)
    with pytest.raises(SettingsError, match="has only 6 characters"):
        Project(issuer.url, hs256_secret="secret")


async def test_a_token_signed_with_the_secret_takes_no_fetch(issuer):
    for secret in ("", SECRET):
        asked = trusting(issuer, hs256_secret=secret)
        await is_taken(asked, SigningKeys.hs256(SECRET).sign(issuer.claims()))
        await is_taken(asked, SigningKeys.hs256(SECRET).sign(issuer.claims(), kid="one"))
        await asked.close()
    assert issuer.asked == []


# How often it is asked


async def test_keys_are_fetched_once_for_many_who_come_at_once(issuer, project):
    issuer.delay = 0.2
    tokens = [issuer.keys[0].sign(issuer.claims()) for _ in range(200)]
    claims = await asyncio.gather(*map(project.verify, tokens))
    assert len(claims) == 200
    assert len(issuer.asked) == 1


async def test_a_thousand_unknown_kids_make_two_fetches_at_most(issuer, project, clock):
    await fetched(project)
    clock.now += project_keys.GAP
    forged = [SigningKeys(f"kid-{n}", issuer.keys[0].key).sign(issuer.claims()) for n in range(1000)]
    taken = await asyncio.gather(*(is_taken(project, token) for token in forged))
    assert not any(taken)
    assert len(issuer.asked) == 2
    for token in forged[:100]:
        clock.now += 0.2
        assert not await is_taken(project, token)
    assert len(issuer.asked) == 2, "nor when they come one after another"


async def test_a_new_key_of_the_project_is_found_as_soon_as_it_signs(issuer, project, clock):
    assert await is_taken(project, issuer.keys[0].sign(issuer.claims()))
    new = SigningKeys.es256("two")
    issuer.keys.append(new)
    assert not await is_taken(project, new.sign(issuer.claims())), "within half a minute of a fetch"
    clock.now += project_keys.GAP
    assert await is_taken(project, new.sign(issuer.claims()))
    assert await is_taken(project, issuer.keys[0].sign(issuer.claims()))
    assert len(issuer.asked) == 2


async def test_a_key_that_was_taken_back_stops_counting(issuer, project, clock):
    old = issuer.keys[0]
    assert await is_taken(project, old.sign(issuer.claims()))
    issuer.keys = [SigningKeys.es256("two")]
    clock.now += project_keys.FRESH
    assert await is_taken(project, old.sign(issuer.claims()))
    await asyncio.sleep(0.1)
    assert len(issuer.asked) == 1, "for ten minutes"
    clock.now += 1
    assert await is_taken(project, old.sign(issuer.claims())), "nobody waits for the fetch that this one begins"
    async with asyncio.timeout(10):
        while await is_taken(project, old.sign(issuer.claims())):
            await asyncio.sleep(0.01)
    assert len(issuer.asked) == 2
    assert await is_taken(project, issuer.keys[0].sign(issuer.claims()))


async def test_a_key_taken_back_at_night_does_not_open_the_first_door_of_the_morning(issuer, clock, monkeypatch):
    monkeypatch.setattr(project_keys, "FRESH", 0.05)
    project = trusting(issuer, clock)
    await project.open()
    old = issuer.keys[0]
    assert await is_taken(project, old.sign(issuer.claims()))
    issuer.keys = [SigningKeys.es256("two")]
    clock.now += project_keys.GAP
    async with asyncio.timeout(10):
        while len(issuer.asked) < 2 or project.keys._fetching:
            await asyncio.sleep(0.01)
    assert not await is_taken(project, old.sign(issuer.claims()))
    await project.close()


async def test_rotation_under_traffic_fails_nobody_and_keeps_nobody_waiting(issuer, project, clock):
    """As Supabase rotates: the next key is published long before it signs, the last one stays until its tokens end."""
    first, second = issuer.keys[0], SigningKeys.es256("two")
    await fetched(project)
    issuer.keys.append(second)
    issuer.delay = 0.2
    slowest = 0.0
    for turn in range(400):
        clock.now += project_keys.FRESH / 20
        signer = first if turn < 200 else second
        started = time.perf_counter()
        assert await is_taken(project, signer.sign(issuer.claims())), turn
        slowest = max(slowest, time.perf_counter() - started)
        await asyncio.sleep(0.001)
    assert len(issuer.asked) > 2
    assert slowest < 0.15


async def test_a_project_may_take_back_its_last_key(issuer, project, clock):
    old = issuer.keys[0]
    assert await is_taken(project, old.sign(issuer.claims()))
    issuer.keys = []
    clock.now += project_keys.FRESH + 1
    await fetched(project)
    assert not await is_taken(project, old.sign(issuer.claims())), "no keys is an answer, not a fault"


async def test_whoever_goes_away_does_not_take_the_fetch_with_them(issuer, project):
    issuer.delay = 0.3
    token = issuer.keys[0].sign(issuer.claims())
    impatient = asyncio.create_task(project.verify(token))
    await asyncio.sleep(0.1)
    patient = asyncio.create_task(project.verify(token))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient
    assert len(issuer.asked) == 1


# When it does not answer as it should

FAULTS = {
    "an error": {"status": "500 Internal Server Error"},
    "not found": {"status": "404 Not Found"},
    "a redirect to somebody's keys": {"status": "302 Found", "headers": {"Location": "{evil}"}},
    "a lasting redirect": {"status": "308 Permanent Redirect", "headers": {"Location": "{evil}"}},
    "a page": {"body": b"<!doctype html><title>Project paused</title>"},
    "nothing": {"body": b""},
    "no object": {"body": b"[]"},
    "an object without keys": {"body": b"{}"},
    "keys that are no list": {"body": b'{"keys": {}}'},
    "keys twice": {"body": b'{"keys": [], "keys": []}'},
    "not UTF-8": {"body": b'{"keys": ["\xff"]}'},
    "nested without end": {"body": b"[" * 60_000},
    "too many keys": {"body": json.dumps({"keys": [{}] * 65}).encode()},
    "a megabyte": {"body": b'{"keys": []}' + b" " * 1_000_000},
    "a little more than is read": {"body": b'{"keys": []}' + b" " * jwks.LARGEST},
    "a small bomb": {"body": gzip.compress(b" " * 50_000_000), "headers": {"Content-Encoding": "gzip"}},
    "a length that is a lie": {"headers": {"Content-Length": "5000"}},
    "silence and a closed door": {"silent": True},
    "slowness": {"delay": 1.0},
    "a byte at a time": {"trickle": 0.02},
}


@pytest.fixture(params=FAULTS)
async def faulty(request, issuer, monkeypatch) -> AsyncIterator[JwksServer]:
    monkeypatch.setattr(jwks, "SECONDS", 0.3)
    async with jwks_server(SigningKeys.es256("evil")) as evil:
        for name, value in FAULTS[request.param].items():
            setattr(issuer, name, value)
        issuer.headers = {k: v.format(evil=evil.url + PATH) for k, v in issuer.headers.items()}
        yield issuer
        assert evil.asked == [], "nobody is sent to another place for keys"


async def test_without_keys_who_somebody_is_cannot_be_said(faulty, project, clock):
    """503, not 401: a browser that is told 401 would sign the person out."""
    token = faulty.keys[0].sign(faulty.claims())
    with pytest.raises(Unavailable):
        await project.verify(token)
    with pytest.raises(Unavailable):
        await project.verify(token)
    assert len(faulty.asked) == 1, "it is not asked again at once"
    with pytest.raises(BadToken):
        await project.verify("no.token.atall")
    faulty.well()
    clock.now += project_keys.GAP_WITHOUT_KEYS
    assert await is_taken(project, token)


async def test_keys_at_hand_go_on_counting_for_a_day_and_nobody_waits(faulty, project, clock):
    faults = vars(faulty).copy()
    faulty.well()
    await fetched(project)
    vars(faulty).update(faults, asked=faulty.asked)
    token = faulty.keys[0].sign(faulty.claims())
    for hours in (1, 8, 12):
        clock.now += hours * 3600
        started = time.perf_counter()
        assert await is_taken(project, token)
        assert time.perf_counter() - started < 0.25
        await fetched(project)
    assert len(faulty.asked) == 4
    clock.now += 4 * 3600
    with pytest.raises(Unavailable):
        await project.verify(token)
    faulty.well()
    clock.now += project_keys.GAP_WITHOUT_KEYS
    assert await is_taken(project, token)


async def test_a_stranger_with_an_unknown_kid_is_refused_while_it_is_down(issuer, project, clock):
    await fetched(project)
    issuer.silent = True
    clock.now += project_keys.GAP
    assert not await is_taken(project, SigningKeys.es256("stranger").sign(issuer.claims()))


async def test_nobody_listens_there():
    async with jwks_server(SigningKeys.es256()) as issuer:
        pass
    project = Project(issuer.url)
    with pytest.raises(Unavailable):
        await project.verify(issuer.keys[0].sign(issuer.claims()))
    await project.close()


async def test_a_client_that_follows_redirects_does_not_do_so_for_keys(issuer):
    async with jwks_server(SigningKeys.es256("evil")) as evil, httpx.AsyncClient(follow_redirects=True) as client:
        issuer.status = "302 Found"
        issuer.headers = {"Location": evil.url + PATH}
        with pytest.raises(Unavailable):
            await Project(issuer.url, client=client).verify(evil.keys[0].sign(issuer.claims()))
        assert evil.asked == []


# Whom the token is about


async def test_the_issuer_is_the_project_or_as_told(issuer):
    elsewhere = trusting(issuer, issuer="https://auth.example.org/auth/v1")
    assert await is_taken(elsewhere, issuer.keys[0].sign(issuer.claims(iss="https://auth.example.org/auth/v1")))
    assert not await is_taken(elsewhere, issuer.keys[0].sign(issuer.claims()))
    await elsewhere.close()
    slash = Project(issuer.url + "/")
    assert await is_taken(slash, issuer.keys[0].sign(issuer.claims()))
    await slash.close()


async def test_tokens_of_supabase_are_taken_as_they_are(issuer, project):
    """The shape a hosted project writes, with all of its claims."""
    now = int(time.time())
    claims = issuer.claims(
        phone="", aal="aal2", is_anonymous=False, iat=now + 2,
        amr=[{"method": "totp", "timestamp": now}, {"method": "password", "timestamp": now - 60}],
        app_metadata={"provider": "email", "providers": ["email", "github"]},
        user_metadata={"name": "Zoë", "email_verified": True, "sub": str(uuid4()), "deep": {"a": [1, None, 1.5]}},
    )  # fmt: skip
    assert await project.verify(issuer.keys[0].sign(claims)) == claims
    assert await project.verify(issuer.keys[0].sign(issuer.claims(aud=["authenticated", "x"])))
    assert await project.verify(issuer.keys[0].sign(issuer.claims(exp=now + 0.5 + 60, session_id="")))
