"""The API's description: OpenAPI for programs, and a plain page made from it for people."""

from typing import Any

import msgspec

from vently.web import conditional, facts, pages
from vently.web.answers import Answer
from vently.web.routes import get


@get("/openapi.json", hidden=True)
async def read_openapi(request: Any) -> Answer:
    """The API as OpenAPI 3.1."""
    return conditional.answer(request, facts.of(request).parts.openapi)


@get("/docs", hidden=True)
async def show_docs(request: Any) -> Answer:
    """The same, for people to read: no script, nothing from elsewhere."""
    document = msgspec.json.decode(facts.of(request).parts.openapi)
    return await pages.page(request, "docs.html", document=document, groups=_groups(document))


def _groups(document: Any) -> list[tuple[str, list[tuple[str, str, Any]]]]:
    groups: dict[str, list[tuple[str, str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups[operation["tags"][0]].append((method, path, operation))
    return list(groups.items())


ROUTES = [read_openapi, show_docs]
