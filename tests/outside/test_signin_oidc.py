"""OpenID Connect against a real, certified provider; and against one that lies, by changing what the real one says."""

import asyncio
import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from issuer import CLIENT_ID, CLIENT_SECRET, Issuer, issuing, parameters
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from vently.outside.signin import ProviderRefused, asking, issuers
from vently.outside.signin.oidc import Oidc

BACK = "https://vently.example/auth/v1/callback"
VERIFIER = "a-verifier-of-at-least-forty-three-characters-long"
NONCE = "the nonce of this sign-in"
OURS = RSAKey.generate_key(2048, parameters={"kid": "a key of the tests"})


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing(BACK) as running:
        yield running


@pytest.fixture(scope="module")
def slim_issuer() -> Iterator[Issuer]:
    with issuing(BACK, slim=True) as running:
        yield running


class Liar(httpx.AsyncBaseTransport):
    """The wire to the real provider; `lies` by path change the JSON that comes back."""

    def __init__(self, **lies: Callable[[Any], Any]) -> None:
        self.lies = lies
        self.asked: list[str] = []
        self._wire = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.rsplit("/", 1)[-1].replace("-", "_")
        self.asked.append(path)
        answer = await self._wire.handle_async_request(request)
        body = await answer.aread()
        if lie := self.lies.get(path):
            told = lie(json.loads(body))
            return told if isinstance(told, httpx.Response) else httpx.Response(answer.status_code, json=told)
        return httpx.Response(answer.status_code, content=body)


def oidc(issuer: Issuer, **lies: Callable[[Any], Any]) -> Oidc:
    return Oidc(issuer.url, CLIENT_ID, CLIENT_SECRET, wire=Liar(**lies))


async def came_back(provider: Oidc, issuer: Issuer, login: str = "alice@example.com") -> dict[str, str]:
    address = await provider.address(state="s", nonce=NONCE, code_verifier=VERIFIER, redirect_uri=BACK)
    back = await issuer.signs_in(address, login)
    assert back.startswith(f"{BACK}?")
    return parameters(back)


async def signs_in(provider: Oidc, issuer: Issuer, login: str = "alice@example.com", **otherwise: str) -> Any:
    answer = await came_back(provider, issuer, login)
    asked = {"nonce": NONCE, "code_verifier": VERIFIER, "redirect_uri": BACK} | otherwise
    return await provider.grant(answer=answer, **asked)


async def test_alice_is_who_the_provider_says(issuer: Issuer):
    grant = await signs_in(oidc(issuer), issuer)
    assert grant.claimed.subject == "alice@example.com"
    assert (grant.claimed.email, grant.claimed.email_verified) == ("alice@example.com", True)
    assert (grant.claimed.name, grant.claimed.picture) == ("alice", "https://pictures.example/face.png")
    assert grant.provider_token


async def test_what_the_id_token_leaves_out_is_asked_for(slim_issuer: Issuer):
    grant = await signs_in(oidc(slim_issuer), slim_issuer, "unverified.bob@example.com")
    assert (grant.claimed.email, grant.claimed.email_verified) == ("unverified.bob@example.com", False)
    grant = await signs_in(oidc(slim_issuer), slim_issuer, "nameless.bob")
    assert (grant.claimed.subject, grant.claimed.email, grant.claimed.email_verified) == (
        "nameless.bob", None, False,
    )  # fmt: skip


async def test_the_address_asks_with_a_challenge_and_takes_hints_but_no_orders(issuer: Issuer):
    address = await oidc(issuer).address(
        state="s", nonce=NONCE, code_verifier=VERIFIER, redirect_uri=BACK, scopes=["calendar", "openid"],
        more={"prompt": "login", "redirect_uri": "https://evil.example", "state": "mine", "response_type": "token"},
    )  # fmt: skip
    asked = parameters(address)
    assert asked["code_challenge_method"] == "S256"
    assert VERIFIER not in address
    assert (asked["redirect_uri"], asked["state"], asked["response_type"]) == (BACK, "s", "code")
    assert (asked["prompt"], asked["scope"], asked["nonce"]) == ("login", "openid email profile calendar", NONCE)


async def test_a_code_is_worth_nothing_without_its_verifier_or_a_second_time(issuer: Issuer):
    with pytest.raises(ProviderRefused, match="invalid_grant"):
        await signs_in(oidc(issuer), issuer, code_verifier="x" * 50)
    provider = oidc(issuer)
    answer = await came_back(provider, issuer)
    asked = {"answer": answer, "nonce": NONCE, "code_verifier": VERIFIER, "redirect_uri": BACK}
    await provider.grant(**asked)
    with pytest.raises(ProviderRefused, match="invalid_grant"):
        await provider.grant(**asked)


async def test_who_declines_is_told_so(issuer: Issuer):
    provider = oidc(issuer)
    address = await provider.address(state="s", nonce=NONCE, code_verifier=VERIFIER, redirect_uri=BACK)
    answer = parameters(await issuer.declines(address))
    with pytest.raises(ProviderRefused, match="aborted") as refused:
        await provider.grant(answer=answer, nonce=NONCE, code_verifier=VERIFIER, redirect_uri=BACK)
    assert refused.value.code == "access_denied"


@pytest.mark.parametrize("sender", ["https://evil.example", "", "HTTP://127.0.0.1", None])
async def test_an_answer_of_another_issuer_is_not_redeemed(issuer: Issuer, sender: str | None):
    provider = oidc(issuer)
    answer = await came_back(provider, issuer)
    answer.pop("iss")
    if sender is not None:
        answer["iss"] = sender
    wire = provider._wire
    before = len(wire.asked)
    with pytest.raises(ProviderRefused, match="does not come from"):
        await provider.grant(answer=answer, nonce=NONCE, code_verifier=VERIFIER, redirect_uri=BACK)
    assert len(wire.asked) == before, "the code went nowhere"


async def test_a_missing_sender_is_forgiven_where_none_is_promised(issuer: Issuer):
    provider = oidc(
        issuer, openid_configuration=lambda said: {**said, "authorization_response_iss_parameter_supported": False}
    )
    answer = await came_back(provider, issuer)
    del answer["iss"]
    await provider.grant(answer=answer, nonce=NONCE, code_verifier=VERIFIER, redirect_uri=BACK)
    with pytest.raises(ProviderRefused, match="does not come from"):
        await provider.grant(answer=answer | {"iss": "x"}, nonce=NONCE, code_verifier=VERIFIER, redirect_uri=BACK)


def claims(issuer: Issuer, **otherwise: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {"iss": issuer.url, "sub": "sub-1", "aud": CLIENT_ID, "exp": now + 300, "iat": now, "nonce": NONCE}
    said = usual | {"email": "alice@example.com", "email_verified": True} | otherwise
    return {name: value for name, value in said.items() if value is not ...}


def signed(said: dict[str, Any], key: Any = OURS, **header: Any) -> str:
    return jwt.encode({"alg": "RS256", "kid": key.kid, **header}, said, key, algorithms=["RS256", "HS256", "none"])


def published(keys: Any) -> dict[str, Any]:
    return {"keys": [*keys["keys"], OURS.as_dict(private=False)]}


async def test_the_tests_own_key_is_believed_when_the_issuer_publishes_it(issuer: Issuer):
    """The control of the next tests."""
    provider = oidc(issuer, jwks=published, token=lambda said: said | {"id_token": signed(claims(issuer))})
    assert (await signs_in(provider, issuer)).claimed.subject == "sub-1"


LIES: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "issuer with a slash more": {"iss": "http://127.0.0.1/"},
    "no issuer": {"iss": ...},
    "another audience": {"aud": "another"},
    "no audience": {"aud": ...},
    "one of several, for nobody in particular": {"aud": [CLIENT_ID, "another"]},
    "made for another": {"azp": "another"},
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": ...},
    "a nonce that is no text": {"nonce": [NONCE]},
    "expired": {"exp": 1_700_000_000},
    "no end": {"exp": ...},
    "an end that is no number": {"exp": "soon"},
    "an endless one": {"exp": float("nan")},
    "from the future": {"iat": time.time() + 3600},
    "not yet valid": {"nbf": time.time() + 3600},
    "no time": {"iat": ...},
    "nobody": {"sub": ...},
    "an empty name": {"sub": ""},
    "a number for a name": {"sub": 1},
    "a name too long": {"sub": "x" * 256},
}


@pytest.mark.parametrize("lie", LIES)
async def test_an_id_token_that_is_not_for_us_now_is_not_believed(issuer: Issuer, lie: str):
    provider = oidc(issuer, jwks=published, token=lambda said: said | {"id_token": signed(claims(issuer, **LIES[lie]))})
    with pytest.raises(ProviderRefused, match=r"cannot be believed|has expired"):
        await signs_in(provider, issuer)


def _stranger(**parameters: Any) -> RSAKey:
    return RSAKey.generate_key(2048, parameters=parameters)


def _unsigned(said: dict[str, Any]) -> str:
    key = OctKey.generate_key(256, parameters={"kid": OURS.kid})
    return jwt.encode({"alg": "none", "kid": OURS.kid}, said, key, algorithms=["none"])


def _confused(said: dict[str, Any]) -> str:
    secret = OctKey.import_key(OURS.as_pem(private=False) + b" ", parameters={"kid": OURS.kid})
    return jwt.encode({"alg": "HS256", "kid": OURS.kid}, said, secret, algorithms=["HS256"])


def _brought(said: dict[str, Any]) -> str:
    stranger = _stranger(kid=OURS.kid)
    return signed(said, stranger, jwk=stranger.as_dict(private=False))


def _headed(header: dict[str, Any], said: dict[str, Any]) -> str:
    """Signed rightly, whatever the header says."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, said)]
    text = b".".join(parts)
    signature = OURS.private_key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


FORGED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "unsigned": _unsigned,
    "HS256 with the public key as the secret": _confused,
    "HS256 with the client's secret": lambda said: jwt.encode(
        {"alg": "HS256"}, said, OctKey.import_key(CLIENT_SECRET * 2), algorithms=["HS256"]
    ),
    "a stranger's key under our id": lambda said: signed(said, _stranger(kid=OURS.kid)),
    "a stranger's key": lambda said: signed(said, _stranger(kid="unknown")),
    "a key it brings along": _brought,
    "an address for its key": lambda said: signed(said, _stranger(kid="x"), jku="https://evil.example/keys"),
    "another kind of key": lambda said: jwt.encode(
        {"alg": "ES256", "kid": OURS.kid}, said, ECKey.generate_key("P-256"), algorithms=["ES256"]
    ),
    "an algorithm the issuer does not offer": lambda said: jwt.encode(
        {"alg": "PS256", "kid": OURS.kid}, said, OURS, algorithms=["PS256"]
    ),
    "cut short": lambda said: signed(said)[:-10],
    "without signature": lambda said: signed(said).rsplit(".", 1)[0] + ".",
    "no token": lambda _: "x",
    "dots": lambda _: "..",
    "a list": lambda said: [signed(said)],
    "nothing": lambda _: None,
    "a kid that is a list": lambda said: _headed({"alg": "RS256", "kid": [OURS.kid]}, said),
    "an unknown matter of importance": lambda said: _headed({"alg": "RS256", "kid": OURS.kid, "crit": ["x"]}, said),
    "an algorithm that is a list": lambda said: _headed({"alg": ["RS256"], "kid": OURS.kid}, said),
    "an empty header": lambda said: _headed({}, said),
    "too long": lambda said: signed(said | {"x": "x" * 20_000}),
}


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("forgery", FORGED)
async def test_a_forged_id_token_is_not_believed(issuer: Issuer, forgery: str):
    provider = oidc(issuer, jwks=published, token=lambda said: said | {"id_token": FORGED[forgery](claims(issuer))})
    with pytest.raises(ProviderRefused, match=r"cannot be (believed|understood)"):
        await signs_in(provider, issuer)


async def test_new_keys_are_found_and_unknown_ones_do_not_make_us_ask_again_and_again(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
):
    keys: list[dict[str, Any]] = []
    provider = oidc(
        issuer,
        jwks=lambda said: {"keys": said["keys"] + keys},
        token=lambda said: said | ({"id_token": signed(claims(issuer))} if asked else {}),
    )
    asked = False
    await signs_in(provider, issuer)
    asked = True
    for _ in range(3):
        with pytest.raises(ProviderRefused):
            await signs_in(provider, issuer)
    assert provider._wire.asked.count("jwks") == 1
    keys.append(OURS.as_dict(private=False))
    monkeypatch.setattr(issuers, "ASK_AGAIN_AFTER", -1.0)
    assert (await signs_in(provider, issuer)).claimed.subject == "sub-1"
    assert provider._wire.asked.count("openid_configuration") == 1


@pytest.mark.parametrize("said", [{"sub": "sub-eve"}, {}, [], {"sub": ["alice@example.com"]}])
async def test_details_of_somebody_else_are_not_taken(slim_issuer: Issuer, said: Any):
    provider = oidc(slim_issuer, me=lambda _: said)
    with pytest.raises(ProviderRefused, match="somebody else"):
        await signs_in(provider, slim_issuer)


async def test_an_address_and_its_proof_come_from_one_mouth(issuer: Issuer):
    """The ID token has an address it does not vouch for; userinfo vouches for another."""
    half = signed(claims(issuer, email="victim@example.com", email_verified=...))
    provider = oidc(
        issuer, jwks=published, token=lambda said: said | {"id_token": half},
        me=lambda _: {"sub": "sub-1", "email": "eve@example.com", "email_verified": True},
    )  # fmt: skip
    claimed = (await signs_in(provider, issuer)).claimed
    assert (claimed.email, claimed.email_verified) == ("eve@example.com", True)
    provider = oidc(
        issuer, jwks=published, token=lambda said: said | {"id_token": half},
        me=lambda _: {"sub": "sub-1", "email_verified": True},
    )  # fmt: skip
    claimed = (await signs_in(provider, issuer)).claimed
    assert claimed.email_verified is False


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "ftp://127.0.0.1/jwks"},
        {"userinfo_endpoint": "https://somebody@evil.example/"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": 7},
    ],
)
async def test_metadata_that_is_not_the_issuers_is_refused(issuer: Issuer, lie: dict[str, Any]):
    provider = oidc(issuer, openid_configuration=lambda said: said | lie)
    with pytest.raises(ProviderRefused):
        await provider.address(state="s", nonce=NONCE, code_verifier=VERIFIER, redirect_uri=BACK)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(302, headers={"location": "https://evil.example"}),
        httpx.Response(200, content=b"x" * (asking.LARGEST + 1)),
        httpx.Response(200, content=b"[" * 100_000),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, content=b"\x1f\x8b", headers={"content-encoding": "gzip"}),
        httpx.Response(500),
        httpx.Response(200, json={"keys": {}}),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"error": {"message": "odd"}}),
        httpx.Response(200, json={"access_token": 7, "token_type": 7, "expires_in": "x"}),
    ],
    ids=map(str, range(10)),
)
@pytest.mark.parametrize("where", ["openid_configuration", "jwks", "token"])
async def test_an_answer_that_is_none_is_a_refusal_in_one_sentence(issuer: Issuer, where: str, answer: httpx.Response):
    provider = oidc(issuer, **{where: lambda _: answer})
    with pytest.raises(ProviderRefused) as refused:
        await signs_in(provider, issuer)
    assert str(refused.value).startswith(("OpenID Connect", "The proof"))
    assert str(refused.value).endswith(".")


async def test_a_provider_that_is_down_or_dawdles_does_not_keep_us(monkeypatch: pytest.MonkeyPatch):
    asked = {"state": "s", "nonce": NONCE, "code_verifier": VERIFIER, "redirect_uri": BACK}
    with pytest.raises(ProviderRefused, match="cannot be reached"):
        await Oidc("http://127.0.0.1:9", CLIENT_ID).address(**asked)

    async def dawdle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.05)

    monkeypatch.setattr(asking, "SECONDS", 0.3)
    server = await asyncio.start_server(dawdle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    started = time.monotonic()
    with pytest.raises(ProviderRefused, match="cannot be reached"):
        await Oidc(f"http://127.0.0.1:{port}", CLIENT_ID).address(**asked)
    assert time.monotonic() - started < 3
    server.close()


async def test_an_issuer_that_failed_is_left_alone_for_a_moment_and_then_asked_again(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
):
    asked = {"state": "s", "nonce": NONCE, "code_verifier": VERIFIER, "redirect_uri": BACK}
    provider = oidc(issuer, openid_configuration=lambda _: httpx.Response(503))
    for outcome in await asyncio.gather(*(provider.address(**asked) for _ in range(5)), return_exceptions=True):
        assert isinstance(outcome, ProviderRefused)
    assert provider._wire.asked == ["openid_configuration"]
    provider._wire.lies.clear()
    monkeypatch.setattr(issuers, "REST", -1.0)
    assert (await provider.address(**asked)).startswith(issuer.url)
    provider._wire.lies["openid_configuration"] = lambda _: httpx.Response(503)
    monkeypatch.setattr(issuers, "FRESH_FOR", -1.0)
    assert (await provider.address(**asked)).startswith(issuer.url), "what was known still serves"


@pytest.mark.parametrize(
    "address", ["http://evil.example", "ftp://x", "", "https://", "https://user@host", "//evil.example", "http://[::1"]
)
def test_an_issuer_is_spoken_to_in_secret(address: str):
    with pytest.raises(ValueError, match="https"):
        Oidc(address, CLIENT_ID)
