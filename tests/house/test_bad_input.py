"""Whatever is sent to whatever endpoint: a problem that names the field, never a fault, never half a write."""

import gzip
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import bad_values
import httpx
import pytest
from cast import Person, Site
from hidden import Hidden, hide
from test_routes import CARRIES

DEEP = b'{"title":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
BOMB = gzip.compress(b'{"title":"' + b"x" * 20_000_000 + b'"}')


@pytest.fixture
async def hidden(alice: Person, bob: Person) -> Hidden:
    return await hide(alice, bob)


@pytest.fixture
async def document(visitor: Person) -> Any:
    return (await visitor.get("/openapi.json")).json()


@pytest.fixture
async def root_and_organiser(root: Person) -> Person:
    assert (await root.post("/api/me/organizer", {"terms_accepted": True})).status_code == 200
    return root


@pytest.fixture
async def nothing_happens(
    site: Site,
    hidden: Hidden,  # noqa: ARG001 - made before the counting begins
    root_and_organiser: Person,  # noqa: ARG001
) -> AsyncIterator[None]:
    """Every change is announced: the outbox is as long after the test as before."""
    connection = await asyncpg.connect(site.settings.platform_url)
    count = "select (select count(*) from private.outbox), (select count(*) from private.idempotency_keys)"
    before = tuple(await connection.fetchrow(count))
    yield
    assert tuple(await connection.fetchrow(count)) == before
    await connection.close()


@pytest.mark.usefixtures("nothing_happens")
async def test_every_field_of_every_body_is_held_to_its_schema(
    alice: Person, root_and_organiser: Person, hidden: Hidden, document: Any
) -> None:
    tried = 0
    for method, path, operation in operations(document):
        schema = body_schema(operation, document)
        if schema is None:
            continue
        who = root_and_organiser if "/admin/" in path or "{person}" in path else alice
        address, valid = filled(path, hidden, alice), CARRIES[operation["operationId"]]
        for name, field in schema["properties"].items():
            for value in bad_values.of(field, document):
                answer = await sent(who, method, address, {**valid, name: value})
                refused(answer, f"/{name}", f"{method} {path} {name}={str(value)[:60]!r}")
                tried += 1
        for name in schema.get("required", []):
            answer = await sent(who, method, address, {key: kept for key, kept in valid.items() if key != name})
            refused(answer, f"/{name}", f"{method} {path} without {name}")
        answer = await sent(who, method, address, {**valid, "no~such/field": 1})
        refused(answer, "/no~0such~1field", f"{method} {path} with an unknown field")
    assert tried > 300


@pytest.mark.usefixtures("nothing_happens")
async def test_every_parameter_of_every_query_is_held_to_its_schema(
    alice: Person, root_and_organiser: Person, hidden: Hidden, document: Any
) -> None:
    for method, path, operation in operations(document):
        who = root_and_organiser if "/admin/" in path else alice
        address = filled(path, hidden, alice)
        body = CARRIES.get(operation["operationId"]) if body_schema(operation, document) else None
        for parameter in operation["parameters"]:
            if parameter["in"] == "query":
                for text in _bad_texts(parameter["schema"], document):
                    answer = await who.asks(method, address, params={parameter["name"]: text})
                    refused(answer, f"/query/{parameter['name']}", f"{path}?{parameter['name']}={text[:60]!r}")
                double = [(parameter["name"], "1"), (parameter["name"], "1")]
                refused(await who.asks(method, address, params=double), f"/query/{parameter['name']}", "given twice")
        answer = await who.asks(method, address, body, params={"no_such": "1"})
        refused(answer, "/query/no_such", f"{method} {path} with an unknown parameter")


@pytest.mark.usefixtures("nothing_happens")
async def test_what_is_no_body_at_all(alice: Person, hidden: Hidden, document: Any) -> None:
    for method, path, operation in operations(document):
        if body_schema(operation, document) is None:
            continue
        address = filled(path, hidden, alice)
        for content, headers, statuses in (
            (b"", {}, {400}),
            (b"{", {}, {400}),
            (b"nonsense", {}, {400}),
            (b"null", {}, {422}),
            (b"[]", {}, {422}),
            (b'"text"', {}, {422}),
            (b'{"title": "\\ud800", "name": "\\ud800"}', {}, {400, 422}),
            (b'{"title": "\xff\xfe"}', {}, {400}),
            (b'{"lat": NaN}', {}, {400}),
            (DEEP, {}, {422}),
            (b"[" * 100_000, {}, {400, 422}),
            (b'{"title": "' + b"x" * 1_100_000 + b'"}', {}, {413}),
            (BOMB, {"content-encoding": "gzip"}, {415}),
            (BOMB, {}, {400}),
            (b"{}", {"content-type": "text/plain"}, {415}),
            (b"{}", {"content-type": "application/json; charset=utf-16"}, {415}),
            (b"title=x", {"content-type": "application/x-www-form-urlencoded"}, {415}),
        ):
            given = {"content-type": "application/json", **headers}
            answer = await alice.asks(method, address, content=content, headers=given)
            assert answer.status_code in statuses, f"{method} {path} {content[:40]!r}: {answer.text}"
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.usefixtures("nothing_happens")
async def test_addresses_of_nothing(alice: Person, document: Any) -> None:
    for method, path, operation in operations(document):
        for name in {part["name"] for part in operation["parameters"] if part["in"] == "path"}:
            for value in ("01890a5d-ac96-774b-bcce-b302099a8057", "0", "-", "A B", "%00", "%FF", "%2e%2e", "x" * 3000,
                          "%F0%9F%92%A9", "'; drop table events; --", "no-such-thing", "%0a", "null"):  # fmt: skip
                address = path.replace(f"{{{name}}}", value)
                for other in ("event", "comment", "community", "person", "handle"):
                    address = address.replace(f"{{{other}}}", "01890a5d-ac96-774b-bcce-b302099a8057")
                answer = await sent(alice, method, address, CARRIES.get(operation["operationId"]))
                assert answer.status_code in (400, 403, 404, 405, 422), f"{method} {address[:80]}: {answer.text}"
                assert answer.headers["content-type"] == "application/problem+json", answer.text


@pytest.mark.usefixtures("nothing_happens")
@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"ends_at": "2027-05-01T17:00:00Z"}, "/ends_at"),
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"timezone": "europe/berlin"}, "/timezone"),
        ({"venue": {}}, "/venue"),
        ({"venue": {"country": "Austria"}}, "/venue"),
        ({"venue": {"name": "x", "lat": 91, "lng": 0}}, "/venue/lat"),
        ({"venue": {"name": "x", "lat": 0, "lng": -180.5}}, "/venue/lng"),
        ({"venue": {"name": "x", "lat": 1}}, "/venue/lat"),
        ({"venue": {"name": "a\u0000b"}}, "/venue/name"),
        ({"venue": {"name": "x" * 201}}, "/venue/name"),
        ({"venue": {"name": "x", "colour": "red"}}, "/venue/colour"),
        ({"venue": {"name": 1}}, "/venue/name"),
        ({"visibility": "members"}, "/visibility"),
        ({"community": "no-such-community"}, "/community"),
        ({"recurrence": "FREQ=SOMETIMES"}, "/recurrence"),
        ({"recurrence": "nonsense"}, "/recurrence"),
        ({"recurrence": "FREQ=DAILY;INTERVAL=0"}, "/recurrence"),
        ({"online_url": "javascript:alert(1)"}, "/online_url"),
        ({"website": "//example.org"}, "/website"),
        ({"tags": ["a,b"]}, "/tags/0"),
        ({"categories": ["fine", " x"]}, "/categories/1"),
        ({"slug": "mine"}, "/slug"),
        ({"organizer": "somebody"}, "/organizer"),
        ({"id": "01890a5d-ac96-774b-bcce-b302099a8057"}, "/id"),
        ({"status": "cancelled"}, "/status"),
    ],
)
async def test_an_event_is_refused_by_field(
    alice: Person, hidden: Hidden, fields: dict[str, Any], pointer: str
) -> None:
    body = {"title": "Fine", "starts_at": "2027-05-01T18:00:00Z", **fields}
    refused(await alice.post("/api/events", body), pointer, str(fields))
    if not fields.keys() & {"ends_at", "status"}:  # which may come true of an event that stands
        refused(await alice.patch(f"/api/events/{hidden.public['id']}", fields), pointer, str(fields))


@pytest.mark.usefixtures("nothing_happens")
async def test_headers_that_cannot_be(alice: Person, hidden: Hidden) -> None:
    event = f"/api/events/{hidden.public['id']}"
    for tag in ("nonsense", "7", '"', "W/", '"1-0123456789abcdef', "\xff"):
        answer = await alice.patch(event, {"title": "Hers"}, headers={"if-match": tag.encode("latin-1")})
        assert answer.status_code in (400, 412), answer.text
    for tag in ('"999-0123456789abcdef"', '"99999999999999999999-0123456789abcdef"', 'W/"1-0123456789abcdef"'):
        assert (await alice.delete(event, headers={"if-match": tag})).status_code == 412
    for key in ("x" * 256, "a b", "", "\xff"):
        headers = {"idempotency-key": key.encode("latin-1")}
        refused(
            await alice.post("/api/communities", {"name": "Keyed"}, headers=headers), "/header/Idempotency-Key", key
        )
    for token in ("nonsense", "Bearer", "Bearer ", "Bearer a.b.c", "Basic eDp5", f"Bearer {alice.token[:-4]}AAAA"):
        answer = await alice.site.client.post("/api/communities", json={"name": "x"}, headers={"authorization": token})
        assert answer.status_code == 401, answer.text


@pytest.mark.usefixtures("nothing_happens")
async def test_files_that_cannot_be_imported(alice: Person, hidden: Hidden) -> None:
    path = f"/api/communities/{hidden.community['id']}/imports"
    bomb = gzip.compress(b"BEGIN:VCALENDAR\r\n" * 2_000_000)
    for files in (
        {"other": ("x.ics", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")},
        {"file": ("x.ics", b"")},
        {"file": ("x.ics", b"nonsense")},
        {"file": ("x.ics", bomb)},
        {"file": ("x.csv", b"\xff\xfe\x00")},
        {"file": ("x.html", b"<html>" + b"<div>" * 100_000)},
        {"file": ("x.exe", b"MZ\x90\x00")},
    ):
        answer = await alice.post(path, files=files)
        assert answer.status_code in (400, 413, 415, 422), f"{files.keys()}: {answer.text}"
        assert answer.headers["content-type"] == "application/problem+json"
    for content, kind in ((b"{}", "application/json"), (b"--x\r\n", "multipart/form-data; boundary=x"), (b"", "")):
        answer = await alice.post(path, content=content, headers={"content-type": kind} if kind else {})
        assert answer.status_code in (400, 415, 422), answer.text


def operations(document: Any) -> list[tuple[str, str, Any]]:
    return [(method.upper(), path, operation) for path, methods in document["paths"].items()
            for method, operation in methods.items()]  # fmt: skip


def body_schema(operation: Any, document: Any) -> dict[str, Any] | None:
    content = operation.get("requestBody", {}).get("content", {})
    return (
        bad_values.resolved(content["application/json"]["schema"], document) if "application/json" in content else None
    )


def filled(path: str, hidden: Hidden, alice: Person) -> str:
    """With things that are there."""
    there = {"event": hidden.public["id"], "comment": hidden.comments["public"]["id"], "person": "bob",
             "community": hidden.community["slug"], "handle": alice.handle,
             "session": "01890a5d-ac96-774b-bcce-b302099a8057"}  # fmt: skip
    for part, value in there.items():
        path = path.replace(f"{{{part}}}", value)
    return re.sub(r"\{\w+\}", there["session"], path)  # whatever it is, what is sent is looked at first


async def sent(who: Person, method: str, address: str, body: Any) -> httpx.Response:
    if isinstance(body, bytes):
        return await who.asks(method, address, files={"file": ("x.ics", body)})
    if body is None:
        return await who.asks(method, address)
    content = json.dumps(body).encode()
    return await who.asks(method, address, content=content, headers={"content-type": "application/json"})


def refused(answer: httpx.Response, pointer: str, what: str) -> None:
    """422 that names the field, or something within it."""
    assert answer.status_code == 422, f"{what}: {answer.status_code} {answer.text[:300]}"
    assert answer.headers["content-type"] == "application/problem+json"
    named = [error["pointer"] for error in answer.json()["errors"]]
    assert any(given == pointer or given.startswith(pointer + "/") for given in named), f"{what}: {answer.text[:300]}"
    assert all(error["detail"] for error in answer.json()["errors"])


def _bad_texts(schema: dict[str, Any], document: Any) -> list[str]:
    """As they stand in an address, where everything is text."""
    schema = bad_values.resolved(schema, document)
    if schema.get("type") in ("integer", "number"):
        return ["x", "1.5", "1e3", "0x1", "", str(schema["minimum"] - 1), str(schema["maximum"] + 1), "9" * 40, "null"]
    if schema.get("type") == "boolean":
        return ["maybe", "2", "", "null", "true,false"]
    texts = [value for value in bad_values.of(schema, document) if isinstance(value, str)]
    return [text for text in texts if len(text) < 4000 and not (text == "2027-01-01" and "T(?:" in schema["pattern"])]
