"""What form pages share: refused fields by pointer, and where a person goes afterwards."""

from typing import Any, TypeVar

import msgspec

from vently.refusals import Invalid, Refusal
from vently.web import checks, pointing

T = TypeVar("T")

LONGEST_GOAL = 2000


def wrong(refused: Refusal) -> dict[str, str]:
    """Sentence by pointer; under "" what concerns the form as a whole."""
    found = {error.pointer: error.detail for error in refused.errors}
    return found or {"": refused.detail}


def ours(path: str | None, fallback: str = "/") -> str:
    """A path of this site to go to. Anything that could lead elsewhere (`//`, a backslash, a scheme) is not taken."""
    if not path or len(path) > LONGEST_GOAL or not path.startswith("/") or path.startswith("//"):
        return fallback
    return path if "\\" not in path and path.isprintable() else fallback


def typed(fields: dict[str, list[Any]]) -> dict[str, str]:
    """What stood in the inputs, to show it again. Browsers send the lines of a text with CR LF."""
    texts = {name: values[-1] for name, values in fields.items() if values and isinstance(values[-1], str)}
    return {name: text.replace("\r\n", "\n") for name, text in texts.items()}


def as_shape(kind: type[T], fields: Any) -> T:
    """The same checks that the API's bodies meet. Raises Invalid."""
    try:
        shape = msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        wrong = pointing.all_errors(fields, kind)
        raise Invalid(errors=wrong or [pointing.from_message(str(error))]) from None
    if wrong := checks.moments(shape):
        raise Invalid(errors=wrong)
    return shape
