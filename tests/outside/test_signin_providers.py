"""Google, Apple, GitHub and Facebook, by the shapes of their answers as their documentation gives them."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from issuer import parameters
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from vently.outside.signin import Grant, Provider, ProviderRefused
from vently.outside.signin.apple import Apple
from vently.outside.signin.facebook import Facebook
from vently.outside.signin.github import GitHub
from vently.outside.signin.google import google

BACK = "https://vently.example/auth/v1/callback"
ASKED = {"nonce": "n", "code_verifier": "v" * 50, "redirect_uri": BACK}
THEIRS = RSAKey.generate_key(2048, parameters={"kid": "theirs"})
OF_APPLE = ECKey.generate_key("P-256")


class Recorded(httpx.MockTransport):
    """Answers by host and path, and keeps what was asked."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.asked: dict[str, httpx.Request] = {}

        def answer(request: httpx.Request) -> httpx.Response:
            at = f"{request.url.host}{request.url.path}"
            self.asked[at] = request
            said = answers[at]
            return said if isinstance(said, httpx.Response) else httpx.Response(200, json=said)

        super().__init__(answer)

    def form(self, at: str) -> dict[str, str]:
        return {name: value for name, (value,) in parse_qs(self.asked[at].content.decode()).items()}


def id_token(issuer: str, **claims: Any) -> str:
    now = int(time.time())
    said = {"iss": issuer, "aud": "us", "exp": now + 600, "iat": now, "nonce": "n", **claims}
    return jwt.encode({"alg": "RS256", "kid": "theirs"}, said, THEIRS)


KEYS = {"keys": [{**THEIRS.as_dict(private=False), "alg": "RS256", "use": "sig"}]}


async def address_of(provider: Provider, **more: str) -> dict[str, str]:
    address = await provider.address(state="s", **ASKED, more=more)
    return parameters(address) | {"": address.split("?")[0]}


async def granted(provider: Provider, **answer: str) -> Grant:
    return await provider.grant(answer={"code": "c", "state": "s", **answer}, **ASKED)


def of_google(**claims: Any) -> Recorded:
    said = {"sub": "110169484474386276334", "email": "alice@gmail.com", "email_verified": True, **claims}
    return Recorded({
        "accounts.google.com/.well-known/openid-configuration": {
            "issuer": "https://accounts.google.com",
            "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
            "token_endpoint": "https://oauth2.googleapis.com/token",
            "userinfo_endpoint": "https://openidconnect.googleapis.com/v1/userinfo",
            "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs",
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "code_challenge_methods_supported": ["plain", "S256"],
        },
        "www.googleapis.com/oauth2/v3/certs": KEYS,
        "oauth2.googleapis.com/token": {
            "access_token": "ya29.a", "expires_in": 3599, "scope": "openid", "token_type": "Bearer",
            "refresh_token": "1//r", "id_token": id_token(said.pop("iss", "https://accounts.google.com"), **said),
        },
    })  # fmt: skip


async def test_google():
    wire = of_google(name="Alice A.", picture="https://lh3.googleusercontent.com/a/x=s96-c", hd="example.com")
    provider = google("us", "secret", wire=wire)
    asked = await address_of(provider, access_type="offline", prompt="consent")
    assert (asked["access_type"], asked["code_challenge_method"], asked["scope"]) == (
        "offline", "S256", "openid email profile",
    )  # fmt: skip
    grant = await granted(provider, scope="email openid", authuser="0", prompt="none")
    assert (grant.claimed.subject, grant.claimed.email, grant.claimed.email_verified, grant.claimed.name) == (
        "110169484474386276334", "alice@gmail.com", True, "Alice A.",
    )  # fmt: skip
    assert (grant.provider_token, grant.provider_refresh_token) == ("ya29.a", "1//r")
    form = wire.form("oauth2.googleapis.com/token")
    assert (form["client_id"], form["client_secret"], form["code_verifier"]) == ("us", "secret", "v" * 50)


async def test_google_by_its_other_name():
    assert (await granted(google("us", "secret", wire=of_google(iss="accounts.google.com")))).claimed.email_verified
    with pytest.raises(ProviderRefused):
        await granted(google("us", "secret", wire=of_google(iss="https://accounts.google.com.evil.example")))


def of_apple(**claims: Any) -> Recorded:
    said = {
        "sub": "001451.3dc436155xxxxxxxxxxxxxxxxxxxx59f.0447", "at_hash": "x", "auth_time": int(time.time()),
        "email": "alice@example.com", "email_verified": "true", "nonce_supported": True, **claims,
    }  # fmt: skip
    return Recorded({
        "appleid.apple.com/.well-known/openid-configuration": {
            "issuer": "https://appleid.apple.com",
            "authorization_endpoint": "https://appleid.apple.com/auth/authorize",
            "token_endpoint": "https://appleid.apple.com/auth/token",
            "jwks_uri": "https://appleid.apple.com/auth/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        },
        "appleid.apple.com/auth/keys": KEYS,
        "appleid.apple.com/auth/token": {
            "access_token": "a.0", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r.0",
            "id_token": id_token("https://appleid.apple.com", **said),
        },
    })  # fmt: skip


def apple(wire: Recorded) -> Apple:
    key = OF_APPLE.as_pem(private=True).decode()
    return Apple("us", team_id="TEAM123456", key_id="KEY1234567", key=key, wire=wire)


async def test_apple_signs_its_secret_posts_its_answer_and_says_the_name_once():
    wire = of_apple()
    asked = await address_of(apple(wire))
    assert (asked["response_mode"], asked["scope"]) == ("form_post", "openid email name")
    grant = await granted(
        apple(wire), user=json.dumps({"name": {"firstName": "Alice", "lastName": "A."}, "email": "eve@example.com"})
    )
    claimed = grant.claimed
    assert (claimed.name, claimed.email, claimed.email_verified) == ("Alice A.", "alice@example.com", True)
    secret = jwt.decode(wire.form("appleid.apple.com/auth/token")["client_secret"], OF_APPLE)
    assert secret.header["kid"] == "KEY1234567"
    assert secret.claims["iss"] == "TEAM123456"
    assert (secret.claims["aud"], secret.claims["sub"]) == ("https://appleid.apple.com", "us")
    assert 0 < secret.claims["exp"] - time.time() <= 300
    assert (await granted(apple(wire))).claimed.name is None


@pytest.mark.parametrize("verified", [False, "false", None, 1, "yes"])
async def test_apple_may_not_vouch_for_an_address(verified: Any):
    assert (await granted(apple(of_apple(email_verified=verified)))).claimed.email_verified is False


async def test_apple_hides_an_address_behind_its_own():
    grant = await granted(apple(of_apple(email="x7@privaterelay.appleid.com", is_private_email="true")))
    assert (grant.claimed.email, grant.claimed.email_verified) == ("x7@privaterelay.appleid.com", True)
    assert grant.claimed.claims["is_private_email"] == "true"


@pytest.mark.parametrize("user", ["", "{", "[]", '{"name": 1}', '{"name": {"firstName": ["x"]}}', "[" * 90_000, "null"])
async def test_a_name_that_is_none_is_no_matter(user: str):
    assert (await granted(apple(of_apple()), user=user)).claimed.name is None


UNUSABLE = [
    "",
    "x",
    ECKey.generate_key("P-384").as_pem(private=True).decode(),
    ECKey.generate_key("P-256").as_pem(private=False).decode(),
]


@pytest.mark.parametrize("key", UNUSABLE, ids=["empty", "no key", "another curve", "public"])
def test_apples_key_is_looked_at_when_it_is_set(key: str):
    with pytest.raises(ValueError, match=r"\.p8"):
        Apple("us", team_id="t", key_id="k", key=key)


ADDRESSES = [
    {"email": "old@example.com", "verified": True, "primary": False, "visibility": None},
    {"email": "octocat@github.com", "verified": True, "primary": True, "visibility": "public"},
]


def of_github(emails: Any = ADDRESSES, token: Any = None, **user: Any) -> Recorded:
    said = {
        "login": "octocat", "id": 583231, "name": "The Octocat", "email": "typed@example.com",
        "avatar_url": "https://avatars.githubusercontent.com/u/583231?v=4", **user,
    }  # fmt: skip
    return Recorded(
        {
            "github.com/login/oauth/access_token": token
            or {"access_token": "gho_x", "scope": "read:user,user:email", "token_type": "bearer"},
            "api.github.com/user": said,
            "api.github.com/user/emails": emails,
        }
    )


async def test_github():
    wire = of_github()
    provider = GitHub("us", "secret", wire=wire)
    asked = await address_of(provider)
    assert asked[""] == "https://github.com/login/oauth/authorize"
    assert (asked["scope"], asked["code_challenge_method"]) == ("read:user user:email", "S256")
    claimed = (await granted(provider)).claimed
    assert (claimed.subject, claimed.email, claimed.email_verified, claimed.name) == (
        "583231", "octocat@github.com", True, "The Octocat",
    )  # fmt: skip
    assert wire.form("github.com/login/oauth/access_token")["code_verifier"] == "v" * 50
    assert wire.asked["api.github.com/user"].headers["authorization"] == "Bearer gho_x"


@pytest.mark.parametrize(
    "emails",
    [[], [{**ADDRESSES[1], "verified": False}], [ADDRESSES[0]], [{**ADDRESSES[1], "primary": False}, ADDRESSES[0]]],
    ids=map(str, range(4)),
)
async def test_github_vouches_for_the_primary_address_alone(emails: list[Any]):
    claimed = (await granted(GitHub("us", "secret", wire=of_github(emails)))).claimed
    assert (claimed.email, claimed.email_verified) == (None, False)


@pytest.mark.parametrize(
    "wire",
    [
        lambda: of_github(token={"error": "bad_verification_code", "error_description": "The code is incorrect."}),
        lambda: of_github(emails={"message": "Not Found"}),
        lambda: of_github(emails=httpx.Response(403, json={"message": "rate limit"})),
        lambda: of_github(emails=[{**ADDRESSES[1], "verified": "true"}]),
        lambda: of_github(id="583231"),
        lambda: of_github(id=True),
        lambda: of_github(token=httpx.Response(302, headers={"location": "https://evil.example"})),
    ],
)
async def test_github_saying_no_or_nonsense_is_a_refusal(wire: Callable[[], Recorded]):
    with pytest.raises(ProviderRefused):
        await granted(GitHub("us", "secret", wire=wire()))


@pytest.mark.parametrize("provider", [GitHub, Facebook])
async def test_an_answer_of_another_issuer_is_not_redeemed(provider: Any):
    wire = Recorded({})
    with pytest.raises(ProviderRefused, match="does not come from"):
        await granted(provider("us", "secret", wire=wire), iss="https://evil.example")
    assert not wire.asked


def of_facebook(**me: Any) -> Recorded:
    picture = {"data": {"height": 200, "is_silhouette": False, "url": "https://platform-lookaside.fbsbx.com/x"}}
    return Recorded({
        "graph.facebook.com/v24.0/oauth/access_token": {
            "access_token": "EAAB", "token_type": "bearer", "expires_in": 5183944,
        },
        "graph.facebook.com/v24.0/me": {"id": "10222", "name": "Alice", "picture": picture, **me},
    })  # fmt: skip


async def test_facebook_does_not_vouch_for_addresses():
    wire = of_facebook(email="alice@example.com")
    provider = Facebook("us", "secret", wire=wire)
    asked = await address_of(provider)
    assert asked[""] == "https://www.facebook.com/v24.0/dialog/oauth"
    claimed = (await granted(provider)).claimed
    assert (claimed.subject, claimed.email, claimed.email_verified) == ("10222", "alice@example.com", False)
    assert claimed.picture == "https://platform-lookaside.fbsbx.com/x"
    proof = wire.asked["graph.facebook.com/v24.0/me"].url.params["appsecret_proof"]
    assert len(proof) == 64


async def test_facebook_may_know_no_address():
    claimed = (await granted(Facebook("us", "secret", wire=of_facebook(picture="x")))).claimed
    assert (claimed.email, claimed.picture) == (None, None)


async def test_facebook_saying_no_is_a_refusal():
    no = {"error": {"message": "Invalid verification code format.", "type": "OAuthException", "code": 100}}
    wire = Recorded({"graph.facebook.com/v24.0/oauth/access_token": httpx.Response(400, json=no)})
    with pytest.raises(ProviderRefused, match="Facebook did not accept"):
        await granted(Facebook("us", "secret", wire=wire))
    with pytest.raises(ProviderRefused, match="Permissions error") as refused:
        await Facebook("us", "secret", wire=wire).grant(
            answer={"error": "access_denied", "error_description": "Permissions error"}, **ASKED
        )
    assert refused.value.code == "access_denied"
