"""What every answer has: an id, timings, security headers; and how lists, ETags and errors look."""

import re

import pytest
from shell_app import SITE, app, client

HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def test_every_answer_has_an_id_and_timings():
    async with client() as visitor:
        first = await visitor.get("/api/things")
        second = await visitor.get("/nothing")
        named = await visitor.get("/api/things", headers={"x-request-id": "trace-0123456789"})
        silly = await visitor.get("/api/things", headers={"x-request-id": "a b\tc"})
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert named.headers["x-request-id"] == "trace-0123456789"
    assert silly.headers["x-request-id"] != "a b\tc"
    assert re.fullmatch(r"db;dur=[\d.]+, total;dur=[\d.]+", first.headers["server-timing"])


async def test_scripts_run_by_a_nonce_of_each_answer_alone():
    async with client() as visitor:
        policies = [(await visitor.get("/nothing", headers=HTML)).headers["content-security-policy"] for _ in "ab"]
        data = await visitor.get("/api/things")
    assert policies[0] != policies[1]
    for policy in policies:
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
    assert "script-src" not in data.headers["content-security-policy"]
    assert data.headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" not in data.headers


async def test_a_fault_says_nothing_but_its_id():
    async with client() as visitor:
        answer = await visitor.get("/api/broken")
        page = await visitor.get("/broken", headers=HTML)
    problem = answer.json()
    assert problem["status"] == 500
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["instance"] == "/api/broken"
    assert "secret" not in answer.text + page.text
    assert page.status_code == 500
    assert page.headers["x-request-id"] in page.text


@pytest.mark.parametrize(
    ("kind", "status", "slug"),
    [("Conflict", 409, "conflict"), ("Stale", 412, "stale"), ("NotAllowed", 403, "not-allowed"),
     ("Unavailable", 503, "unavailable"), ("TooLarge", 413, "too-large")],
)  # fmt: skip
async def test_a_refusal_is_a_problem_document(kind, status, slug):
    async with client() as visitor:
        answer = await visitor.get(f"/api/refused/{kind}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail", "instance", "request_id", "errors"}
    assert answer.json()["type"] == f"/problems/{slug}"


async def test_browsers_get_a_page_and_programs_a_document():
    async with client() as visitor:
        page = await visitor.get("/nothing", headers=HTML)
        document = await visitor.get("/nothing", headers={"accept": "application/json"})
        api = await visitor.get("/api/nothing", headers=HTML)
    assert [page.status_code, document.status_code, api.status_code] == [404, 404, 404]
    assert page.headers["content-type"].startswith("text/html")
    assert "Skip to content" in page.text
    assert page.headers["content-security-policy"].split("'nonce-")[1].split("'")[0] in page.text
    assert document.headers["content-type"] == api.headers["content-type"] == "application/problem+json"


async def test_a_page_whose_template_is_missing_is_told_as_a_fault():
    async with client() as visitor:
        answer = await visitor.get("/lacking", headers=HTML)
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in answer.text


async def test_pages_of_errors_know_who_looks_at_them():
    async def portray(_):
        return {"handle": "alice", "name": "Alice", "organizer": False}

    async def broken(_):
        raise RuntimeError

    for known, there in [(portray, True), (broken, False)]:
        async with client(app(portray=known), cookies={"vently_access": "token-alice"}) as alice:
            page = await alice.get("/nothing", headers=HTML)
        assert page.status_code == 404
        assert ("Your page, Alice" in page.text) == there


async def test_the_reference_names_every_operation_without_a_script():
    async with client() as visitor:
        page, document = await visitor.get("/docs"), (await visitor.get("/openapi.json")).json()
    assert page.status_code == 200
    for path in document["paths"]:
        assert path in page.text
    assert "unsafe" not in page.headers["content-security-policy"]


async def test_head_answers_as_get_without_a_body():
    async with client() as visitor:
        got, head = await visitor.get("/api/things"), await visitor.head("/api/things")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(got.content))
    assert head.headers["etag"] == got.headers["etag"]


async def test_options_names_the_methods():
    async with client() as visitor:
        answer = await visitor.options("/api/things")
    assert answer.status_code == 204
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


async def test_other_sites_may_call_the_api_without_cookies_and_nothing_else():
    asking = {"origin": "https://other.example", "access-control-request-method": "POST"}
    async with client() as visitor:
        preflight = await visitor.options("/api/things", headers=asking)
        page = await visitor.options("/page", headers=asking)
        answer = await visitor.get("/api/things", headers={"origin": "https://other.example"})
    assert preflight.status_code == 204
    assert "Authorization" in preflight.headers["access-control-allow-headers"]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert "access-control-allow-origin" not in page.headers


async def test_what_is_known_is_not_sent_again():
    async with client() as visitor:
        first = await visitor.get("/api/things/x")
        tag = first.headers["etag"]
        assert re.fullmatch(r'"7-[0-9a-f]{16}"', tag)
        for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            again = await visitor.get("/api/things/x", headers={"if-none-match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        for unknown in ('"other"', "nonsense", ""):
            assert (await visitor.get("/api/things/x", headers={"if-none-match": unknown})).status_code == 200


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 200),
        ("*", 200),
        ('"7-0123456789abcdef"', 200),
        ('"1-0123456789abcdef", "7-ffffffffffffffff"', 200),
        ('"6-0123456789abcdef"', 412),
        ('W/"7-0123456789abcdef"', 412),
        ('"0123456789abcdef"', 412),
        ('"' + "9" * 400 + '-0123456789abcdef"', 412),
        ("7", 400),
        ("", 400),
        ('"7-0123456789abcdef', 400),
    ],
)
async def test_if_match_compares_the_version_alone(header, status):
    headers = {"if-match": header} if header is not None else {}
    async with client() as alice:
        answer = await alice.patch("/api/things/x", json={"name": "new"}, headers=headers)
    assert answer.status_code == status, answer.text


async def test_a_merge_patch_tells_null_from_left_out():
    async with client() as alice:
        patch = {"content-type": "application/merge-patch+json"}
        assert (await alice.patch("/api/things/x", content=b'{"slug":null}', headers=patch)).json() == {"slug": None}
        assert (await alice.patch("/api/things/x", content=b"{}", headers=patch)).json() == {}
        refused = await alice.patch("/api/things/x", content=b'{"name":null}', headers=patch)
    assert refused.json()["errors"][0]["pointer"] == "/name"


async def test_a_list_is_walked_to_its_end_by_its_links():
    found, address = [], "/api/things?limit=7&tag=a&tag=b"
    async with client() as visitor:
        while address:
            answer = await visitor.get(address)
            assert answer.status_code == 200, answer.text
            found += [item["id"] for item in answer.json()["items"]]
            address = answer.links.get("next", {}).get("url")
            assert (address is None) == (answer.json()["next"] is None)
            assert address is None or address.startswith(f"{SITE}/api/things?limit=7&tag=a&tag=b&cursor=")
    assert found == list(range(50))


async def test_a_cursor_counts_for_its_own_list_filters_and_text_alone():
    async with client() as visitor:
        cursor = (await visitor.get("/api/things?limit=7")).json()["next"]
        assert (await visitor.get("/api/things", params={"cursor": cursor, "limit": 3})).status_code == 200
        edited = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
        for path, params in [
            ("/api/things", {"cursor": edited}),
            ("/api/things", {"cursor": cursor + "AAAA"}),
            ("/api/things", {"cursor": cursor, "q": "other"}),
            ("/api/others", {"cursor": cursor}),
        ]:
            answer = await visitor.get(path, params=params)
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["pointer"] == "/query/cursor"


async def test_the_node_lives_though_its_database_does_not():
    async with client() as visitor:
        alive, ready = await visitor.get("/healthz"), await visitor.get("/readyz")
        robots, llms = await visitor.get("/robots.txt"), await visitor.get("/llms.txt")
    assert [alive.status_code, ready.status_code] == [200, 503]
    assert "Sitemap:" in robots.text
    assert llms.text.startswith("# Vently")
