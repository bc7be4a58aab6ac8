"""Static files, under names that carry a hash of their content."""

from vently.refusals import NotFound
from vently.web import assets, covers
from vently.web.answers import Answer
from vently.web.routes import get

_LONGEST_NAME = 100
_FOR_EVER = "public, max-age=31536000, immutable"


@get("/static/{name}", hidden=True)
async def read_asset(name: str) -> Answer:
    """One file of the folder static."""
    asset = assets.find_asset(name)
    if asset is None:
        raise NotFound
    headers = {"cache-control": _FOR_EVER, "cross-origin-resource-policy": "cross-origin"}
    return Answer(asset.body, media_type=asset.media_type, headers=headers)


@get("/covers/{category}/{picture}", hidden=True)
async def read_cover(category: str, picture: str) -> Answer:
    """A generated cover: drawn from the id in its name, so that it needs neither storage nor database."""
    name, _, kind = picture.partition(".")
    if kind != "svg" or len(name) > _LONGEST_NAME or len(category) > _LONGEST_NAME:
        raise NotFound
    headers = {"cache-control": _FOR_EVER, "cross-origin-resource-policy": "cross-origin"}
    return Answer(covers.cover_svg(name, category).encode(), media_type="image/svg+xml", headers=headers)


ROUTES = [read_asset, read_cover]
