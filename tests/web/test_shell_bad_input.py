"""Whatever is sent: a problem that names the field, never a fault."""

import gzip

import pytest
from shell_app import client

JSON = {"content-type": "application/json", "authorization": "Bearer token-alice"}
FORM_WITHOUT_FILE = b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\nhi\r\n--x--\r\n'
DEEP = b'{"name":"x","extra":{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}}"

BODIES = [
    (b"", 400, None),
    (b"   ", 400, None),
    (b"{", 400, None),
    (b"nonsense", 400, None),
    (b'{"name":"x"} trailing', 400, None),
    (b'{"name":"\xff\xfe"}', 400, None),
    (b'{"name":"\\ud800"}', 400, None),
    (b'{"name":"x","venue":{"lat":NaN,"lng":0}}', 400, None),
    (b"\xef\xbb\xbf{}", 400, None),
    (b"[" * 10_000, 422, ""),
    (DEEP, 422, ""),
    (b"null", 422, ""),
    (b"[]", 422, ""),
    (b"{}", 422, "/name"),
    (b'{"name":null}', 422, "/name"),
    (b'{"name":1}', 422, "/name"),
    (b'{"name":""}', 422, "/name"),
    (b'{"name":"   "}', 422, "/name"),
    (b'{"name":"a\\u0000b"}', 422, "/name"),
    (b'{"name":"a\\nb"}', 422, "/name"),
    (b'{"name":"ab\\n"}', 422, "/name"),
    (b'{"name":"a\\u202eb"}', 422, "/name"),
    (b'{"name":" ab"}', 422, "/name"),
    (b'{"name":"' + b"x" * 81 + b'"}', 422, "/name"),
    (b'{"name":"x","colour":"red"}', 422, "/colour"),
    (b'{"name":"x","a/b~c":"red"}', 422, "/a~1b~0c"),
    (b'{"name":"x","venue":{"lat":91,"lng":0}}', 422, "/venue/lat"),
    (b'{"name":"x","venue":{"lat":"1","lng":0}}', 422, "/venue/lat"),
    (b'{"name":"x","venue":{"lat":1e400,"lng":0}}', 422, "/venue/lat"),
    (b'{"name":"x","venue":{"lat":1}}', 422, "/venue/lng"),
    (b'{"name":"x","venue":{"lat":1,"lng":1,"alt":3}}', 422, "/venue/alt"),
    (b'{"name":"x","tags":["a","b\\u0007"]}', 422, "/tags/1"),
    (b'{"name":"x","tags":["a","b","c","d","e","f"]}', 422, "/tags"),
    (b'{"name":"x","timezone":"Mars/Olympus"}', 422, "/timezone"),
    (b'{"name":"x","timezone":"europe/berlin"}', 422, "/timezone"),
    (b'{"name":"x","starts_at":"0000-01-01T00:00:00Z"}', 422, "/starts_at"),
    (b'{"name":"x","starts_at":"0001-01-01T00:00:00Z"}', 422, "/starts_at"),
    (b'{"name":"x","starts_at":"9999-12-31T23:59:59Z"}', 422, "/starts_at"),
    (b'{"name":"x","starts_at":"2026-02-30T00:00:00Z"}', 422, "/starts_at"),
    (b'{"name":"x","starts_at":"2026-02-03T00:00:00"}', 422, "/starts_at"),
    (b'{"name":"x","starts_at":1700000000}', 422, "/starts_at"),
    (b'{"name":"x","slug":"01890a5d-ac96-774b-bcce-b302099a8057"}', 422, "/slug"),
    (b'{"name":"x","slug":"A b"}', 422, "/slug"),
    (b'{"name":"x","url":"javascript:alert(1)"}', 422, "/url"),
    (b'{"name":"x","email":"nobody"}', 422, "/email"),
    (b'{"name":"x","about":"a\\u0000"}', 422, "/about"),
]


@pytest.mark.parametrize(("body", "status", "pointer"), BODIES, ids=range(len(BODIES)))
async def test_a_bad_body_is_refused_by_field(body, status, pointer):
    async with client() as visitor:
        answer = await visitor.post("/api/things", content=body, headers=JSON)
    problem = answer.json()
    assert answer.status_code == status, problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    if pointer:
        assert pointer in [error["pointer"] for error in problem["errors"]]


async def test_a_whole_number_may_be_written_as_json_schema_counts_it():
    body = b'{"name":"x","venue":{"lat":1,"lng":2},"seats":10.0}'
    async with client() as visitor:
        assert (await visitor.post("/api/things", content=body, headers=JSON)).json()["seats"] == 10
        half = await visitor.post("/api/things", content=body.replace(b"10.0", b"10.5"), headers=JSON)
    assert half.json()["errors"] == [{"pointer": "/seats", "detail": "must be a whole number, not a number"}]


async def test_every_wrong_field_is_named_at_once():
    body = b'{"name":"","slug":"A","venue":{"lat":100,"lng":0},"colour":1}'
    async with client() as visitor:
        problem = (await visitor.post("/api/things", content=body, headers=JSON)).json()
    assert [error["pointer"] for error in problem["errors"]] == ["/name", "/slug", "/venue/lat", "/colour"]
    assert all(error["detail"] for error in problem["errors"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "application/merge-patch+json"}, 415),
        ({"content-type": "application/json; charset=utf-16"}, 415),
        ({"content-type": "application/json; charset=UTF-8"}, 201),
        ({"content-type": "application/json", "content-encoding": "gzip"}, 415),
    ],
)
async def test_the_type_of_a_body_is_checked(headers, status):
    async with client() as visitor:
        body = gzip.compress(b"{}") if "content-encoding" in headers else b'{"name":"x"}'
        answer = await visitor.post("/api/things", content=body, headers={**JSON, **headers})
    assert answer.status_code == status, answer.text


async def test_a_body_over_a_megabyte_is_refused_announced_or_not():
    async def stream():
        for _ in range(20):
            yield b" " * 100_000

    async with client() as visitor:
        announced = await visitor.post("/api/things", content=b" " * 1_000_001, headers=JSON)
        streamed = await visitor.post("/api/things", content=stream(), headers=JSON)
    assert [announced.status_code, streamed.status_code] == [413, 413]


@pytest.mark.parametrize(
    ("query", "status", "pointer"),
    [
        ("limit=0", 422, "/query/limit"),
        ("limit=101", 422, "/query/limit"),
        ("limit=ten", 422, "/query/limit"),
        ("limit=1&limit=2", 422, "/query/limit"),
        ("limit=", 422, "/query/limit"),
        ("colour=red", 422, "/query/colour"),
        ("q=a%00b", 422, "/query/q"),
        ("q=%ff", 400, None),
        ("q=%ed%a0%80", 400, None),
        ("near=91", 422, "/query/near"),
        ("near=nan", 422, "/query/near"),
        ("near=null", 422, "/query/near"),
        ("online=maybe", 422, "/query/online"),
        ("from=0.5", 422, "/query/from"),
        ("from=123e-5", 422, "/query/from"),
        ("from=null", 422, "/query/from"),
        ("from=yesterday", 422, "/query/from"),
        ("from=9999-01-01T00:00:00Z", 422, "/query/from"),
        ("cursor=abc", 422, "/query/cursor"),
        ("cursor=%C3%A4", 422, "/query/cursor"),
        ("&".join(f"tag={n}" for n in range(101)), 422, None),
        ("tag=a&tag=b&online=true&near=-5.5&q=null&from=2026-01-01T00:00:00Z", 200, None),
    ],
)
async def test_a_bad_query_is_refused_by_parameter(query, status, pointer):
    async with client() as visitor:
        answer = await visitor.get(f"/api/things?{query}")
    assert answer.status_code == status, answer.text
    if pointer:
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/things/%00", 400),
        ("GET", "/api/things/%0a", 400),
        ("GET", "/api/things/%ff%fe", 400),
        ("GET", "/api/things/Not%20a%20slug", 404),
        ("GET", "/api/things/" + "x" * 100, 404),
        ("GET", "/api/things/" + "x" * 9000, 414),
        ("GET", "/api/nothing", 404),
        ("GET", "/api/things/a/b/c", 404),
        ("DELETE", "/api/things/-not-a-reference-", 404),
        ("TRACE", "/api/things", 405),
        ("PUT", "/api/things", 405),
        ("BREW", "/api/things", 405),
        ("GET", "/api/things/..%2f..%2fetc%2fpasswd", 404),
        ("GET", "/api/things/%", 404),
    ],
)
async def test_a_bad_address_is_refused(method, path, status):
    async with client() as visitor:
        answer = await visitor.request(method, path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if status == 405:
        assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"", "multipart/form-data", 400),
        (b"nonsense", "multipart/form-data; boundary=x", 400),
        (b"{}", "application/json", 415),
        (b"--x\r\n", "multipart/form-data; boundary=x", 400),
        (FORM_WITHOUT_FILE, "multipart/form-data; boundary=x", 422),
        (b" " * 2_000_001, "multipart/form-data; boundary=x", 413),
    ],
)
async def test_a_bad_upload_is_refused(content, content_type, status):
    async with client() as visitor:
        answer = await visitor.post("/api/uploads", content=content, headers={"content-type": content_type})
    assert answer.status_code == status, answer.text
