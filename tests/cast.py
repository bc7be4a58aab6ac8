"""The cast: people who sign up over HTTP and do things, as in the stories the tests tell."""

import secrets
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from vently.database.pool import Viewer
from vently.settings import Settings

SECRET = "what seals the keys in the one database of all tests"


@dataclass
class Site:
    """The app, and a client without an account."""

    app: Any
    client: httpx.AsyncClient
    settings: Settings

    async def signs_up(self, name: str) -> "Person":
        email = (
            f"{name.split(maxsplit=1)[0].lower() if name.isascii() else 'someone'}-{secrets.token_hex(5)}@example.org"
        )
        answer = await self.client.post(
            "/auth/v1/signup", json={"email": email, "password": "correct horse battery", "data": {"name": name}}
        )
        assert answer.status_code == 200, answer.text
        session = answer.json()
        person = Person(self, name, email, session["access_token"], UUID(session["user"]["id"]))
        person.handle = (await person.get("/api/me")).json()["handle"]
        return person


@dataclass
class Person:
    """Somebody with a token (or a visitor without)."""

    site: Site
    name: str
    email: str = ""
    token: str = ""
    id: UUID | None = None
    handle: str = ""
    community: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def viewer(self) -> Viewer:
        """As the database sees them."""
        if self.id is None:
            return Viewer(role="anon", claims={"role": "anon"})
        claims = {"sub": str(self.id), "role": "authenticated", "email": self.email}
        return Viewer(self.id, "authenticated", claims)

    async def asks(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        headers = {**self.headers, **more.pop("headers", {})}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        if body is not None:
            more["json"] = body
        return await self.site.client.request(method, path, headers=headers, **more)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.asks("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return await self.asks("POST", path, body, **more)

    async def put(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return await self.asks("PUT", path, body, **more)

    async def patch(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return await self.asks("PATCH", path, body, **more)

    async def delete(self, path: str, **more: Any) -> httpx.Response:
        return await self.asks("DELETE", path, **more)

    async def founds(self, name: str, **fields: Any) -> Any:
        answer = await self.post("/api/communities", {"name": name, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def creates(self, title: str = "A gig", **fields: Any) -> Any:
        """An event, published unless told otherwise, a month from now."""
        event = {"title": title, "starts_at": "2027-03-01T18:00:00Z", "status": "published", **fields}
        answer = await self.post("/api/events", event)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def answers(self, event: Any, status: str = "going", **fields: Any) -> httpx.Response:
        return await self.put(f"/api/events/{event['id']}/rsvp", {"status": status, **fields})
