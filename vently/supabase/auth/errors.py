"""What sign-in refuses: Supabase Auth's error codes, as refusals the rest of the house understands too."""

from vently.refusals import Refusal


class AuthError(Refusal):
    """Sign-in refuses. `code` is one of Supabase Auth's error codes; the status is below 500."""

    title = "Sign-in refused this"

    def __init__(self, code: str, message: str, status: int = 400, *, reasons: list[str] | None = None) -> None:
        super().__init__(message, type=code.replace("_", "-"))
        self.code = code
        self.message = message
        self.status = status
        self.reasons = reasons or []
