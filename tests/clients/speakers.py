"""Supabase's clients, unmodified, behind one shape: a method's path and arguments as in JavaScript, its answer as JSON.

Names of keys come back as in Python, so that one story can be told to both.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from programs import needs_node_program, needs_program
from pydantic import BaseModel
from supabase import AsyncClient, AsyncClientOptions, acreate_client
from supabase_auth.errors import AuthApiError, AuthWeakPasswordError
from supabase_auth.types import UserIdentity

WORDS_OF_PEOPLE = {"data", "user_metadata", "app_metadata", "identity_data"}
"""What is below these is theirs: its names stay as they are."""


OWN_ERRORS = {"AuthSessionMissingError": "session_not_found"}
"""Codes that JavaScript's client turns into errors of its own, without a code."""


class Refused(Exception):
    """What a client tells its program of a refusal."""

    def __init__(self, code: str | None, status: int | None, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.code = code
        self.status = status
        self.message = message


class Speaker(Protocol):
    """One of the clients: a person's browser or program."""

    async def call(self, method: str, *args: Any) -> Any:
        """Raises Refused."""


Opens = Callable[[str, str], Any]
"""Makes a speaker with a key, in a flow: pkce or implicit."""


@dataclass
class JavaScript:
    process: asyncio.subprocess.Process
    number: int

    async def call(self, method: str, *args: Any) -> Any:
        return as_in_python(await self.tell(method=method, args=args))

    async def tell(self, **line: Any) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"client": self.number, **line}).encode() + b"\n")
        told = json.loads(await self.process.stdout.readline())
        assert "thrown" not in told, told["thrown"]
        if error := told.get("error"):
            raise Refused(error.get("code") or OWN_ERRORS.get(error["kind"]), error.get("status"), error["message"])
        return told["value"]


@dataclass
class Python:
    client: AsyncClient

    async def call(self, method: str, *args: Any) -> Any:
        *path, name = method.split(".")
        owner: Any = self.client
        for part in path:
            owner = getattr(owner, part)
        try:
            answer = await getattr(owner, _snake(name))(*_arguments(name, [_spelled(arg) for arg in args]))
        except AuthApiError as error:
            raise Refused(error.code, error.status, error.message) from error
        except AuthWeakPasswordError as error:
            raise Refused(error.code, error.status, error.message) from error
        return _plain(answer)


@asynccontextmanager
async def javascript(url: str, headers: Callable[[], dict[str, str]]) -> AsyncIterator[Opens]:
    needs_node_program("@supabase/supabase-js/package.json")
    process = await asyncio.create_subprocess_exec(
        needs_program("node", "nodejs"), "flows.mjs", cwd=Path(__file__).parent,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 20,
    )  # fmt: skip
    count = 0

    async def opens(key: str, flow: str) -> Speaker:
        nonlocal count
        count += 1
        speaker = JavaScript(process, count)
        auth = {"flowType": flow, "autoRefreshToken": False, "detectSessionInUrl": False}
        options = {"auth": auth, "global": {"headers": headers()}}
        await speaker.tell(make={"url": url, "key": key, "options": options})
        return speaker

    yield opens
    assert process.stdin
    process.stdin.close()
    await process.wait()


@asynccontextmanager
async def python(url: str, headers: Callable[[], dict[str, str]]) -> AsyncIterator[Opens]:
    async def opens(key: str, flow: str) -> Speaker:
        options = AsyncClientOptions(flow_type=flow, auto_refresh_token=False, headers=headers())
        return Python(await acreate_client(url, key, options))

    yield opens


def as_in_python(value: Any) -> Any:
    match value:
        case dict():
            return {_snake(k): v if k in WORDS_OF_PEOPLE else as_in_python(v) for k, v in value.items()}
        case list():
            return [as_in_python(each) for each in value]
        case _:
            return value


def _spelled(value: Any) -> Any:
    return as_in_python(value) if isinstance(value, dict) else value


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z]+)", lambda found: "_" + found[1].lower(), name)


def _arguments(name: str, args: list[Any]) -> list[Any]:
    """Where the two clients take the same in another shape."""
    match name, args:
        case "exchangeCodeForSession", [code]:
            return [{"auth_code": code}]
        case "refreshSession", [{"refresh_token": token}]:
            return [token]
        case "setSession", [{"access_token": token, "refresh_token": refresh}]:
            return [token, refresh]
        case "unlinkIdentity", [identity]:
            return [UserIdentity.model_validate(identity)]
        case "listUsers", [{"page": page, "per_page": per_page}]:
            return [page, per_page]
        case _:
            return args


def _plain(answer: Any) -> Any:
    match answer:
        case BaseModel():
            return answer.model_dump(mode="json")
        case list():
            return [_plain(each) for each in answer]
        case _:
            return answer
