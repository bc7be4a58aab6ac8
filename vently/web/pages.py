"""Pages: a template, what it shows, and what every page knows."""

import time
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, TemplateNotFound
from litestar import Request

from vently.refusals import Unauthenticated
from vently.web import csrf, facts, filters, flashes
from vently.web import viewer as viewers
from vently.web.answers import HTML, Answer

TEMPLATES = Path(__file__).parent / "templates"


def environment(folders: Iterable[Path] = ()) -> Environment:
    """Templates of the shell and of the rooms. Everything is escaped; an unknown name is an error."""
    loader = ChoiceLoader([FileSystemLoader(folder) for folder in (TEMPLATES, *folders)])
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    filters.register(made)
    return made


async def page(request: Any, template: str, *, status: int = 200, **shown: Any) -> Answer:
    """The template with what is shown, and with what `_always` and this function add.

    `viewer` is the profile of who is signed in ({handle, name, organizer}) or None; a handler that has it already
    passes it along and spares the look-up.
    """
    if "viewer" not in shown:
        shown["viewer"] = await _portrait(request)
    own = {"csrf_input": lambda: csrf.field(request), "flash": flashes.take(request)}
    return _render(request.scope, template, status, {**own, **shown})


async def problem(scope: Any, told: Any) -> Answer:
    """An error as a page; bare when templates are missing or broken themselves."""
    shown = {"status": told.status, "title": told.title, "detail": told.detail, "request_id": told.request_id}
    own = {"viewer": None, "flash": [], "csrf_input": lambda: csrf.field(request), "errors": told.errors}
    request: Any = Request(scope)
    try:
        if told.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            own["viewer"] = await _portrait(request)
        return _render(scope, "problem.html", told.status, {**own, **shown})
    except Exception:  # noqa: BLE001 - the page that tells of errors must not fail itself
        return _bare(shown)


async def _portrait(request: Any) -> Any:
    viewer = await viewers.of(request)
    portray = facts.of(request).parts.portray
    try:
        return await portray(viewer) if portray and viewer.id else None
    except Unauthenticated:
        return None  # without their second factor they are nobody yet, also to the page that asks for it


def _always(scope: Any, known: facts.Facts) -> dict[str, Any]:
    return {
        "csp_nonce": known.nonce,
        "request_id": known.request_id,
        "site_url": known.parts.settings.site_url,
        "path": scope["path"],
    }


def _bare(shown: dict[str, Any]) -> Answer:
    text = Environment(autoescape=True).from_string(
        "<!doctype html><html lang=en><meta charset=utf-8><title>{{ title }}</title>"
        "<h1>{{ title }}</h1><p>{{ detail }}</p><p>{{ status }} · {{ request_id }}</p></html>"
    )
    return Answer(text.render(shown).encode(), shown["status"], media_type=HTML)


def _render(scope: Any, template: str, status: int, shown: dict[str, Any]) -> Answer:
    known = facts.of(scope)
    if known.parts.templates is None:
        raise TemplateNotFound(template)
    began = time.perf_counter()
    text = known.parts.templates.get_template(template).render({**_always(scope, known), **shown})
    known.add("render", time.perf_counter() - began)
    return Answer(text.encode(), status, media_type=HTML)
