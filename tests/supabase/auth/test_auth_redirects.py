"""Where a person may be sent with a session."""

import json
import random
import subprocess

import pytest

from vently.supabase.auth.redirects import allowed, is_allowed, with_fragment, with_query
from vently.supabase.auth.rules import Rules

SITE = "https://vently.example"
RULES = Rules(
    site_url=SITE,
    redirect_urls=(
        "https://*.vently.example/**",
        "https://app.example.org/callback",
        "https://preview-*.example.net/in/*",
        "http://localhost:3000/**",
        "http://127.0.0.1:*/**",
        "com.vently.app://callback/**",
        "https://**.wide.example/",
        "nonsense",
        "**",
        "https://user@names.example/**",
    ),
)


@pytest.mark.parametrize(
    "place",
    [
        SITE,
        f"{SITE}/",
        f"{SITE}/events/new?from=mail#top",
        f"{SITE}:443/events",
        "HTTPS://VENTLY.example/events",
        "https://berlin.vently.example/events",
        "https://app.example.org/callback",
        "https://preview-12.example.net/in/side",
        "http://localhost:3000/a.b/c",
        "http://127.0.0.1:4321/in",
        "com.vently.app://callback/in",
        "https://a.b.wide.example/",
    ],
)
def test_the_site_and_what_is_allowed(place):
    assert allowed(RULES, place) == place


@pytest.mark.parametrize(
    "place",
    [
        "",
        None,
        "/events",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "https:\\\\evil.example",
        "https://evil.example",
        "https://evil.example/https://vently.example",
        "https://evil.example?https://vently.example/",
        "https://evil.example#https://vently.example/",
        "https://vently.example@evil.example/",
        "https://vently.example:443@evil.example/",
        "https://vently.example%40evil.example/",
        "https://evil.example\\@vently.example/",
        "https://evil.example%5c@vently.example/",
        "https://evil.example/.vently.example/",
        "https://evil.example?.vently.example/",
        "https://evil.example/x.wide.example/",
        "https://vently.example.evil.example/",
        "https://evilvently.example/",
        "https://vently.example:8443/",
        "https://vently.example:/",
        "https://vently.example:port/",
        "https://vently.example:99999/",
        "http://vently.example/",
        "https://a.b.vently.example/",
        "https://.vently.example/",
        "https://vently.example./",
        "https://vently。example/",
        "https://vently.exampl\u0435/",
        "https://vently.example\u2025/",
        "\thttps://evil.example",
        " https://vently.example/",
        "https://vently.example/\r\nLocation: https://evil.example",
        "https://vently.example/%0d%0aLocation:%20https://evil.example",
        "https://vently.example/\0",
        "https://berlin.vently.example/a/../b",
        "https://berlin.vently.example/a/%2e%2e/b",
        "https://berlin.vently.example/a/%252e%252e/b",
        "https://berlin.vently.example/a/..%2fb",
        "https://berlin.vently.example/..;/b",
        "https://app.example.org/callback/more",
        "https://app.example.org/callback?next=https://evil.example",
        "https://app.example.org/",
        "https://preview-1.2.example.net/in/x",
        "https://preview-12.example.net/in/x/y",
        "https://preview-12.example.net/in/x.y",
        "http://localhost:3001/",
        "https://localhost:3000/",
        "http://2130706433:3000/",
        "http://0x7f000001/",
        "http://127.1:80/",
        "http://[::1]:3000/",
        "https://[fe80::1%25eth0]/",
        "https://[vently.example]/",
        "javascript:alert(1)",
        "javascript://vently.example/%0aalert(1)",
        "data:text/html,hi",
        "com.vently.app:callback/in",
        "com.other.app://callback/in",
        "https://names.example/",
        "https://user@names.example/",
        "nonsense",
        f"{SITE}/{'a' * 3000}",
    ],
)
def test_anything_else_leads_to_the_site(place):
    assert allowed(RULES, place) == SITE


def test_the_first_that_is_allowed_counts():
    assert allowed(RULES, "https://evil.example", None, f"{SITE}/me") == f"{SITE}/me"


def test_a_site_on_this_machine_allows_no_other_port():
    rules = Rules(site_url="http://127.0.0.1:8000")
    assert is_allowed(rules, "http://127.0.0.1:8000/events")
    assert not is_allowed(rules, "http://127.0.0.1:8001/events")


def test_a_wildcard_means_no_address_of_numbers():
    rules = Rules(site_url=SITE, redirect_urls=("http://*/**", "http://**/**"))
    assert is_allowed(rules, "http://intranet/x")
    assert not is_allowed(rules, "http://2130706433/x")
    assert not is_allowed(rules, "http://169.254.169.254/x")


def test_values_go_into_query_or_fragment():
    assert with_query(f"{SITE}/in?a=1&code=old#x", {"code": "a b"}) == f"{SITE}/in?a=1&code=a+b"
    assert with_fragment(f"{SITE}/in?a=1#old", {"error": "x&y"}) == f"{SITE}/in?a=1#error=x%26y"


PIECES = [
    *(
        "https:",
        "http:",
        "HTTPS:",
        "javascript:",
        "data:",
        "com.vently.app:",
        "//",
        "/",
        "\\",
        "///",
        "@",
        "%40",
        "%2f",
    ),
    *(
        "%5c",
        "%00",
        ":",
        "443",
        "8443",
        "0443",
        "vently.example",
        "app.example.org",
        "evil.example",
        "localhost",
        "3000",
    ),
    *(
        "a.vently.example",
        "x.wide.example",
        "callback",
        ".",
        "..",
        "%2e",
        ";",
        "?",
        "#",
        "&",
        "=",
        "[::1]",
        "127.0.0.1",
    ),
    *(
        "2130706433",
        "0x7f.1",
        "\t",
        "\n",
        "\r",
        " ",
        "\0",
        "é",
        "。",
        "ⓔ",
        "\u00ad",
        "xn--",
        "%",
        "|",
        "^",
        "{",
        "<",
        '"',
    ),
]
GOOD = [
    *(
        f"{SITE}/events",
        "https://berlin.vently.example/a",
        "https://app.example.org/callback",
        "http://localhost:3000/x",
    ),
    *("com.vently.app://callback/x", "https://q.wide.example/"),
]
SITES = (".vently.example", ".wide.example")
BROWSER = """
const places = JSON.parse(require('fs').readFileSync(0));
const read = place => { try { return new URL(place, 'https://base.invalid/'); } catch { return null; } };
console.log(JSON.stringify(places.map(read).map(url => url && [url.protocol, url.host, url.username + url.password])));
"""


def mangled(chance: random.Random) -> str:
    if chance.random() < 0.5:
        return "".join(chance.choices(PIECES, k=chance.randint(1, 9)))
    place = chance.choice(GOOD)
    for _ in range(chance.randint(1, 4)):
        cut = chance.randint(0, len(place))
        place = place[:cut] + chance.choice(PIECES) + place[cut + chance.randint(0, 1) :]
    return place


def test_a_browser_reads_what_is_allowed_as_we_do():
    """Node's URL is the one of the WHATWG, as in browsers: whatever we let pass leads it to no other host."""
    chance = random.Random(8)
    passed = [place for place in {mangled(chance) for _ in range(50_000)} if is_allowed(RULES, place)]
    ran = subprocess.run(["node", "-e", BROWSER], input=json.dumps(passed), capture_output=True, text=True, check=True)
    assert len(passed) > 100
    for place, seen in zip(passed, json.loads(ran.stdout), strict=True):
        if seen:
            scheme, host, who = seen
            assert who == "", place
            assert (
                (scheme == "https:" and (host in {"vently.example", "app.example.org"} or host.endswith(SITES)))
                or (scheme, host) in {("http:", "localhost:3000"), ("com.vently.app:", "callback")}
                or (scheme == "http:" and host.startswith("127.0.0.1"))
            ), place
