"""Refusals: what a verb raises when it will not do what was asked; `web/errors.py` turns them into answers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """Where the trouble is (a JSON pointer, RFC 6901) and one sentence that says how to mend it."""

    pointer: str
    detail: str


class Refusal(Exception):
    """Something asked for is not done. `type` is the last part of the problem's URI (RFC 9457)."""

    status = 400
    type = "bad-request"
    title = "This cannot be done"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: list[FieldError] | None = None,
        type: str | None = None,  # noqa: A002 - RFC 9457 calls it so
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or (self.__doc__ or self.title).strip().splitlines()[0]
        self.errors = errors or []
        self.headers = headers or {}
        if type:
            self.type = type


class Malformed(Refusal):
    """The request could not be read."""

    title = "The request could not be read"
    type = "malformed"


class Unauthenticated(Refusal):
    """Sign in first: send an access token as `Authorization: Bearer …`."""

    status = 401
    title = "Sign in first"
    type = "unauthenticated"


class NotAllowed(Refusal):
    """Your role does not allow this."""

    status = 403
    title = "Not allowed"
    type = "not-allowed"


class NotFound(Refusal):
    """There is nothing here, or nothing you may see."""

    status = 404
    title = "Not found"
    type = "not-found"


class Conflict(Refusal):
    """This clashes with how things stand now."""

    status = 409
    title = "Conflict"
    type = "conflict"


class Stale(Refusal):
    """Someone changed this since you read it: read it again, then send your change with the new ETag."""

    status = 412
    title = "Changed meanwhile"
    type = "stale"


class TooLarge(Refusal):
    """The request is larger than this server takes."""

    status = 413
    title = "Too large"
    type = "too-large"


class Invalid(Refusal):
    """Some of what was sent is not valid."""

    status = 422
    title = "Invalid input"
    type = "invalid"

    @classmethod
    def at(cls, pointer: str, detail: str) -> "Invalid":
        return cls(detail, errors=[FieldError(pointer, detail)])


class Unavailable(Refusal):
    """Try again in a moment."""

    status = 503
    title = "Not available right now"
    type = "unavailable"
