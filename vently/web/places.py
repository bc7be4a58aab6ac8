"""Which addresses are pages for people, and which are for programs."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_FOR_PROGRAMS = (
    "/api", "/auth/v1", "/rest/v1", "/realtime", "/storage", "/hooks", "/.well-known", "/static",
    "/openapi.json", "/healthz", "/readyz", "/metrics", "/robots.txt", "/llms.txt", "/sitemap.xml",
)  # fmt: skip


def is_page(path: str) -> bool:
    """Whether people look at it in a browser: errors are pages there, cookies count, forms carry a token."""
    return not any(path == prefix or path.startswith(prefix + "/") for prefix in _FOR_PROGRAMS)


def is_api(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")
