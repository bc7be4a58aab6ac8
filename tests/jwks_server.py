"""A stand-in for a Supabase project that publishes keys, on a loopback port, with faults to switch on."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

PATH = "/auth/v1/.well-known/jwks.json"


def b64(data: bytes | dict | list | str) -> str:
    """Base64url without padding; JSON of what is no bytes."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class SigningKeys:
    """A private key with its kid: what a Supabase project signs with."""

    kid: str
    key: Any
    alg: str = "ES256"

    @classmethod
    def es256(cls, kid: str = "one") -> "SigningKeys":
        return cls(kid, ECKey.generate_key("P-256", auto_kid=False))

    @classmethod
    def rs256(cls, kid: str = "rsa", bits: int = 2048) -> "SigningKeys":
        return cls(kid, RSAKey.generate_key(bits, auto_kid=False), "RS256")

    @classmethod
    def eddsa(cls, kid: str = "ed") -> "SigningKeys":
        return cls(kid, OKPKey.generate_key("Ed25519", auto_kid=False), "EdDSA")

    @classmethod
    def hs256(cls, secret: str) -> "SigningKeys":
        return cls("", OctKey.import_key(secret), "HS256")

    @property
    def published(self) -> dict[str, Any]:
        return {
            **self.key.as_dict(private=False),
            "kid": self.kid, "alg": self.alg, "use": "sig", "key_ops": ["verify"],
        }  # fmt: skip

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        told = {"alg": self.alg, "typ": "JWT", **({"kid": self.kid} if self.kid else {}), **header}
        if self.alg == "EdDSA":
            text = f"{b64(told)}.{b64(claims)}"
            return f"{text}.{b64(self.key.private_key.sign(text.encode()))}"
        registry = jws.JWSRegistry(algorithms=[self.alg], strict_check_header=False)
        return jws.serialize_compact(told, json.dumps(claims).encode(), self.key, registry=registry)


@dataclass
class JwksServer:
    """`keys` are published unless `body`, `status`, `headers` or `delay` say otherwise. `asked` counts requests."""

    url: str
    keys: list[SigningKeys] = field(default_factory=list)
    status: str = "200 OK"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    delay: float = 0
    silent: bool = False
    trickle: float = 0
    """Seconds between two bytes."""
    beside: dict[str, tuple[str, str]] = field(default_factory=dict)
    """What else it answers: status and body by path."""
    asked: list[str] = field(default_factory=list)

    def well(self) -> None:
        """No fault any more."""
        self.status, self.headers, self.body = "200 OK", {}, None
        self.delay, self.silent, self.trickle = 0, False, 0

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Of somebody's good token; `...` takes a claim away."""
        now = int(time.time())
        good = {
            "iss": f"{self.url}/auth/v1", "sub": str(uuid4()), "aud": "authenticated", "role": "authenticated",
            "exp": now + 3600, "iat": now, "email": "alice@example.org", "session_id": str(uuid4()),
        }  # fmt: skip
        return {name: value for name, value in {**good, **changes}.items() if value is not ...}

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.asked.append(asked)
            await asyncio.sleep(self.delay)
            answer = b"" if self.silent else self._answer(asked.split(" ")[1])
            for piece in [answer[n : n + 1] for n in range(len(answer))] if self.trickle else [answer]:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(self.trickle)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _answer(self, path: str) -> bytes:
        jwks = {"keys": [key.published for key in self.keys]}
        body = json.dumps(jwks).encode() if self.body is None else self.body
        status = self.status
        if path != PATH:
            status, text = self.beside.get(path, ("404 Not Found", "{}"))
            body = text.encode()
        headers = {"Content-Length": str(len(body)), "Connection": "close", **self.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


@asynccontextmanager
async def jwks_server(*keys: SigningKeys) -> AsyncIterator[JwksServer]:
    stand_in = JwksServer("", list(keys))
    server = await asyncio.start_server(stand_in.answer, "127.0.0.1", 0)
    stand_in.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield stand_in
    finally:
        server.close()
