"""A browser without JavaScript: it keeps cookies, fills in the forms it was shown, and goes where it is sent."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx


class Forms(HTMLParser):
    """The forms of a page: by action, the values that stand in them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str]] = {}
        self._current: dict[str, str] | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._current = self.found.setdefault(given.get("action", given.get("data-answer", "")), {})
        elif tag == "input" and self._current is not None and "name" in given:
            if given.get("type") not in ("radio", "checkbox") or "checked" in given:
                self._current[given["name"]] = given.get("value", "")
        elif tag == "button" and "formaction" in given and self._current is not None:
            self.found[given["formaction"]] = self._current

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._current = None


class Browser:
    """One browser. `page` is what it shows, `path` where it is."""

    def __init__(
        self,
        app: Any,
        site: str,
        *,
        agent: str = "Mozilla/5.0 (X11; Linux) Firefox/140.0",
        address: str = "203.0.113.7",
    ) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 4711))
        headers = {"accept": "text/html", "user-agent": agent, "sec-fetch-site": "same-origin"}
        self.http = httpx.AsyncClient(transport=transport, base_url=site, headers=headers)
        self.page = self.path = ""
        self.status = 0
        self.answer: httpx.Response | None = None

    async def opens(self, path: str) -> "Browser":
        return await self._shown(await self.http.get(path))

    async def sends(self, action: str, **fields: str) -> "Browser":
        """The form of this action on the page that is shown, with these fields filled in."""
        form = Forms(self.page).found
        assert action in form, f"{self.path} has no form {action}: {sorted(form)}"
        return await self._shown(await self.http.post(action, data={**form[action], **fields}))

    async def calls(self, action: str, path: str, body: dict[str, Any]) -> httpx.Response:
        """What a script of the page sends, with the token of a form on it."""
        headers = {"x-csrf-token": Forms(self.page).found[action]["_csrf"], "accept": "application/json"}
        return await self.http.post(path, json=body, headers=headers)

    async def _shown(self, answer: httpx.Response) -> "Browser":
        for _ in range(10):
            self.answer = answer
            if answer.status_code not in (302, 303):
                break
            goal = urljoin(str(answer.request.url), answer.headers["location"])
            if urlsplit(goal).netloc != urlsplit(str(self.http.base_url)).netloc:
                break
            answer = await self.http.get(goal)
        self.status, self.page = answer.status_code, unescape(answer.text) if answer.text else ""
        self.path = answer.request.url.raw_path.decode()
        return self

    @property
    def text(self) -> str:
        """What is read on the page."""
        bare = re.sub(r"(?s)<(script|style)\b.*?</\1>|<[^>]+>", " ", self.page)
        return re.sub(r"\s+", " ", bare)

    def cookie(self, name: str) -> str | None:
        return self.http.cookies.get(name)

    @property
    def forms(self) -> dict[str, dict[str, str]]:
        return Forms(self.page).found
