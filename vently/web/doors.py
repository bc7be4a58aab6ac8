"""Where people come in: sign-in of ours, or a Supabase project's; app.py says which."""

import asyncio
from contextlib import suppress
from typing import Any, Protocol

from vently.supabase.auth import api as auth_api
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.sweeping import sweeping
from vently.supabase.client import SignIn
from vently.supabase.project import Project
from vently.supabase.tokens import BadToken
from vently.web.facts import Parts, TokenRefused


class Door(Protocol):
    """`routes` is what of sign-in is served here. `open` is called when the database is; `sweep` once an hour."""

    routes: list[Any]

    async def verify(self, token: str, /) -> dict[str, Any]: ...

    def sign_in(self, app: Any) -> SignIn: ...

    async def open(self, parts: Parts) -> None: ...

    async def sweep(self) -> dict[str, int]: ...

    async def close(self) -> None: ...


class OurDoor:
    """Everything of sign-in is served at `/auth/v1`."""

    def __init__(self, auth: Auth, *, grace: float) -> None:
        """`grace`: seconds that mail under way may take at the end."""
        self._auth = auth
        self._grace = grace
        self._fresh: asyncio.Task[None] | None = None
        self.routes = [auth_api.mount(auth), auth_api.well_known(auth)]

    async def verify(self, token: str, /) -> dict[str, Any]:
        try:
            return await self._auth.verify(token)
        except AuthError as error:
            raise TokenRefused(error.message) from None

    def sign_in(self, app: Any) -> SignIn:
        return SignIn.within(app, self._auth.rules.site_url)

    async def open(self, parts: Parts) -> None:
        self._auth.database = parts.database
        await self._auth.keys.load()
        self._fresh = asyncio.create_task(self._auth.keys.keep_fresh())

    async def sweep(self) -> dict[str, int]:
        return await sweeping.sweep(self._auth)

    async def close(self) -> None:
        if self._fresh is not None:
            self._fresh.cancel()
            with suppress(asyncio.CancelledError):
                await self._fresh
        await self._auth.post.close(self._grace)


class ProjectDoor:
    """Nothing of sign-in is served, and its tables are never touched: people sign in at the project."""

    def __init__(self, project: Project, publishable_key: str) -> None:
        self._project = project
        self._sign_in = SignIn.at(project.url, publishable_key)
        self.routes: list[Any] = []

    async def verify(self, token: str, /) -> dict[str, Any]:
        try:
            return await self._project.verify(token)
        except BadToken as error:
            raise TokenRefused(str(error)) from None

    def sign_in(self, _: Any) -> SignIn:
        return self._sign_in

    async def open(self, _: Parts) -> None:
        await self._project.open()

    async def sweep(self) -> dict[str, int]:
        """The project keeps its own tables tidy."""
        return {}

    async def close(self) -> None:
        await self._sign_in.close()
        await self._project.close()
