"""Static files, under names that carry a hash of their content."""

from vently.refusals import NotFound
from vently.web import assets
from vently.web.answers import Answer
from vently.web.routes import get

_FOR_EVER = "public, max-age=31536000, immutable"


@get("/static/{name}", hidden=True)
async def read_asset(name: str) -> Answer:
    """One file of the folder static."""
    asset = assets.find_asset(name)
    if asset is None:
        raise NotFound
    headers = {"cache-control": _FOR_EVER, "cross-origin-resource-policy": "cross-origin"}
    return Answer(asset.body, media_type=asset.media_type, headers=headers)


ROUTES = [read_asset]
