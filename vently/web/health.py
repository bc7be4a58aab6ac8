"""Whether this node lives and may be sent requests, and what crawlers are told."""

from typing import Any

import msgspec

from vently.refusals import Unavailable
from vently.web import facts
from vently.web.answers import Answer
from vently.web.routes import get

_TEXT = "text/plain; charset=utf-8"


class Health(msgspec.Struct):
    """The node's own word on how it is."""

    status: str


@get("/healthz", answers=Health, tag="Server")
async def read_health() -> Answer:
    """The process answers. Says nothing about the database: a restart would not mend that."""
    return Answer(Health("alive"), headers={"cache-control": "no-store"})


@get("/readyz", answers=Health, tag="Server")
async def read_readiness(request: Any) -> Answer:
    """Requests may be sent here: the database answers and is up to date, and the node is not shutting down."""
    parts = facts.of(request).parts
    if parts.draining:
        raise Unavailable("This node is shutting down.", headers={"retry-after": "5"})
    await parts.database.ping()
    for check in parts.readiness:
        if reason := await check():
            raise Unavailable(reason, headers={"retry-after": "1"})
    return Answer(Health("ready"), headers={"cache-control": "no-store"})


@get("/robots.txt", hidden=True)
async def read_robots(request: Any) -> Answer:
    """What crawlers may read."""
    site = facts.of(request).parts.settings.site_url
    text = f"User-agent: *\nDisallow: /api/\nDisallow: /auth/\nDisallow: /pretend/\nSitemap: {site}/sitemap.xml\n"
    return Answer(text.encode(), media_type=_TEXT, headers={"cache-control": "public, max-age=3600"})


@get("/llms.txt", hidden=True)
async def read_llms(request: Any) -> Answer:
    """What programs that read for people should know (llmstxt.org)."""
    site = facts.of(request).parts.settings.site_url
    text = (
        "# Vently\n\n> An open event platform: discover and run events, communities and tickets.\n\n"
        "## Reading\n\n"
        f"- [API description]({site}/openapi.json): OpenAPI 3.1 of everything below /api\n"
        f"- [API reference]({site}/docs): the same for people\n"
        f"- [Events]({site}/api/events): what is on, as JSON; filters `q`, `from`, `to`, `city`, `category`\n"
    )
    return Answer(text.encode(), media_type=_TEXT, headers={"cache-control": "public, max-age=3600"})


ROUTES = [read_health, read_readiness, read_robots, read_llms]
